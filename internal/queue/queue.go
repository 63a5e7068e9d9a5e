// Package queue has registrations that come at once share a transaction, and so
// one wait for the disk.
package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"nametag"
)

// A Queue is a Store whose Insert gathers calls: while one transaction is under
// way, those that come wait, and together they are the next one. Nobody waits
// for company: a call that finds nothing under way leaves at once. The other
// methods are those of the Store that it was made of.
type Queue struct {
	nametag.Store

	calls chan *call
	done  chan struct{} // closed when the last transaction has ended

	mu     sync.RWMutex // held to write by Close
	closed bool
}

var _ nametag.Store = (*Queue)(nil)

const (
	// maxWaiting is how many calls may wait: about a second's work.
	maxWaiting = 4096

	// maxTogether is how many entries make one transaction. A call that has as
	// many does not wait for others.
	maxTogether = 1000

	// patience is how long a transaction may take.
	patience = 10 * time.Second
)

// A call is one of Insert.
type call struct {
	entries []nametag.Entry
	state   atomic.Int32 // waiting, or the first of the others to happen
	answer  chan answer  // has room for it
}

const (
	waiting   = iota
	underWay  // its fate is decided by the database
	withdrawn // nothing of it was done, or will be
)

type answer struct {
	results []nametag.Result
	err     error
}

// New returns a queue before store, until Close.
func New(store nametag.Store) *Queue {
	q := &Queue{Store: store, calls: make(chan *call, maxWaiting), done: make(chan struct{})}
	go q.work()
	return q
}

// Waiting returns how many calls wait for the next transaction.
func (q *Queue) Waiting() int { return len(q.calls) }

// Insert implements nametag.Store. If ctx ends while the call waits, nothing is
// entered; if it ends later, Insert waits nevertheless, and tells what became of
// the entries. If too many are waiting it returns an *nametag.Error with
// CodeUnavailable at once.
func (q *Queue) Insert(ctx context.Context, entries []nametag.Entry) ([]nametag.Result, error) {
	if len(entries) >= maxTogether {
		return q.Store.Insert(ctx, entries)
	}
	c := &call{entries: entries, answer: make(chan answer, 1)}
	if err := q.join(c); err != nil {
		return nil, err
	}
	select {
	case a := <-c.answer:
		return a.results, a.err
	case <-ctx.Done():
	}
	if c.state.CompareAndSwap(waiting, withdrawn) {
		return nil, fmt.Errorf("wait to be entered: %w", ctx.Err())
	}
	a := <-c.answer
	return a.results, a.err
}

func (q *Queue) join(c *call) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		return nametag.Unavailable(errors.New("the queue is closed"))
	}
	select {
	case q.calls <- c:
		return nil
	default:
		return nametag.Unavailable(fmt.Errorf("%d registrations are waiting already", maxWaiting))
	}
}

// Close waits for the calls that wait, and closes the Store. Calls that come
// later get an *nametag.Error with CodeUnavailable.
func (q *Queue) Close() error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.calls)
	}
	q.mu.Unlock()
	<-q.done
	return q.Store.Close()
}

func (q *Queue) work() {
	defer close(q.done)
	for c := range q.calls {
		q.serve(q.gather(c))
	}
}

// gather returns the calls that make the next transaction: the first, and those
// that wait behind it. Callers who are on their way, since they have just been
// answered, get to come first; where there are none, that takes no time.
func (q *Queue) gather(first *call) []*call {
	for n := -1; len(q.calls) > n; {
		n = len(q.calls)
		runtime.Gosched()
	}
	var together []*call
	n := 0
	for c := first; c != nil; c = q.next(n) {
		if c.state.CompareAndSwap(waiting, underWay) {
			together = append(together, c)
			n += len(c.entries)
		}
	}
	return together
}

// next returns a call that waits, if n entries leave room for it; nil if not.
func (q *Queue) next(n int) *call {
	if n >= maxTogether {
		return nil
	}
	select {
	case c := <-q.calls:
		return c
	default:
		return nil
	}
}

// serve enters the calls' entries in one transaction and answers each. A failure
// that may be due to one of them, as it is not the database's, makes each a
// transaction of its own.
func (q *Queue) serve(together []*call) {
	if len(together) == 0 {
		return
	}
	var entries []nametag.Entry
	for _, c := range together {
		entries = append(entries, c.entries...)
	}
	results, err := q.insert(entries)
	if err != nil && len(together) > 1 && nametag.ErrorCode(err) == nametag.CodeInternal {
		for _, c := range together {
			q.serve([]*call{c})
		}
		return
	}
	for _, c := range together {
		if err != nil {
			c.answer <- answer{err: err}
			continue
		}
		n := len(c.entries)
		c.answer <- answer{results: results[:n:n]}
		results = results[n:]
	}
}

// insert calls the Store. Whoever called Insert may be gone, so its context says
// nothing here.
func (q *Queue) insert(entries []nametag.Entry) (results []nametag.Result, err error) {
	defer func() {
		if v := recover(); v != nil { // nobody above would
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	results, err = q.Store.Insert(ctx, entries)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nametag.Unavailable(err)
	}
	return results, err
}
