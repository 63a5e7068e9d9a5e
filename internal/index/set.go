package index

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A set is a set of 64-bit hashes, in parts that have locks of their own and grow
// one at a time, so that nobody waits for the whole of it. Looking takes no lock,
// unless something is being removed from the very part. The zero set is empty. Its
// methods may be called by several goroutines at once.
type set struct {
	parts [1 << partBits]part
}

const partBits = 8

// A part holds the hashes that end with the same partBits bits. Who looks while it
// grows sees it as it was or as it will be, and who looks while something is added
// misses nothing (see add). While something is removed a hash may be missed; the
// number of removals tells.
type part struct {
	mu       sync.Mutex            // one change after another
	removals atomic.Uint32         // how often one has begun or ended: odd while one is under way
	held     atomic.Pointer[table] // nil for none
	n        int
	_        [32]byte // a cache line to itself
}

// A table has open addressing with linear probing, and its hashes in descending
// order, so that a search for one that is not there ends as early as for one that is
// (Amble and Knuth, "Ordered hash tables", 1974). A smaller hash has its home later
// or at the same slot, so the whole table is in order. Each hash is at its home or
// after it, and no slot between is free. There are slots after the last home, so no
// search wraps around; the last slot is always free.
type table struct {
	homes int
	slots []uint64 // 0 is free; once others see the table, written atomically, and read so without the lock
}

// With 17 hashes for 20 homes a search looks at four slots on average, in one or two
// cache lines. Growing by a fifth leaves 14 for 20: in large parts some 11.3 bytes a
// hash at most, unless hashes are removed.
const (
	fewestHomes = 20
	growth      = 1.2
	spare       = 4 // free slots at the end of a new table, at least; more than one, so that the last stays free
)

func isFull(n, homes int) bool { return 20*n > 17*homes }

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
	removals := p.removals.Load()
	_, found := p.table().find(h)
	if removals%2 == 0 && p.removals.Load() == removals {
		return found
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, found = p.table().find(h)
	return found
}

// add adds h, and reports whether it was not there.
func (s *set) add(h uint64) bool {
	h = nonZero(h)
	p := s.part(h)
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.table()
	i, found := t.find(h)
	if found {
		return false
	}
	p.n++
	end := t.free(i)
	if isFull(p.n, t.homes) || end == len(t.slots)-1 {
		t = t.remade(p.n)
		p.held.Store(t)
		i, _ = t.find(h)
		end = t.free(i)
	}
	// Those from i on move by one slot, the last of them first: each is in its new
	// slot before its old one is overwritten, so a search, which goes the other way,
	// can't miss it.
	for ; end > i; end-- {
		atomic.StoreUint64(&t.slots[end], t.slots[end-1])
	}
	atomic.StoreUint64(&t.slots[i], h)
	return true
}

// remove removes h, and reports whether it was there.
func (s *set) remove(h uint64) bool {
	h = nonZero(h)
	p := s.part(h)
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.table()
	i, found := t.find(h)
	if !found {
		return false
	}
	p.removals.Add(1)
	defer p.removals.Add(1)
	p.n--
	// Those after it move back by one slot, as far as a free one or a hash at its home.
	for ; t.slots[i+1] != 0 && t.home(t.slots[i+1]) <= i; i++ {
		atomic.StoreUint64(&t.slots[i], t.slots[i+1])
	}
	atomic.StoreUint64(&t.slots[i], 0)
	return true
}

// replace puts one hash in place of another; either may be 0, for none. What is both
// stays in between.
func (s *set) replace(old, new uint64) {
	if old == new {
		return
	}
	if new != 0 {
		s.add(new)
	}
	if old != 0 {
		s.remove(old)
	}
}

// size returns how many hashes there are, and how many bytes hold them.
func (s *set) size() (n, bytes int) {
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.Lock()
		if t := p.held.Load(); t != nil {
			n, bytes = n+p.n, bytes+8*len(t.slots)
		}
		p.mu.Unlock()
	}
	return n, bytes
}

// empty has no home, and so no room. It is never written.
var empty = table{slots: make([]uint64, 1)}

func (p *part) table() *table {
	if t := p.held.Load(); t != nil {
		return t
	}
	return &empty
}

// find returns the slot that has h, or the one where it is to be put. It needs no
// lock, but what it says may be out of date without.
func (t *table) find(h uint64) (slot int, found bool) {
	for i := t.home(h); ; i++ {
		if at := atomic.LoadUint64(&t.slots[i]); at <= h { // or free
			return i, at == h
		}
	}
}

// home returns where the search for h begins. It goes by the upper bits, as the
// lower ones have chosen the part.
func (t *table) home(h uint64) int {
	i, _ := bits.Mul64(^h, uint64(t.homes))
	return int(i)
}

// free returns the first free slot from i on. It needs the lock.
func (t *table) free(i int) int {
	for t.slots[i] != 0 {
		i++
	}
	return i
}

// remade returns a table with the same hashes and room for n.
func (t *table) remade(n int) *table {
	made := &table{homes: t.homes}
	if isFull(n, made.homes) {
		made.homes = max(fewestHomes, int(growth*float64(made.homes)))
	}
	end := 0
	for _, h := range t.slots {
		if h != 0 {
			end = max(end, made.home(h)) + 1
		}
	}
	made.slots = make([]uint64, max(end, made.homes)+spare)
	end = 0
	for _, h := range t.slots {
		if h != 0 {
			end = max(end, made.home(h)) + 1
			made.slots[end-1] = h
		}
	}
	return made
}
