package sqlite

import (
	"context"
	"database/sql"
	"net/url"
	"sync/atomic"
	"time"
)

// A checkpointer copies pages from the write-ahead log into the file concurrently
// with the writer, which would otherwise do it between two transactions. The writer
// still does what is left when the log has grown long, and then restarts the log.
type checkpointer struct {
	db   *sql.DB // one connection
	wake chan struct{}
	ends chan struct{} // closed to end it
	done chan struct{}
	rest time.Duration // between two checkpoints

	rows atomic.Int64 // written since it was last woken
}

// rowsBetween is how many written rows wake it: those of 500 registrations, which are some 1,700 pages.
const rowsBetween = 1000

// usualRest is the shortest time between two checkpoints. Under a lasting load, most
// pages have then changed several times before they are copied.
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
		// If it fails, the log grows. Commits write to the log, so they report what is wrong with the disk.
		_, _ = c.db.ExecContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`)
		select {
		case <-time.After(c.rest):
		case <-c.ends:
		}
	}
}

// wrote counts written rows. It is not called after close.
func (c *checkpointer) wrote(rows int) {
	n := c.rows.Add(int64(rows))
	if n < rowsBetween {
		return
	}
	c.rows.Add(-n)
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
}

// close ends it, after the last write.
func (c *checkpointer) close() error {
	close(c.ends)
	close(c.wake)
	<-c.done
	return c.db.Close()
}
