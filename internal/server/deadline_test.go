package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// A counter counts how often timers are set.
type counter struct {
	net.Conn
	reads, writes int
	beforeRead    func() // if not nil
}

func (c *counter) Read(b []byte) (int, error) {
	if c.beforeRead != nil {
		c.beforeRead()
	}
	return c.Conn.Read(b)
}

func (c *counter) SetReadDeadline(t time.Time) error {
	c.reads++
	return c.Conn.SetReadDeadline(t)
}

func (c *counter) SetWriteDeadline(t time.Time) error {
	c.writes++
	return c.Conn.SetWriteDeadline(t)
}

// pair returns the two ends of a connection, one of them lazy.
func pair(t *testing.T) (lazy *lazyConn, timers *counter, other net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if other, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	accepted, err := (lazyListener{l}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	lazy = accepted.(*lazyConn)
	timers = &counter{Conn: lazy.Conn}
	lazy.Conn = timers
	return lazy, timers, other
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

// fails checks that f ends at its deadline, d after start.
func fails(t *testing.T, start time.Time, d time.Duration, f func() error) {
	t.Helper()
	err := f()
	if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took < d || took > d+10*time.Second {
		t.Errorf("after %s: %v; want it to fail after %s", took, err, d)
	}
}

func TestADeadlineThatWasMovedAwayIsKept(t *testing.T) {
	t.Parallel()
	c, timers, _ := pair(t)
	start := time.Now()
	c.SetReadDeadline(in(20 * time.Millisecond))
	for i := range 100 {
		c.SetReadDeadline(in(time.Duration(200+i) * time.Millisecond))
	}
	fails(t, start, 299*time.Millisecond, func() error {
		_, err := c.Read(make([]byte, 1))
		return err
	})
	if timers.reads != 2 {
		t.Errorf("timers were set %d times, want 2", timers.reads)
	}
}

func TestADeadlineThatWasMovedNearerIsKept(t *testing.T) {
	t.Parallel()
	c, _, _ := pair(t)
	start := time.Now()
	c.SetReadDeadline(in(time.Hour))
	time.AfterFunc(50*time.Millisecond, func() { c.SetReadDeadline(in(50 * time.Millisecond)) })
	fails(t, start, 100*time.Millisecond, func() error {
		_, err := c.Read(make([]byte, 1))
		return err
	})
}

func TestADeadlineThatWasTakenBackIsNone(t *testing.T) {
	t.Parallel()
	c, _, other := pair(t)
	c.SetDeadline(in(20 * time.Millisecond))
	c.SetDeadline(time.Time{})
	time.AfterFunc(100*time.Millisecond, func() { other.Write([]byte("x")) })
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

// TestAReadIsInterrupted does what net/http does with each request: it interrupts the read of the next request, which
// has begun or is about to, and the read after that must not notice.
func TestAReadIsInterrupted(t *testing.T) {
	t.Parallel()
	c, timers, other := pair(t)
	const requests = 10
	for i := range 2 * requests {
		c.SetReadDeadline(in(time.Hour))
		var wg sync.WaitGroup
		if i < requests {
			wg.Go(func() {
				fails(t, time.Now(), 0, func() error {
					_, err := c.Read(make([]byte, 1))
					return err
				})
			})
			for start := time.Now(); !isWaiting(&c.read); time.Sleep(time.Millisecond) {
				if time.Since(start) > 5*time.Second {
					t.Fatal("the read does not begin")
				}
			}
		}
		c.SetReadDeadline(time.Unix(1, 0))
		wg.Wait()
		fails(t, time.Now(), 0, func() error { // until the deadline is moved
			_, err := c.Read(make([]byte, 1))
			return err
		})
		c.SetReadDeadline(time.Time{})
		c.SetReadDeadline(in(2 * time.Hour))
		other.Write([]byte("x"))
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatalf("read %d bytes, %v", n, err)
		}
	}
	if want := 1 + 2*requests; timers.reads != want {
		t.Errorf("timers were set %d times, want %d: into the past and back, where a read was under way", timers.reads, want)
	}

	start := time.Now()
	c.SetReadDeadline(time.Unix(1, 0))
	c.SetReadDeadline(in(100 * time.Millisecond))
	fails(t, start, 100*time.Millisecond, func() error {
		_, err := c.Read(make([]byte, 1))
		return err
	})
}

func isWaiting(d *deadline) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting > 0
}

// TestAReadIsInterruptedBeforeItWaits interrupts a read that has just begun.
func TestAReadIsInterruptedBeforeItWaits(t *testing.T) {
	t.Parallel()
	c, timers, _ := pair(t)
	timers.beforeRead = func() { c.SetReadDeadline(time.Unix(1, 0)) }
	fails(t, time.Now(), 0, func() error {
		_, err := c.Read(make([]byte, 1))
		return err
	})
}

// TestAWriteGoesOnUntilItsDeadline checks that a write that a timer interrupts continues where it was.
func TestAWriteGoesOnUntilItsDeadline(t *testing.T) {
	t.Parallel()
	c, _, other := pair(t)
	if err := other.(*net.TCPConn).SetReadBuffer(1 << 16); err != nil { // else Linux lets it grow to 32 MB
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("0123456789abcde\n"), 1<<20) // more than the buffers between
	c.SetWriteDeadline(in(20 * time.Millisecond))
	c.SetWriteDeadline(in(time.Minute))
	read := make(chan []byte)
	go func() {
		time.Sleep(200 * time.Millisecond)
		got := make([]byte, len(text))
		io.ReadFull(other, got)
		read <- got
	}()
	if n, err := c.Write(text); n != len(text) || err != nil {
		t.Errorf("wrote %d of %d bytes, %v", n, len(text), err)
	}
	if !bytes.Equal(<-read, text) {
		t.Error("the other end has read something else")
	}

	start := time.Now()
	c.SetWriteDeadline(in(100 * time.Millisecond))
	fails(t, start, 100*time.Millisecond, func() error {
		n, err := c.Write(text)
		if n == len(text) {
			t.Error("everything was written, and nobody read")
		}
		return err
	})
	c.SetWriteDeadline(time.Unix(1, 0))
	if n, err := c.Write(text); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past its deadline %d bytes were written, %v", n, err)
	}
}
