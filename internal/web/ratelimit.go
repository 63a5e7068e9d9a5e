package web

import (
	"net/netip"
	"sync"
	"time"
)

// maxClients bounds how many clients the limiter remembers in each of its two
// generations.
const maxClients = 1 << 16

// A limiter lets each client do so many things a second, with bursts of two
// seconds' worth. It is the generic cell rate algorithm: of each client only
// one time is kept, when its allowance will be whole again.
//
// Its memory is bounded: who has not been seen for as long as a burst lasts is
// as good as new and forgotten, and of more than maxClients at once the oldest
// are forgotten early, which errs on the side of letting them in. It may be
// used by several goroutines at once.
type limiter struct {
	interval time.Duration // between two things, at the full rate
	burst    time.Duration // how far ahead a client may be
	now      func() time.Time

	mu         sync.Mutex
	young, old map[netip.Addr]time.Time // when the client's allowance is whole again
	turned     time.Time                // when young was begun
}

// newLimiter returns a limiter of rate things a second; rate is above 0.
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

// take counts one thing that client wants to do. It returns 0 if the client
// may, and otherwise how long it must wait before it may try again.
func (l *limiter) take(client netip.Addr) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.turned) > l.burst || len(l.young) >= maxClients {
		l.old, l.young, l.turned = l.young, make(map[netip.Addr]time.Time), now
	}
	whole, ok := l.young[client]
	if !ok {
		whole = l.old[client]
	}
	if whole.Before(now) {
		whole = now
	}
	next := whole.Add(l.interval)
	if wait := next.Sub(now) - l.burst; wait > 0 {
		return wait
	}
	l.young[client] = next
	return 0
}
