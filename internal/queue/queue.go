// Package queue implements group commit: concurrent registrations share a transaction, and so one wait for the disk.
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

// A Queue is a Store whose Insert combines calls: those that arrive during a transaction form the next one. A call that
// arrives at any other time is executed at once. The other methods are those of the Store that it was made of.
type Queue struct {
	registry.Store

	wake chan struct{} // signals a change of what follows
	done chan struct{} // closed when the last transaction has ended

	mu      sync.Mutex
	waiting []*call
	closed  bool
}

var _ registry.Store = (*Queue)(nil)

const (
	// maxBacklog is the greatest number of waiting calls: about a second's work.
	maxBacklog = 4096

	// maxBatch is the greatest number of entries of several calls in one transaction.
	// A call with as many bypasses the queue.
	maxBatch = 1000

	// insertTimeout is how long a transaction may take.
	insertTimeout = 10 * time.Second
)

// A call is a call of Insert.
type call struct {
	entries []registry.Entry
	answer  chan answer // buffered
}

type answer struct {
	decisions []registry.Decision
	err       error
}

// New returns a queue of store, which works until Close.
func New(store registry.Store) *Queue {
	q := &Queue{Store: store, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.work()
	return q
}

// Waiting returns the number of calls that wait for the next transaction.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Insert implements registry.Store. If ctx ends while the call waits, nothing is
// registered. If it ends later, Insert still waits for the outcome and returns it. If
// the queue is full, Insert returns an *registry.Error with CodeUnavailable at once.
func (q *Queue) Insert(ctx context.Context, entries []registry.Entry) ([]registry.Decision, error) {
	if len(entries) >= maxBatch {
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
		return nil, fmt.Errorf("wait in the queue: %w", ctx.Err())
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
	case len(q.waiting) == maxBacklog:
		return &registry.Error{Code: registry.CodeUnavailable,
			Message: "Too many registrations are waiting. Please try again in a moment.",
			Err:     fmt.Errorf("%d registrations are waiting already", maxBacklog)}
	}
	q.waiting = append(q.waiting, c)
	q.wakeWorker()
	return nil
}

// leave removes c from the queue, and reports whether it was still waiting.
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

// wakeWorker wakes the worker after a change of waiting or closed.
func (q *Queue) wakeWorker() {
	select {
	case q.wake <- struct{}{}:
	default: // a wake-up is pending
	}
}

// Close waits until all waiting calls are answered, and closes the Store. Later calls
// get an *registry.Error with CodeUnavailable.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wakeWorker()
	<-q.done
	return q.Store.Close()
}

func (q *Queue) work() {
	defer close(q.done)
	for {
		batch, closed := q.next()
		switch {
		case len(batch) > 0:
			_ = q.serve(batch) // which answers each call
		case closed:
			return
		default:
			<-q.wake
		}
	}
}

// next removes the calls of the next transaction from the queue and returns them, and whether the queue is closed.
// First it lets clients that were just answered register again, as long as any do. Without that, transactions are
// smaller, and a registration on SQLite takes 7 to 15 % more CPU time (go -C bench run . -against REVISION).
func (q *Queue) next() (batch []*call, closed bool) {
	for before := -1; q.Waiting() > before; {
		before = q.Waiting()
		runtime.Gosched()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	entries, n := 0, 0
	for n < len(q.waiting) && entries+len(q.waiting[n].entries) <= maxBatch {
		entries += len(q.waiting[n].entries)
		n++
	}
	batch = slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return batch, q.closed
}

// serve inserts the entries of the calls in one transaction and answers each call. If it fails and one of the entries
// may be the cause, each half of the calls gets its own transaction. The error is the last one.
func (q *Queue) serve(batch []*call) error {
	var entries []registry.Entry
	for _, c := range batch {
		entries = append(entries, c.entries...)
	}
	decisions, err := q.insert(entries)
	if err != nil && len(batch) > 1 && mayBeAnEntry(err) {
		half := len(batch) / 2
		if err = q.serve(batch[:half]); err == nil || mayBeAnEntry(err) {
			return q.serve(batch[half:])
		}
		batch = batch[half:] // the database fails now, so these fail as well
	}
	for _, c := range batch {
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

// mayBeAnEntry reports whether one of several entries may be the cause of err.
func mayBeAnEntry(err error) bool {
	return registry.ErrorCode(err) == registry.CodeInternal && !errors.Is(err, registry.ErrNoHead)
}

// insert calls the Store with a context of its own, because the callers of Insert may have left.
func (q *Queue) insert(entries []registry.Entry) (decisions []registry.Decision, err error) {
	defer func() {
		if v := recover(); v != nil { // the worker must go on
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), insertTimeout)
	defer cancel()
	decisions, err = q.Store.Insert(ctx, entries)
	if errors.Is(err, context.DeadlineExceeded) {
		err = registry.Unavailable(err)
	}
	return decisions, err
}
