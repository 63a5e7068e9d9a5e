package index

import (
	"math/bits"
	"sync"
)

// A set is a set of 64-bit hashes: a table with open addressing and linear
// probing, in parts that have locks of their own and grow one at a time, so
// that nobody waits for the whole of it. The zero set is empty. Its methods may
// be called by several goroutines at once.
type set struct {
	parts [1 << partBits]part
}

const partBits = 8

// A part holds the hashes that end with the same partBits bits.
type part struct {
	mu    sync.RWMutex
	slots []uint64 // 0 is a free one
	n     int
	_     [8]byte // a cache line to itself
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
	p.mu.RLock()
	_, found := p.find(h)
	p.mu.RUnlock()
	return found
}

// add adds h, and reports whether it was not there.
func (s *set) add(h uint64) bool {
	h = nonZero(h)
	p := s.part(h)
	p.mu.Lock()
	defer p.mu.Unlock()
	if isFull(p.n+1, len(p.slots)) {
		p.grow()
	}
	i, found := p.find(h)
	if found {
		return false
	}
	p.slots[i] = h
	p.n++
	return true
}

// remove removes h, and reports whether it was there.
func (s *set) remove(h uint64) bool {
	h = nonZero(h)
	p := s.part(h)
	p.mu.Lock()
	defer p.mu.Unlock()
	free, found := p.find(h)
	if !found {
		return false
	}
	p.n--
	// Those behind that could not have the freed slot move up.
	for i := p.next(free); p.slots[i] != 0; i = p.next(i) {
		if p.reaches(p.home(p.slots[i]), free, i) {
			p.slots[free] = p.slots[i]
			free = i
		}
	}
	p.slots[free] = 0
	return true
}

// size returns how many hashes there are, and how many bytes hold them.
func (s *set) size() (n, bytes int) {
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.RLock()
		n, bytes = n+p.n, bytes+8*len(p.slots)
		p.mu.RUnlock()
	}
	return n, bytes
}

// find returns the slot that has h, or the free one where it would be put.
func (p *part) find(h uint64) (slot int, found bool) {
	if len(p.slots) == 0 {
		return 0, false
	}
	i := p.home(h)
	for p.slots[i] != h {
		if p.slots[i] == 0 {
			return i, false
		}
		i = p.next(i)
	}
	return i, true
}

// home returns where the search for h begins. It goes by the upper bits, as the
// lower ones have chosen the part.
func (p *part) home(h uint64) int {
	i, _ := bits.Mul64(h, uint64(len(p.slots)))
	return int(i)
}

func (p *part) next(i int) int {
	if i++; i == len(p.slots) {
		return 0
	}
	return i
}

// reaches reports whether a search that begins at home comes by the slot free
// before it comes to i.
func (p *part) reaches(home, free, i int) bool {
	if free <= i {
		return home <= free || home > i
	}
	return home <= free && home > i
}

func (p *part) grow() {
	old := p.slots
	p.slots = make([]uint64, max(fewestSlots, int(growth*float64(len(old)))))
	for _, h := range old {
		if h != 0 {
			i, _ := p.find(h)
			p.slots[i] = h
		}
	}
}
