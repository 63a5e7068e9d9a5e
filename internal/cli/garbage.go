package cli

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// garbageRoom is how much garbage the server lets lie before it collects it, in
// bytes. Go's own rule, as much garbage as there is in use, fits neither of the
// books that there are: of a small one next to nothing is in use, and a busy
// server would collect thirty times a second; of one with ten million names the
// index is, and it would take twice the memory.
const garbageRoom = 64 << 20

// collectSteadily keeps the garbage collector to garbageRoom until ctx ends,
// unless the operator has set GOGC.
func collectSteadily(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	set := 100
	for {
		metrics.Read(live)
		inUse := live[0].Value.Uint64() // 0 before the first collection
		// Setting it stops the world for a moment, so not for a small difference.
		if p := gcPercent(inUse); inUse > 0 && (p < set*9/10 || p > set*11/10) {
			debug.SetGCPercent(p)
			set = p
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// gcPercent returns by how many percent a heap of so many bytes in use grows to
// have garbageRoom for garbage. With 640 MiB in use and more, there is room for a
// tenth. No heap is collected before it has 4 MiB for each hundred.
func gcPercent(live uint64) int {
	const least, most = 10, 100 * garbageRoom / (4 << 20)
	return int(min(max(100*garbageRoom/max(live, 1), least), most))
}
