package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A lazyListener accepts connections whose deadlines are lazy.
type lazyListener struct{ net.Listener }

// Accept implements net.Listener.
func (l lazyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lazyConn{Conn: c}, nil
}

// A lazyConn is a connection whose deadlines are cheap to move. net/http moves them eight times per request: once into
// the past, to interrupt the read that it has begun for the next request, and otherwise further away. Each time it sets
// a timer of the runtime, which takes 5 to 9 % of a check's CPU time (go -C bench run . -against REVISION).
//
// A lazyConn leaves the timer where it is if it fires before the deadline. When it fires early, nobody is told, and it
// is set to the current deadline. The timer also stays if the deadline is in the past and nobody waits: the next call
// is refused.
//
// Reads and writes fail at a deadline as on other connections, with three exceptions. A read continues if the deadline
// is moved away before the read has noticed it; net/http and crypto/tls wait until it has. A write that a timer
// interrupts is tried again, so it may put more into the system's buffers. A call that is refused returns no more than
// os.ErrDeadlineExceeded.
type lazyConn struct {
	net.Conn
	read, write deadline
}

// Read implements net.Conn.
func (c *lazyConn) Read(b []byte) (n int, err error) {
	for {
		if !c.read.begin() {
			return 0, os.ErrDeadlineExceeded
		}
		n, err = c.Conn.Read(b)
		if c.read.end(err, c.Conn.SetReadDeadline) || n > 0 {
			return n, err
		}
	}
}

// Write implements net.Conn.
func (c *lazyConn) Write(b []byte) (n int, err error) {
	for {
		if !c.write.begin() {
			return n, os.ErrDeadlineExceeded
		}
		var more int
		more, err = c.Conn.Write(b[n:])
		if n += more; c.write.end(err, c.Conn.SetWriteDeadline) {
			return n, err
		}
	}
}

// SetReadDeadline implements net.Conn.
func (c *lazyConn) SetReadDeadline(t time.Time) error {
	return c.read.move(t, c.Conn.SetReadDeadline)
}

// SetWriteDeadline implements net.Conn.
func (c *lazyConn) SetWriteDeadline(t time.Time) error {
	return c.write.move(t, c.Conn.SetWriteDeadline)
}

// SetDeadline implements net.Conn.
func (c *lazyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// A deadline is the deadline of one direction of a connection. Its methods get the function that sets the timer of that
// direction.
type deadline struct {
	mu      sync.Mutex
	waiting int       // the number of active reads or writes
	at      time.Time // zero for never
	past    bool      // at was in the past when the deadline was moved there
	timer   time.Time // when the timer fires, if it is not fired: not after at, unless past; zero for never
	fired   bool      // the timer was set to the past, to fire at once, because a call was waiting
}

// move moves the deadline to t.
func (d *deadline) move(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	isFirst := !t.IsZero() && (d.timer.IsZero() || t.Before(d.timer))
	d.at, d.past = t, isFirst && isPast(t)
	switch {
	case d.past && d.waiting == 0:
		return nil
	case d.past:
		d.fired = true
		return set(t)
	case isFirst:
		d.timer = t
	case !d.fired:
		return nil
	}
	d.fired = false
	return set(d.timer)
}

// begin is called before a read or a write. If it is false, the call is refused.
func (d *deadline) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.past {
		return false
	}
	d.waiting++
	return true
}

// end is called after a read or a write with its error. It is false if the error comes from a timer that fired before
// the deadline: the timer is then set to the deadline, and the call must continue.
func (d *deadline) end(err error, set func(time.Time) error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || d.past || !d.at.IsZero() && isPast(d.at) {
		return true
	}
	d.timer, d.fired = d.at, false
	return set(d.timer) != nil
}

// isPast reports whether t is not in the future.
func isPast(t time.Time) bool { return !t.After(time.Now()) }
