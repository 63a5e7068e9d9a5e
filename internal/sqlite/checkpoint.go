package sqlite

import (
	"context"
	"database/sql"
	"net/url"
	"sync/atomic"
	"time"
)

// A checkpointer moves pages from the write-ahead log into the file beside the
// writer, which would otherwise do it in between two transactions. The writer
// still does what is left when the log has grown long, and begins the log anew.
type checkpointer struct {
	db   *sql.DB // one connection
	wake chan struct{}
	ends chan struct{} // closed when it is to end
	done chan struct{}
	rest time.Duration // between two checkpoints

	rows atomic.Int64 // that were written since it was woken
}

// rowsBetween is how many rows wake it: those of 500 registrations, which come with
// some 1,700 pages.
const rowsBetween = 1000

// usualRest is how long there are no more checkpoints after one. In a load that
// lasts, most pages that are moved were changed several times by then.
const usualRest = 600 * time.Millisecond

func newCheckpointer(file string) (*checkpointer, error) {
	db, err := sql.Open("sqlite", uri(file, url.Values{"_pragma": {"synchronous(FULL)"}}))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	c := &checkpointer{db: db, wake: make(chan struct{}, 1), ends: make(chan struct{}), done: make(chan struct{}), rest: usualRest}
	go c.work()
	return c, nil
}

func (c *checkpointer) work() {
	defer close(c.done)
	for range c.wake {
		// If it fails, the log grows. Commits go into the log, so what keeps them
		// from the disk is told by those.
		_, _ = c.db.ExecContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`)
		select {
		case <-time.After(c.rest):
		case <-c.ends:
		}
	}
}

// wrote notes that so many rows were written. It is not called after close.
func (c *checkpointer) wrote(rows int) {
	n := c.rows.Add(int64(rows))
	if n < rowsBetween {
		return
	}
	c.rows.Add(-n)
	select {
	case c.wake <- struct{}{}:
	default: // it has enough to do
	}
}

// close ends it. Nobody writes any more.
func (c *checkpointer) close() error {
	close(c.ends)
	close(c.wake)
	<-c.done
	return c.db.Close()
}
