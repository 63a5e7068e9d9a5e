package web

import (
	"net/netip"
	"sync"
	"time"
)

// maxClients bounds how many clients each of a limiter's two generations holds.
const maxClients = 1 << 16

// A limiter limits each client's rate and allows bursts of two seconds' worth of requests. It implements the generic
// cell rate algorithm (GCRA), which keeps one time per client: when its allowance will be full again.
//
// Its memory is bounded. It forgets clients that were idle for the length of a burst, since their allowance is full,
// and the oldest ones early if there are more than maxClients, which errs on the side of allowing requests. It is safe
// for concurrent use.
type limiter struct {
	interval time.Duration // between two requests at the full rate
	burst    time.Duration // how far ahead of the full rate a client may be
	now      func() time.Time

	mu         sync.Mutex
	young, old map[netip.Addr]time.Time // when the client's allowance is full again
	turned     time.Time                // when young was created
}

// newLimiter returns a limiter of rate requests per second; rate is above 0.
func newLimiter(rate float64, now func() time.Time) *limiter {
	interval := time.Duration(float64(time.Second) / rate)
	return &limiter{
		interval: interval,
		burst:    max(2*time.Second, interval),
		now:      now,
		young:    make(map[netip.Addr]time.Time),
		turned:   now(),
	}
}

// take counts a request of client. It returns 0 if the request is allowed, and otherwise how long the client must wait.
func (l *limiter) take(client netip.Addr) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.turned) > l.burst || len(l.young) >= maxClients {
		l.old, l.young, l.turned = l.young, make(map[netip.Addr]time.Time), now
	}
	full, ok := l.young[client]
	if !ok {
		full = l.old[client]
	}
	if full.Before(now) {
		full = now
	}
	next := full.Add(l.interval)
	if wait := next.Sub(now) - l.burst; wait > 0 {
		return wait
	}
	l.young[client] = next
	return 0
}
