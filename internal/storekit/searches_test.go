package storekit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nametag/internal/registry"
	"nametag/internal/storekit"
)

var search = registry.ListQuery{Contains: "x", Limit: 1}

// untilItsTimeIsUp is a search that would never end.
func untilItsTimeIsUp(ctx context.Context, _ registry.ListQuery) ([]registry.Pet, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func atOnce(context.Context, registry.ListQuery) ([]registry.Pet, error) {
	return make([]registry.Pet, 1), nil
}

// searched returns what a search by list is told.
func searched(ctx context.Context, s *storekit.Searches, list storekit.Lister) error {
	_, err := s.List(ctx, search, list)
	return err
}

func unavailable(t *testing.T, err error, words string) {
	t.Helper()
	if registry.ErrorCode(err) != registry.CodeUnavailable || !strings.Contains(err.Error(), words) {
		t.Errorf("the search is told %v, want CodeUnavailable and %q", err, words)
	}
}

func TestASearchIsGivenUpAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := storekit.NewSearches(1), time.Now()
		unavailable(t, searched(t.Context(), s, untilItsTimeIsUp), "cancelled after 2s")
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestASearchWaitsASecondForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storekit.NewSearches(2)
		for range 2 {
			go searched(t.Context(), s, untilItsTimeIsUp)
		}
		synctest.Wait()
		start := time.Now()
		if pets, err := s.List(t.Context(), registry.ListQuery{Limit: 1}, atOnce); err != nil || len(pets) != 1 || time.Since(start) > 0 {
			t.Errorf("a list that searches nothing: %v, %v after %v", pets, err, time.Since(start))
		}
		unavailable(t, searched(t.Context(), s, untilItsTimeIsUp), "too many searches")
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("it waited %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := searched(ctx, s, untilItsTimeIsUp); !errors.Is(err, context.DeadlineExceeded) || registry.ErrorCode(err) != registry.CodeInternal {
			t.Errorf("a search whose context ended is told %v", err)
		}

		// Half a second before the others are given up, a place is worth waiting for.
		time.Sleep(500 * time.Millisecond)
		if err := searched(t.Context(), s, atOnce); err != nil {
			t.Errorf("the search is told %v", err)
		}
		synctest.Wait()
	})
}

func TestASearchsOwnErrorIsReturned(t *testing.T) {
	s, broken := storekit.NewSearches(1), errors.New("broken")
	for range 2 { // the place is free again
		err := searched(t.Context(), s, func(context.Context, registry.ListQuery) ([]registry.Pet, error) { return nil, broken })
		if err != broken {
			t.Errorf("the search is told %v", err)
		}
	}
}
