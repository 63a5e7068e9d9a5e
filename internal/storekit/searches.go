// Package storekit has what both stores share, except deciding: it bounds searches,
// and deletes idempotency keys in small transactions.
package storekit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nametag/internal/registry"
)

// The time that a search waits for its turn, and the time that it may then take.
const (
	searchPatience = time.Second
	searchTime     = 2 * time.Second
)

// A Lister answers a ListQuery.
type Lister func(context.Context, registry.ListQuery) ([]registry.Pet, error)

// Searches bounds the searches, by name or by category: how many run at once, and
// for how long. A search may read all pets, and checks and registrations need
// connections meanwhile. Its method may be called by several goroutines at once.
type Searches struct {
	places chan struct{}
}

// NewSearches returns Searches that lets n run at once.
func NewSearches(n int) *Searches { return &Searches{make(chan struct{}, n)} }

// List answers q by list. If q is a search, it waits for its turn and bounds the time of list. The error is an
// *registry.Error with CodeUnavailable if the search got no turn within a second, or did not end within two more.
func (s *Searches) List(ctx context.Context, q registry.ListQuery, list Lister) ([]registry.Pet, error) {
	if q.Contains == "" && q.Category == "" {
		return list(ctx, q)
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.places }()
	brief, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	pets, err := list(brief, q)
	if err != nil && brief.Err() != nil && ctx.Err() == nil {
		return nil, registry.Unavailable(fmt.Errorf("the search was cancelled after %v: %w", searchTime, err))
	}
	return pets, err
}

func (s *Searches) enter(ctx context.Context) error {
	patience := time.NewTimer(searchPatience)
	defer patience.Stop()
	select {
	case s.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a search to end: %w", ctx.Err())
	case <-patience.C:
		return registry.Unavailable(errors.New("too many searches are running"))
	}
}
