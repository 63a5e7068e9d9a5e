package index

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A set agrees with a map, whatever is done to it. Few upper bits make for long
// ways through the slots and around their end.
func TestASetAgreesWithAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s set
		want := make(map[uint64]bool)
		hash := rapid.Custom(func(t *rapid.T) uint64 {
			return rapid.SampledFrom([]uint64{0, 1, 7 << 59, 31 << 59, 1<<64 - 1<<8}).Draw(t, "near") +
				rapid.Uint64Range(0, 12).Draw(t, "by")<<partBits
		})
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			h := hash.Draw(t, "hash")
			if rapid.Bool().Draw(t, "add") {
				if s.add(h) == want[h] {
					t.Fatalf("adding %x: was it there? %v", h, want[h])
				}
				want[h] = true
			} else {
				if s.remove(h) != want[h] {
					t.Fatalf("removing %x: was it there? %v", h, want[h])
				}
				delete(want, h)
			}
			for _, h := range []uint64{h, hash.Draw(t, "asked")} {
				if s.has(h) != want[h] {
					t.Fatalf("%x is in it: %v", h, s.has(h))
				}
			}
			if n, _ := s.size(); n != len(want) {
				t.Fatalf("it has %d, want %d", n, len(want))
			}
		}
	})
}

// However many there are, they take no more room than is promised.
func TestASetTakesAtMostTwelveBytesAHash(t *testing.T) {
	var s set
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 1_000_000 {
		s.add(r.Uint64())
		if i >= 100_000 && i%10_000 == 0 {
			n, bytes := s.size()
			if perHash := float64(bytes) / float64(n); perHash > 11.6 {
				t.Fatalf("%d hashes take %.2f bytes each", n, perHash)
			}
		}
	}
}
