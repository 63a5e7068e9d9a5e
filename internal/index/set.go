package index

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A set is a set of 64-bit hashes: a table with open addressing and linear
// probing, in parts that have locks of their own and grow one at a time, so
// that nobody waits for the whole of it. Looking takes no lock, unless something
// is being removed from the very part. The zero set is empty. Its methods may be
// called by several goroutines at once.
type set struct {
	parts [1 << partBits]part
}

const partBits = 8

// A part holds the hashes that end with the same partBits bits. Adding fills one
// free slot, and growing makes slots in place of those that there were: who looks
// meanwhile sees the part as it was or as it will be. Removing moves hashes, so who
// looks might miss one; the number of moves tells.
type part struct {
	mu    sync.Mutex               // one change after another
	moves atomic.Uint32            // how often a removal has begun or ended: odd while one is under way
	slots atomic.Pointer[[]uint64] // nil for none; each is 0 if it is free, and read and written atomically
	n     int
	_     [32]byte // a cache line to itself
}

// The fuller the slots, the longer the way to a free one: with 17 of 20 in use
// some 20 slots, which lie in three cache lines. Growing by a fifth leaves 14 of
// 20 in use: at most 11.3 bytes a hash, unless hashes are removed.
const (
	fewestSlots = 20
	growth      = 1.2
)

func isFull(n, slots int) bool { return 20*n > 17*slots }

func (s *set) part(h uint64) *part { return &s.parts[h&(1<<partBits-1)] }

// nonZero makes 0, which marks a free slot, another hash.
func nonZero(h uint64) uint64 {
	if h == 0 {
		return 1 << 63
	}
	return h
}

func (s *set) has(h uint64) bool {
	h = nonZero(h)
	p := s.part(h)
	moves := p.moves.Load()
	_, found := find(p.all(), h)
	if moves%2 == 0 && p.moves.Load() == moves {
		return found
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, found = find(p.all(), h)
	return found
}

// expect has the memory where the search for h begins come nearer.
func (s *set) expect(h uint64) {
	h = nonZero(h)
	if slots := s.part(h).all(); len(slots) > 0 {
		atomic.LoadUint64(&slots[home(slots, h)]) // nothing waits for what it loads
	}
}

// add adds h, and reports whether it was not there.
func (s *set) add(h uint64) bool {
	h = nonZero(h)
	p := s.part(h)
	p.mu.Lock()
	defer p.mu.Unlock()
	slots := p.all()
	if isFull(p.n+1, len(slots)) {
		slots = grown(slots)
		p.slots.Store(&slots)
	}
	i, found := find(slots, h)
	if found {
		return false
	}
	atomic.StoreUint64(&slots[i], h)
	p.n++
	return true
}

// remove removes h, and reports whether it was there.
func (s *set) remove(h uint64) bool {
	h = nonZero(h)
	p := s.part(h)
	p.mu.Lock()
	defer p.mu.Unlock()
	slots := p.all()
	free, found := find(slots, h)
	if !found {
		return false
	}
	p.moves.Add(1)
	defer p.moves.Add(1)
	p.n--
	// Those behind that could not have the freed slot move up.
	for i := next(slots, free); slots[i] != 0; i = next(slots, i) {
		if reaches(home(slots, slots[i]), free, i) {
			atomic.StoreUint64(&slots[free], slots[i])
			free = i
		}
	}
	atomic.StoreUint64(&slots[free], 0)
	return true
}

// size returns how many hashes there are, and how many bytes hold them.
func (s *set) size() (n, bytes int) {
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.Lock()
		n, bytes = n+p.n, bytes+8*len(p.all())
		p.mu.Unlock()
	}
	return n, bytes
}

// all returns the slots.
func (p *part) all() []uint64 {
	if slots := p.slots.Load(); slots != nil {
		return *slots
	}
	return nil
}

// find returns the slot that has h, or the free one where it would be put.
func find(slots []uint64, h uint64) (slot int, found bool) {
	if len(slots) == 0 {
		return 0, false
	}
	for i := home(slots, h); ; i = next(slots, i) {
		switch atomic.LoadUint64(&slots[i]) {
		case h:
			return i, true
		case 0:
			return i, false
		}
	}
}

// home returns where the search for h begins. It goes by the upper bits, as the
// lower ones have chosen the part.
func home(slots []uint64, h uint64) int {
	i, _ := bits.Mul64(h, uint64(len(slots)))
	return int(i)
}

func next(slots []uint64, i int) int {
	if i++; i == len(slots) {
		return 0
	}
	return i
}

// reaches reports whether a search that begins at home comes by the slot free
// before it comes to i.
func reaches(home, free, i int) bool {
	if free <= i {
		return home <= free || home > i
	}
	return home <= free && home > i
}

// grown returns more slots with the same hashes.
func grown(old []uint64) []uint64 {
	slots := make([]uint64, max(fewestSlots, int(growth*float64(len(old)))))
	for _, h := range old {
		if h != 0 {
			i, _ := find(slots, h)
			slots[i] = h
		}
	}
	return slots
}
