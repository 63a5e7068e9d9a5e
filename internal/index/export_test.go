package index

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"nametag/internal/registry"
)

// PollOften makes indexes poll the journal every few milliseconds until the test ends.
func PollOften(t *testing.T) {
	usual := pollInterval
	pollInterval = 5 * time.Millisecond
	t.Cleanup(func() { pollInterval = usual })
}

// NewFilled returns an index of n names, and twice as many names, half of which it has.
func NewFilled(n int) (*Index, []registry.Name) {
	x := New(nil, slog.New(slog.DiscardHandler))
	v := newView(registry.Head{})
	names := make([]registry.Name, 2*n)
	for i := range names {
		text := fmt.Sprintf("bella %d", i)
		names[i] = registry.RestoreName(text, text)
		if i%2 == 0 {
			v.addKeys([]byte(text), []byte(text))
		}
	}
	x.view.Store(v)
	return x, names
}

func BenchmarkSetAdd(b *testing.B) {
	b.ReportAllocs()
	var s set
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		s.add(r.Uint64())
	}
}
