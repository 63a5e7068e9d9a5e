package sqlite

import "sync"

// A gate counts calls in progress, so that closing can wait for them. The zero gate is open.
type gate struct {
	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

// enter lets a call in, unless the gate is shut. The call then ends with leave.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.calls.Add(1)
	}
	return !g.closed
}

func (g *gate) leave() { g.calls.Done() }

// shut lets no more calls in, waits until all have left and reports whether the gate was open.
func (g *gate) shut() bool {
	g.mu.Lock()
	was := !g.closed
	g.closed = true
	g.mu.Unlock()
	g.calls.Wait()
	return was
}
