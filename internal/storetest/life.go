package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"nametag/internal/registry"
)

var lifeTests = map[string]func(*testing.T, registry.Store){
	"IsReady": func(t *testing.T, s registry.Store) {
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
	},
	"ReadyEndsWithItsContext": func(t *testing.T, s registry.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Ready(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Ready: %v, want context.Canceled", err)
		}
	},
	"IsUnavailableWhenClosed": unavailableWhenClosed,
	"CloseWaitsForCalls":      closeWaits,
}

func unavailableWhenClosed(t *testing.T, s registry.Store) {
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	ctx := t.Context()
	calls := map[string]func() error{
		"Insert": func() error { _, err := s.Insert(ctx, entriesOf(newPet(t, "Rex"))); return err },
		"Find":   func() error { _, err := s.Find(ctx, []string{"rex"}); return err },
		"Snapshot": func() error {
			_, err := s.Snapshot(ctx, func(registry.State) error { return nil })
			return err
		},
		"List":       func() error { _, err := s.List(ctx, registry.ListQuery{Limit: 1}); return err },
		"ForgetKeys": func() error { _, err := s.ForgetKeys(ctx, time.Now()); return err },
		"Ready":      func() error { return s.Ready(ctx) },
	}
	for name, call := range calls {
		if err := call(); registry.ErrorCode(err) != registry.CodeUnavailable {
			t.Errorf("%s of a closed store: %v, want CodeUnavailable", name, err)
		}
	}
}

// closeWaits closes a store during many calls: each call is completed or refused.
func closeWaits(t *testing.T, s registry.Store) {
	const n = 16
	var done atomic.Int32
	started := make(chan struct{})
	together(n+1, func(i int) {
		if i == n {
			<-started
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			return
		}
		for j := 0; ; j++ {
			_, err := s.Insert(t.Context(), entriesOf(newPet(t, fmt.Sprintf("Pet %d of %d", j, i))))
			if registry.ErrorCode(err) == registry.CodeUnavailable {
				return
			}
			if err != nil {
				t.Errorf("Insert while closing: %v", err)
				return
			}
			if done.Add(1) == n {
				close(started)
			}
		}
	})
}
