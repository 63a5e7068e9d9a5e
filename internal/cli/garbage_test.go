package cli

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"testing/synctest"
	"time"
)

func TestGCPercent(t *testing.T) {
	for live, want := range map[uint64]int{
		0:         1600,
		1 << 20:   1600,
		8 << 20:   800,
		64 << 20:  100,
		256 << 20: 25,
		4 << 30:   10,
	} {
		if got := gcPercent(live); got != want {
			t.Errorf("with %d bytes in use the heap grows by %d %%, want %d", live, got, want)
		}
	}
}

// What is in use grows, and so does how much garbage lies: by the room for it,
// and no more.
func TestCollectSteadily(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(before)
	for _, inUse := range []uint64{0, 2 << 20, 8 << 20, 256 << 20} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			ballast := make([]byte, inUse)
			runtime.GC()
			go collectSteadily(ctx)
			time.Sleep(2 * time.Second)
			goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
			metrics.Read(goal)
			if room := goal[0].Value.Uint64() - inUse; room < garbageRoom*3/4 || room > garbageRoom*3/2 {
				t.Errorf("with %d MiB in use, there is room for %d MiB of garbage", inUse>>20, room>>20)
			}
			runtime.KeepAlive(ballast)
			stop()
			synctest.Wait()
		})
	}
}
