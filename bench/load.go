package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// A workload makes the next request, and returns a part of the body that the right answer has. Several goroutines call
// it at once, each with a request and an r of its own.
type workload func(req *fasthttp.Request, r *rand.Rand) (want string)

// A load sends a workload to a server over connections that are kept. An answer other than the right one fails it.
type load struct {
	server      *server
	work        workload
	connections int
	answered    int // by all runs together
}

// An outcome is what a run of a load measured.
type outcome struct {
	answered  int
	took      time.Duration
	latencies []float64 // in milliseconds; none of pgbench
	cpu       cpuTime   // that the server used; none of pgbench
}

// patience is how long an answer may take before the load fails.
const patience = 30 * time.Second

// run sends requests for the duration d, the next one on each connection as soon as the last one is answered.
func (l *load) run(ctx context.Context, d time.Duration) (outcome, error) {
	start := time.Now()
	return l.send(ctx, func() bool { return time.Since(start) < d })
}

// fill sends n requests.
func (l *load) fill(ctx context.Context, n int) error {
	var sent atomic.Int64
	_, err := l.send(ctx, func() bool { return sent.Add(1) <= int64(n) })
	return err
}

// send sends requests as long as there are more.
func (l *load) send(ctx context.Context, more func() bool) (o outcome, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	client := &fasthttp.HostClient{Addr: l.server.addr, MaxConns: l.connections, ReadTimeout: patience, WriteTimeout: patience,
		MaxIdemponentCallAttempts: 1}
	defer client.CloseIdleConnections()
	before, err := l.server.cpuTime(ctx)
	if err != nil {
		return o, err
	}
	start := time.Now()
	var mutex sync.Mutex // of o.latencies
	var wg sync.WaitGroup
	for range l.connections {
		wg.Go(func() {
			var req fasthttp.Request
			var res fasthttp.Response
			req.Header.SetHost("localhost")
			random := rand.New(rand.NewPCG(rand.Uint64(), 0))
			var latencies []float64
			for more() && ctx.Err() == nil {
				want := l.work(&req, random)
				sent := time.Now()
				if err := client.Do(&req, &res); err != nil {
					stop(fmt.Errorf("no answer to %s: %w", &req, err))
				} else if res.StatusCode() != fasthttp.StatusOK || !bytes.Contains(res.Body(), []byte(want)) {
					stop(fmt.Errorf("wrong answer: want 200 with %s, got %s\nto %s", want, &res, &req))
				}
				latencies = append(latencies, float64(time.Since(sent))/float64(time.Millisecond))
			}
			mutex.Lock()
			defer mutex.Unlock()
			o.latencies = append(o.latencies, latencies...)
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return o, err
	}
	o.answered, o.took = len(o.latencies), time.Since(start)
	l.answered += o.answered
	after, err := l.server.cpuTime(ctx)
	o.cpu = cpuTime{after.server - before.server, after.sessions - before.sessions}
	return o, err
}
