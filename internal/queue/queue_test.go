package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nametag/internal/queue"
	"nametag/internal/registry"
)

// A slowStore takes a second for each transaction, and records its number of entries.
type slowStore struct {
	registry.Store
	mu     sync.Mutex
	sizes  []int
	fail   func([]registry.Entry) error // nil for never
	closed bool
}

func (s *slowStore) Insert(ctx context.Context, entries []registry.Entry) ([]registry.Decision, error) {
	s.mu.Lock()
	s.sizes = append(s.sizes, len(entries))
	s.mu.Unlock()
	time.Sleep(time.Second)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.fail != nil {
		if err := s.fail(entries); err != nil {
			return nil, err
		}
	}
	results := make([]registry.Decision, len(entries))
	for i, e := range entries {
		results[i] = registry.Decision{Pet: &e.Pet}
	}
	return results, nil
}

func (s *slowStore) Close() error {
	s.closed = true
	return nil
}

func (s *slowStore) mustHaveHad(t *testing.T, sizes ...int) {
	t.Helper()
	if fmt.Sprint(s.sizes) != fmt.Sprint(sizes) {
		t.Errorf("the transactions had %v entries, want %v", s.sizes, sizes)
	}
}

func entry(name string) registry.Entry {
	return registry.Entry{Pet: registry.Pet{Name: registry.RestoreName(name, name)}}
}

// insert inserts one pet and checks its result.
func insert(ctx context.Context, q *queue.Queue, name string) error {
	results, err := q.Insert(ctx, []registry.Entry{entry(name)})
	if err == nil && (len(results) != 1 || results[0].Pet.Name.Key() != name) {
		err = fmt.Errorf("the results for %s are %v", name, results)
	}
	return err
}

// oneByOne inserts pets, each when the calls before it are waiting or running, and passes each result to check.
func oneByOne(t *testing.T, q *queue.Queue, names []string, check func(name string, err error)) {
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() { check(name, insert(t.Context(), q, name)) })
		synctest.Wait()
	}
	wg.Wait()
}

// withSlowStore runs a test on a queue of a slow store.
func withSlowStore(t *testing.T, test func(*testing.T, *queue.Queue, *slowStore)) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{}
		q := queue.New(s)
		test(t, q, s)
		if err := q.Close(); err != nil || !s.closed {
			t.Errorf("closing: %v; is the store closed? %v", err, s.closed)
		}
	})
}

func TestASingleCallDoesNotWait(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		start := time.Now()
		if err := insert(t.Context(), q, "a"); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		s.mustHaveHad(t, 1)
	})
}

func TestWaitingCallsShareATransaction(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if err := insert(t.Context(), q, fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // the first has begun before the others arrive
		}
		wg.Wait()
		if time.Since(start) != 2*time.Second {
			t.Errorf("it took %v", time.Since(start))
		}
		s.mustHaveHad(t, 1, 99)
	})
}

func TestManyMakeTransactionsOfAThousand(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		var wg sync.WaitGroup
		wg.Go(func() { insert(t.Context(), q, "first") })
		synctest.Wait()
		for i := range 1500 {
			wg.Go(func() { insert(t.Context(), q, fmt.Sprint(i)) })
		}
		wg.Wait()
		s.mustHaveHad(t, 1, 1000, 500)
		if _, err := q.Insert(t.Context(), make([]registry.Entry, 1200)); err != nil {
			t.Error(err)
		}
		s.mustHaveHad(t, 1, 1000, 500, 1200)
	})
}

func TestABadEntryFailsAlone(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		s.fail = func(entries []registry.Entry) error {
			for _, e := range entries {
				switch e.Pet.Name.Key() {
				case "bad":
					return errors.New("a bad row")
				case "worse":
					panic("a worse row")
				}
			}
			return nil
		}
		oneByOne(t, q, []string{"first", "good", "bad", "fine", "worse"}, func(name string, err error) {
			if failed := err != nil; failed != (name == "bad" || name == "worse") {
				t.Errorf("%s got %v", name, err)
			}
			if err != nil && !strings.Contains(err.Error(), "a "+name+" row") {
				t.Errorf("%s got %v", name, err)
			}
		})
		s.mustHaveHad(t, 1, 4, 2, 1, 1, 2, 1, 1)
	})
}

