package index

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A set is a set of 64-bit hashes. Its parts have their own locks and grow one at a time, so no caller waits for the
// whole set. A lookup takes no lock unless a removal in the same part is in progress. The zero set is empty. Its
// methods may be called by several goroutines at once.
type set struct {
	parts [1 << partBits]part
}

const partBits = 8

// A part holds the hashes that end with the same partBits bits. A concurrent lookup
// sees the table before or after it grows, and misses no hash during an addition (see
// add). During a removal it may miss one; removals tells it to look again.
type part struct {
	mu       sync.Mutex            // serializes changes
	removals atomic.Uint32         // counts the beginnings and ends of removals: odd during one
	held     atomic.Pointer[table] // nil for none
	n        int
	_        [32]byte // a cache line to itself
}

// A table uses open addressing with linear probing and keeps its hashes in descending order, so that a search for an
// absent hash ends as early as one for a present hash (Amble and Knuth, "Ordered hash tables", 1974). A smaller hash
// has the same home slot or a later one, so the whole table is in order. Each hash is at its home or after it, with no
// free slot in between. There are slots after the last home, so no search wraps around; the last slot is always free.
type table struct {
	homes int
	slots []uint64 // 0 is free; atomic, except for reads under the lock
}

// With 17 hashes for 20 homes a search reads four slots on average, in one or two cache lines. Growth by a fifth leaves
// 14 hashes for 20 homes, so large parts take at most some 11.3 bytes a hash, unless hashes are removed.
const (
	fewestHomes = 20
	growth      = 1.2
	spare       = 4 // the least number of free slots at the end of a new table; more than one, so that the last stays free
)

func isFull(n, homes int) bool { return 20*n > 17*homes }

func (s *set) part(h uint64) *part { return &s.parts[h&(1<<partBits-1)] }

// nonZero returns h, or another hash in place of 0, which marks a free slot.
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

// add adds h, and reports whether it was absent.
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
		t = t.resized(p.n)
		p.held.Store(t)
		i, _ = t.find(h)
		end = t.free(i)
	}
	// The hashes from i on move by one slot, the last one first: each is in its new slot before its old one is
	// overwritten. A search runs in the other direction, so it cannot miss one.
	for ; end > i; end-- {
		atomic.StoreUint64(&t.slots[end], t.slots[end-1])
	}
	atomic.StoreUint64(&t.slots[i], h)
	return true
}

// remove removes h, and reports whether it was present.
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
	// The hashes after it move back by one slot, up to a free slot or a hash at its home.
	for ; t.slots[i+1] != 0 && t.home(t.slots[i+1]) <= i; i++ {
		atomic.StoreUint64(&t.slots[i], t.slots[i+1])
	}
	atomic.StoreUint64(&t.slots[i], 0)
	return true
}

// replace replaces one hash by another; either may be 0, for none. A hash that is both is there all the time.
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

// size returns the number of hashes and of the bytes that hold them.
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

// empty has no homes, so no room. It is never written.
var empty = table{slots: make([]uint64, 1)}

func (p *part) table() *table {
	if t := p.held.Load(); t != nil {
		return t
	}
	return &empty
}

// find returns the slot of h, or the one where it belongs. Without the lock the result may be out of date.
func (t *table) find(h uint64) (slot int, found bool) {
	for i := t.home(h); ; i++ {
		if at := atomic.LoadUint64(&t.slots[i]); at <= h { // or free
			return i, at == h
		}
	}
}

// home returns the slot where the search for h begins. It depends on the upper bits,
// because the lower ones have chosen the part.
func (t *table) home(h uint64) int {
	i, _ := bits.Mul64(^h, uint64(t.homes))
	return int(i)
}

// free returns the first free slot from i on. The caller holds the lock.
func (t *table) free(i int) int {
	for t.slots[i] != 0 {
		i++
	}
	return i
}

// resized returns a table with the same hashes and room for n.
func (t *table) resized(n int) *table {
	next := &table{homes: t.homes}
	if isFull(n, next.homes) {
		next.homes = max(fewestHomes, int(growth*float64(next.homes)))
	}
	end := 0
	for _, h := range t.slots {
		if h != 0 {
			end = max(end, next.home(h)) + 1
		}
	}
	next.slots = make([]uint64, max(end, next.homes)+spare)
	end = 0
	for _, h := range t.slots {
		if h != 0 {
			end = max(end, next.home(h)) + 1
			next.slots[end-1] = h
		}
	}
	return next
}
