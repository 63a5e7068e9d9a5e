package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/valyala/fasthttp"
)

// A question makes requests. It appends the text of the next one to b and
// returns it, with a part of the body that the right answer has. Several
// goroutines use it at once, each with an r of its own.
type question func(b []byte, r *rand.Rand) (request []byte, want string)

// A load is sent to one server over connections that are kept. An answer that
// is not the right one, or none at all, fails it.
type load struct {
	addr        string
	ask         question
	status      int // what answers must have
	connections int
	warmup      time.Duration // before the measuring
	duration    time.Duration // of the measuring
}

// lasting returns the same load, of another length.
func (l load) lasting(warmup, duration time.Duration) load {
	l.warmup, l.duration = warmup, duration
	return l
}

// An outcome is what a load met with.
type outcome struct {
	requests int     // answered while it was measured
	answered int     // answered at all
	rate     float64 // answers a second
	latency  *hdrhistogram.Histogram
}

// patience is how long an answer may take before the load fails.
const patience = 30 * time.Second

// run sends the next request on each connection as soon as the last one has its
// answer.
func (l load) run(ctx context.Context) (outcome, error) {
	return l.send(ctx, func(context.Context, time.Time) source {
		return func() (time.Time, bool) { return time.Now(), true }
	})
}

// runAt sends requests by a schedule, so many a second. The latency of each
// counts from when it was due, be the connections busy or not: there is no
// coordinated omission.
func (l load) runAt(ctx context.Context, rate float64) (outcome, error) {
	return l.send(ctx, func(ctx context.Context, start time.Time) source {
		total := int(rate * (l.warmup + l.duration).Seconds())
		due := make(chan time.Time, total)
		go func() {
			defer close(due)
			// On a thread of its own, which sleeps more exactly than timers do.
			runtime.LockOSThread()
			for i := range total {
				next := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
				for wait := time.Until(next); wait > 0; wait = time.Until(next) {
					pause(wait)
				}
				if ctx.Err() != nil {
					return
				}
				due <- next
			}
		}()
		return func() (time.Time, bool) {
			next, ok := <-due
			return next, ok
		}
	})
}

// A source waits for the next request to be due and returns when that was, or
// false after the last one. Several goroutines use it at once.
type source func() (time.Time, bool)

func (l load) send(ctx context.Context, plan func(context.Context, time.Time) source) (outcome, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	workers := make([]*worker, l.connections)
	for i := range workers {
		w, err := l.connect(ctx, uint64(i))
		if err != nil {
			return outcome{}, err
		}
		defer w.conn.Close()
		workers[i] = w
	}

	start := time.Now()
	begin, end := start.Add(l.warmup), start.Add(l.warmup+l.duration)
	next := plan(ctx, start)
	var answered atomic.Int64
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() {
			if err := w.work(ctx, next, begin, end, &answered); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return outcome{}, err
	}

	o := outcome{answered: int(answered.Load()), latency: newHistogram()}
	for _, w := range workers {
		o.latency.Merge(w.latency)
	}
	o.requests = int(o.latency.TotalCount())
	o.rate = float64(o.requests) / l.duration.Seconds()
	if o.requests == 0 {
		return o, fmt.Errorf("nothing was answered within %v: measure for longer", l.duration)
	}
	return o, nil
}

// newHistogram returns a histogram of microseconds.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, (2 * patience).Microseconds(), 3)
}

// A worker is one connection.
type worker struct {
	load
	conn    net.Conn
	reader  *bufio.Reader
	rand    *rand.Rand
	latency *hdrhistogram.Histogram
	request []byte
	answer  fasthttp.Response
}

func (l load) connect(ctx context.Context, number uint64) (*worker, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, err
	}
	w := &worker{load: l, conn: conn, reader: bufio.NewReader(conn), latency: newHistogram(),
		rand: rand.New(rand.NewPCG(number, uint64(time.Now().UnixNano())))}
	w.answer.Header.DisableNormalizing()
	return w, conn.SetDeadline(time.Now().Add(l.warmup + l.duration + patience))
}

// work sends requests until end, and notes the latency of those that were due
// since begin.
func (w *worker) work(ctx context.Context, next source, begin, end time.Time, answered *atomic.Int64) error {
	for {
		due, ok := next()
		if !ok || !due.Before(end) || ctx.Err() != nil {
			return nil
		}
		if err := w.exchange(); err != nil {
			return err
		}
		answered.Add(1)
		if !due.Before(begin) {
			if err := w.latency.RecordValue(max(1, time.Since(due).Microseconds())); err != nil {
				return err
			}
		}
	}
}

// exchange sends a request and judges the answer.
func (w *worker) exchange() error {
	var want string
	w.request, want = w.ask(w.request[:0], w.rand)
	if _, err := w.conn.Write(w.request); err != nil {
		return fmt.Errorf("%s does not take requests: %w", w.addr, err)
	}
	if err := w.answer.Read(w.reader); err != nil {
		return fmt.Errorf("%s does not answer: %w", w.addr, err)
	}
	if body := w.answer.Body(); w.answer.StatusCode() != w.status || !bytes.Contains(body, []byte(want)) {
		return fmt.Errorf("wrong answer: want %d with %s, got %d with %s\nto %s", w.status, want, w.answer.StatusCode(), body, w.request)
	}
	return nil
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// cpuTime returns how long processors have worked for this process, and for those
// that it has started and waited for.
func cpuTime() (sum time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			panic(errors.Join(errors.New("getrusage"), err)) // it can't fail for oneself
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