func TestAnUnreachableDatabaseIsNotAskedForEachCall(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		for _, cause := range []error{registry.Unavailable(errors.New("gone")), context.DeadlineExceeded} {
			s.sizes, s.fail = nil, func([]registry.Entry) error { return cause }
			oneByOne(t, q, []string{"first", "second", "third"}, func(name string, err error) {
				if registry.ErrorCode(err) != registry.CodeUnavailable {
					t.Errorf("%s got %v", name, err)
				}
			})
			s.mustHaveHad(t, 1, 2)
		}
	})
}

// TestADatabaseLostDuringTheBisectionIsNotAskedForEachCall loses the database while the
// queue looks for the bad entry. The other calls, up to a thousand, fail at once.
func TestADatabaseLostDuringTheBisectionIsNotAskedForEachCall(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		s.fail = func(entries []registry.Entry) error {
			switch len(s.sizes) {
			case 1:
				return nil
			case 2:
				return errors.New("a bad row")
			default:
				return registry.Unavailable(errors.New("gone"))
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { insert(t.Context(), q, "first") })
		synctest.Wait()
		for i := range 1000 {
			wg.Go(func() {
				if err := insert(t.Context(), q, fmt.Sprint(i)); registry.ErrorCode(err) != registry.CodeUnavailable {
					t.Errorf("%d got %v", i, err)
				}
			})
		}
		wg.Wait()
		s.mustHaveHad(t, 1, 1000, 500)
	})
}

// TestABrokenJournalIsNotAskedForEachCall returns an error that no entry can cause.
func TestABrokenJournalIsNotAskedForEachCall(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		s.fail = func([]registry.Entry) error { return registry.ErrNoHead }
		oneByOne(t, q, []string{"first", "second", "third"}, func(name string, err error) {
			if !errors.Is(err, registry.ErrNoHead) {
				t.Errorf("%s got %v", name, err)
			}
		})
		s.mustHaveHad(t, 1, 2)
	})
}

// TestATransactionOfLargeCallsIsBounded combines calls of several hundred entries, up to a thousand a transaction.
func TestATransactionOfLargeCallsIsBounded(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		var wg sync.WaitGroup
		wg.Go(func() { insert(t.Context(), q, "first") })
		synctest.Wait()
		for range 3 {
			wg.Go(func() { q.Insert(t.Context(), make([]registry.Entry, 400)) })
		}
		wg.Wait()
		s.mustHaveHad(t, 1, 800, 400)
	})
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		var wg sync.WaitGroup
		wg.Go(func() { insert(t.Context(), q, "first") })
		synctest.Wait()
		for i := range 4096 {
			wg.Go(func() { insert(t.Context(), q, fmt.Sprint(i)) })
		}
		synctest.Wait()
		if n := q.Waiting(); n != 4096 {
			t.Errorf("%d are waiting", n)
		}
		start := time.Now()
		if err := insert(t.Context(), q, "one too many"); registry.ErrorCode(err) != registry.CodeUnavailable || time.Since(start) > 0 || !strings.Contains(err.Error(), "Too many registrations are waiting") {
			t.Errorf("it got %v after %v", err, time.Since(start))
		}
		wg.Wait()
		if err := insert(t.Context(), q, "later"); err != nil {
			t.Errorf("afterwards it got %v", err)
		}
	})
}

// TestACancelledCallReturnsTheTrueOutcome cancels a call that waits, which is not
// registered, and one whose transaction runs, which is.
func TestACancelledCallReturnsTheTrueOutcome(t *testing.T) {
	t.Parallel()
	withSlowStore(t, func(t *testing.T, q *queue.Queue, s *slowStore) {
		brief, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := insert(brief, q, "under way"); err != nil {
				t.Errorf("while its transaction ran, it got %v", err)
			}
		})
		synctest.Wait()
		if err := insert(brief, q, "waiting"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while waiting, it got %v", err)
		}
		if n := q.Waiting(); n != 0 {
			t.Errorf("%d cancelled calls are still waiting", n)
		}
		wg.Wait()
		if err := insert(t.Context(), q, "next"); err != nil {
			t.Error(err)
		}
		s.mustHaveHad(t, 1, 1)
	})
}

func TestCloseWaitsForWaitingCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{}
		q := queue.New(s)
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				if err := insert(t.Context(), q, fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if err := q.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		s.mustHaveHad(t, 1, 2)
		if err := insert(t.Context(), q, "late"); registry.ErrorCode(err) != registry.CodeUnavailable {
			t.Errorf("late, it got %v", err)
		}
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
}
