// Package queue has registrations that come at once share a transaction, and so
// one wait for the disk.
package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"nametag/internal/registry"
)

// A Queue is a Store whose Insert gathers calls: while one transaction is under
// way, those that come wait, and together they are the next one. Nobody waits
// for company: a call that finds nothing under way leaves at once. The other
// methods are those of the Store that it was made of.
type Queue struct {
	registry.Store

	wake chan struct{} // there is something new below
	done chan struct{} // closed when the last transaction has ended

	mu      sync.Mutex
	waiting []*call
	closed  bool
}

var _ registry.Store = (*Queue)(nil)

const (
	// maxWaiting is how many calls may wait: about a second's work.
	maxWaiting = 4096

	// maxTogether is how many entries a transaction has at most. A call that has
	// as many does not wait for others.
	maxTogether = 1000

	// patience is how long a transaction may take.
	patience = 10 * time.Second
)

// A call is one of Insert.
type call struct {
	entries []registry.Entry
	answer  chan answer // has room for it
}

type answer struct {
	decisions []registry.Decision
	err       error
}

// New returns a queue before store, until Close.
func New(store registry.Store) *Queue {
	q := &Queue{Store: store, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.work()
	return q
}

// Waiting returns how many calls wait for the next transaction.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Insert implements registry.Store. If ctx ends while the call waits, nothing is
// entered; if it ends later, Insert waits nevertheless, and tells what became of
// the entries. If too many are waiting it returns an *registry.Error with
// CodeUnavailable at once.
func (q *Queue) Insert(ctx context.Context, entries []registry.Entry) ([]registry.Decision, error) {
	if len(entries) >= maxTogether {
		return q.Store.Insert(ctx, entries)
	}
	c := &call{entries: entries, answer: make(chan answer, 1)}
	if err := q.join(c); err != nil {
		return nil, err
	}
	select {
	case a := <-c.answer:
		return a.decisions, a.err
	case <-ctx.Done():
	}
	if q.leave(c) {
		return nil, fmt.Errorf("wait to be entered: %w", ctx.Err())
	}
	a := <-c.answer
	return a.decisions, a.err
}

func (q *Queue) join(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return registry.Unavailable(errors.New("the queue is closed"))
	case len(q.waiting) == maxWaiting:
		return &registry.Error{Code: registry.CodeUnavailable,
			Message: "Too many are registering right now. Please try again in a moment.",
			Err:     fmt.Errorf("%d registrations are waiting already", maxWaiting)}
	}
	q.waiting = append(q.waiting, c)
	q.rouse()
	return nil
}

// leave takes c back, and reports whether it was still waiting.
func (q *Queue) leave(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, c)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// rouse wakes the worker. Whoever calls it holds q.mu.
func (q *Queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default: // it will wake up anyway
	}
}

// Close waits for the calls that wait, and closes the Store. Calls that come
// later get an *registry.Error with CodeUnavailable.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.rouse()
	q.mu.Unlock()
	<-q.done
	return q.Store.Close()
}

func (q *Queue) work() {
	defer close(q.done)
	for {
		together, closed := q.take()
		switch {
		case len(together) > 0:
			_ = q.serve(together) // each call has got its answer
		case closed:
			return
		default:
			<-q.wake
		}
	}
}

// take returns the calls that make the next transaction, and whether the queue
// is closed. Callers who are on their way, since they have just been answered,
// get to come first; where there are none, that takes no time.
func (q *Queue) take() (together []*call, closed bool) {
	for before := -1; q.Waiting() > before; {
		before = q.Waiting()
		runtime.Gosched()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	entries, n := 0, 0
	for n < len(q.waiting) && entries+len(q.waiting[n].entries) <= maxTogether {
		entries += len(q.waiting[n].entries)
		n++
	}
	together = slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return together, q.closed
}

// serve enters the calls' entries in one transaction and answers each. A failure
// that may be due to one of them, as it is not the database's, makes each half of
// them a transaction of its own. The error is the last one.
func (q *Queue) serve(together []*call) error {
	var entries []registry.Entry
	for _, c := range together {
		entries = append(entries, c.entries...)
	}
	decisions, err := q.insert(entries)
	if err != nil && len(together) > 1 && mayBeARow(err) {
		half := len(together) / 2
		if err = q.serve(together[:half]); err == nil || mayBeARow(err) {
			return q.serve(together[half:])
		}
		together = together[half:] // the database is gone now: they fail as well
	}
	for _, c := range together {
		if err != nil {
			c.answer <- answer{err: err}
			continue
		}
		n := len(c.entries)
		c.answer <- answer{decisions: decisions[:n:n]}
		decisions = decisions[n:]
	}
	return err
}

// mayBeARow reports whether err may be due to one of several entries.
func mayBeARow(err error) bool {
	return registry.ErrorCode(err) == registry.CodeInternal && !errors.Is(err, registry.ErrNoHead)
}

// insert calls the Store. Whoever called Insert may be gone, so its context says
// nothing here.
func (q *Queue) insert(entries []registry.Entry) (decisions []registry.Decision, err error) {
	defer func() {
		if v := recover(); v != nil { // nobody above would
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	decisions, err = q.Store.Insert(ctx, entries)
	if errors.Is(err, context.DeadlineExceeded) {
		err = registry.Unavailable(err)
	}
	return decisions, err
}
