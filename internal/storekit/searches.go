// Package storekit holds what both stores do alike beside deciding: forgetting idempotency keys, and limiting how many
// searches run at once.
package storekit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nametag/internal/registry"
)

// How long a search waits for a place, and how long it may then take.
const (
	searchPatience = time.Second
	searchTime     = 2 * time.Second
)

// A Lister answers a ListQuery.
type Lister func(context.Context, registry.ListQuery) ([]registry.Pet, error)

// Searches lets only so many searches, by name or by category, run at once, and none for long: a search
// may have to read the whole book, and checks and registrations need
// connections meanwhile. Its method may be called by several goroutines at
// once.
type Searches struct {
	places chan struct{}
}

// NewSearches returns Searches of which n run at once.
func NewSearches(n int) *Searches { return &Searches{make(chan struct{}, n)} }

// List answers q by list. If q is a search, it does so when there is a place
// for it, with a context that ends when its time is up. The error is an
// *registry.Error with CodeUnavailable if there was no place within a second, or
// if the search was not done after two.
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
		return nil, registry.Unavailable(fmt.Errorf("the search was given up after %v: %w", searchTime, err))
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
		return fmt.Errorf("wait for a place to search: %w", ctx.Err())
	case <-patience.C:
		return registry.Unavailable(errors.New("searches are busy"))
	}
}
