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

// A lazyConn is a connection whose deadlines cost little to move. net/http moves
// them eight times a request: once into the past, for it has begun to read what
// comes next and wants that back, and else further away, to be moved again long
// before. Each time a timer of the runtime is set. Here the timer stays where it is
// if it comes first anyway; if it goes off before the deadline, nobody is told, and
// it is set to the deadline that there is by then. And it stays where it is when the
// deadline is in the past and nobody waits: whoever comes next is turned away.
//
// What is read or written at a deadline fails as it does with other connections,
// but for three things. If the deadline is moved away again before it was noticed, the
// read goes on; net/http and crypto/tls wait until it was. A write that a timer
// interrupts is tried again, so it may put some more into the system's buffers. And
// whoever is turned away is told no more than os.ErrDeadlineExceeded.
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

// A deadline is that of one direction of a connection. Its methods are given what
// sets the timer of that direction.
type deadline struct {
	mu      sync.Mutex
	waiting int       // how many read or write
	at      time.Time // zero for never
	past    bool      // at was in the past when the deadline was moved there
	timer   time.Time // when the timer goes off, or would but for off: not after at, unless past; zero for never
	off     bool      // the timer was set to the past, to go off at once, for somebody was waiting
}

// move moves the deadline to t.
func (d *deadline) move(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	isFirst := !t.IsZero() && (d.timer.IsZero() || t.Before(d.timer))
	d.at, d.past = t, isFirst && hasBeen(t)
	switch {
	case d.past && d.waiting == 0:
		return nil
	case d.past:
		d.off = true
		return set(t)
	case isFirst:
		d.timer = t
	case !d.off:
		return nil
	}
	d.off = false
	return set(d.timer)
}

// begin is called before a read or a write, which must not begin if it is false.
func (d *deadline) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.past {
		return false
	}
	d.waiting++
	return true
}

// end is called after a read or a write, with the error by which it ended. It is
// false if the error comes from a timer that went off while the deadline was still
// ahead: it must go on. The timer is set to the deadline then.
func (d *deadline) end(err error, set func(time.Time) error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || d.past || !d.at.IsZero() && hasBeen(d.at) {
		return true
	}
	d.timer, d.off = d.at, false
	return set(d.timer) != nil
}

// began is some time ago. To ask for the time costs more than to compare with it.
var began = time.Now()

func hasBeen(t time.Time) bool { return t.Before(began) || !t.After(time.Now()) }
