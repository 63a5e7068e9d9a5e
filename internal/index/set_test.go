package index

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nametag/internal/registry"
)

// TestASetAgreesWithAMap compares a set with a map through random changes. Hashes with
// few distinct upper bits make long runs of slots, also past the last home.
func TestASetAgreesWithAMap(t *testing.T) {
	t.Parallel()
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
			for i := range s.parts {
				if fault := s.parts[i].fault(); fault != "" {
					t.Fatalf("part %d: %s: %x", i, fault, s.parts[i].table().slots)
				}
			}
		}
	})
}

// fault describes what is wrong with a part; "" for nothing.
func (p *part) fault() string {
	t, n := p.table(), 0
	least := ^uint64(0)
	for i, h := range t.slots {
		switch {
		case h == 0:
			continue
		case n > 0 && h >= least:
			return "its hashes do not descend"
		case t.home(h) > i || slices.Contains(t.slots[t.home(h):i], 0):
			return "no search reaches a hash"
		}
		least, n = h, n+1
	}
	switch {
	case n != p.n || n > 0 && isFull(n, t.homes):
		return "it has too many hashes, or has miscounted them"
	case t.slots[len(t.slots)-1] != 0:
		return "its last slot is not free"
	}
	return ""
}

// TestASetTakesAtMostTwelveBytesAHash holds at every size.
func TestASetTakesAtMostTwelveBytesAHash(t *testing.T) {
	t.Parallel()
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

// TestEarlierRecordsUndoNoLaterOne applies a change of this process before earlier
// changes of others, which then come from the journal.
func TestEarlierRecordsUndoNoLaterOne(t *testing.T) {
	t.Parallel()
	pet := registry.State{Pet: &registry.PetState{Name: "Bella", NameKey: "bella", LookalikeKey: "bella"}}
	event := func(a registry.Action, before, after registry.State) registry.Event {
		return registry.NewEvent(a, registry.Origin{Via: registry.ViaAPI}, before, after)
	}
	var head registry.Head
	var rows []registry.Record
	for _, e := range []registry.Event{
		event(registry.ActionRegistered, registry.State{}, pet),
		event(registry.ActionReleased, pet, registry.State{}),
		event(registry.ActionRegistered, registry.State{}, pet),
		event(registry.ActionReleased, pet, registry.State{}),
	} {
		row := head.Append(e)
		rows, head = append(rows, row), row.Head()
	}
	v := newView(registry.Head{})
	for _, step := range []struct {
		row    int
		inTurn bool
		taken  bool // after the step
	}{{0, true, true}, {2, false, true}, {1, true, true}, {2, true, true}, {3, true, false}} {
		inTurn, err := v.apply(rows[step.row])
		if err != nil || inTurn != step.inTurn {
			t.Fatalf("row %d is in turn: %v, %v", step.row+1, inTurn, err)
		}
		bella := registry.RestoreName("Bella", "bella")
		if taken := v.decide(bella, registry.Inquiry{At: time.Now()}).Code == registry.CodeTaken; taken != step.taken {
			t.Errorf("after row %d the name is taken: %v, want %v", step.row+1, taken, step.taken)
		}
	}
	if len(v.ahead) > 0 {
		t.Errorf("%d rows are still remembered", len(v.ahead))
	}
}

// TestEarlierRecordsUndoNoLaterLookalike does the same with two pets that hold the same
// lookalike key, one after the other.
func TestEarlierRecordsUndoNoLaterLookalike(t *testing.T) {
	t.Parallel()
	dashed := registry.State{Pet: &registry.PetState{Name: "Bel-la", NameKey: "bel-la", LookalikeKey: "bella"}}
	plain := registry.State{Pet: &registry.PetState{Name: "Bella", NameKey: "bella", LookalikeKey: "bella"}}
	var head registry.Head
	var rows []registry.Record
	for _, e := range []registry.Event{
		registry.NewEvent(registry.ActionRegistered, registry.Origin{}, registry.State{}, dashed),
		registry.NewEvent(registry.ActionReleased, registry.Origin{}, dashed, registry.State{}),
		registry.NewEvent(registry.ActionRegistered, registry.Origin{}, registry.State{}, plain),
	} {
		row := head.Append(e)
		rows, head = append(rows, row), row.Head()
	}
	v := newView(registry.Head{})
	bella, dashedName := registry.RestoreName("Bella", "bella"), registry.RestoreName("Bel-la", "bel-la")
	for _, row := range []int{0, 2, 1, 2} { // row 1 is a change of others
		if _, err := v.apply(rows[row]); err != nil {
			t.Fatal(err)
		}
		if row == 0 {
			continue
		}
		if d := v.decide(bella, registry.Inquiry{At: time.Now()}); d.Code != registry.CodeTaken {
			t.Errorf("after row %d, Bella is free", row+1)
		}
		if d := v.decide(dashedName, registry.Inquiry{At: time.Now()}); row == 1 && d.Code != registry.CodeSimilar {
			t.Error("Bel-la does not look like Bella")
		}
	}
	if len(v.ahead) > 0 {
		t.Errorf("%d rows are still remembered", len(v.ahead))
	}
}

// TestAPetIsFoundWhileItsSpellingChanges changes a pet's spelling, and so its lookalike key, back and forth.
func TestAPetIsFoundWhileItsSpellingChanges(t *testing.T) {
	t.Parallel()
	state := func(name, lookalike string) registry.State {
		return registry.State{Pet: &registry.PetState{Name: name, NameKey: "mcintosh", LookalikeKey: lookalike}}
	}
	first, second := state("McIntosh", "rnclntosh"), state("Mcintosh", "rncintosh")
	asked := registry.RestoreName("Mcintosh", "mcintosh")
	v := newView(registry.Head{})
	v.change(registry.State{}, first)
	var done atomic.Bool
	var asks int
	var wg sync.WaitGroup
	wg.Go(func() {
		for ; !done.Load(); asks++ {
			if !v.hasName(asked) {
				t.Error("the pet is not found")
				return
			}
		}
	})
	for range 200_000 {
		v.change(first, second)
		v.change(second, first)
	}
	done.Store(true)
	wg.Wait()
	if asks < 1000 {
		t.Errorf("it was looked for %d times only", asks)
	}
	v.change(first, registry.State{})
	if v.hasName(asked) || v.hasLookalike(asked) {
		t.Error("the pet is still found after its release")
	}
}

// lookWhile looks for a hash in a set in two goroutines, while do changes the set again and again.
func lookWhile(t *testing.T, h uint64, current func() *set, do func()) {
	var done atomic.Bool
	var wg sync.WaitGroup
	var looked [2]int
	for i := range looked {
		wg.Go(func() {
			n := 0
			for ; !done.Load(); n++ {
				if !current().has(h) {
					t.Error("it is missed")
					break
				}
			}
			looked[i] = n
		})
	}
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		for range 100 {
			do()
		}
	}
	done.Store(true)
	wg.Wait()
	if !t.Failed() && looked[0]+looked[1] < 1000 {
		t.Errorf("it was looked for %d times only", looked)
	}
}

// TestAHashIsFoundWhileOthersAreRemoved removes hashes in front of another, which then
// moves to slots that a search may have passed already.
func TestAHashIsFoundWhileOthersAreRemoved(t *testing.T) {
	t.Parallel()
	var s set
	const others = 8 // as many slots as there are in a cache line
	for number := range uint64(others + 1) {
		s.add(hashOfHome0(number))
	}
	lookWhile(t, hashOfHome0(others), func() *set { return &s }, func() {
		s.remove(hashOfHome0(0))
		s.add(hashOfHome0(0))
	})
}

// TestAHashIsFoundWhileOthersAreAdded adds hashes in front of another, which then moves, also into larger tables.
func TestAHashIsFoundWhileOthersAreAdded(t *testing.T) {
	t.Parallel()
	const others = 40
	var current atomic.Pointer[set]
	begin := func() *set {
		s := new(set)
		s.add(hashOfHome0(others))
		current.Store(s)
		return s
	}
	begin()
	lookWhile(t, hashOfHome0(others), current.Load, func() {
		s := begin()
		for number := range uint64(others) {
			s.add(hashOfHome0(others - 1 - number)) // at the very front
		}
	})
}

// hashOfHome0 returns hashes of one part whose home is the first slot while the part is
// small. Their slots are in the order of their numbers.
func hashOfHome0(number uint64) uint64 { return math.MaxUint64 - number<<partBits }

// TestASetHasRoomAfterItsLastHome adds a run of hashes that reaches the end of the slots.
func TestASetHasRoomAfterItsLastHome(t *testing.T) {
	t.Parallel()
	var s set
	const n = 300
	hash := func(number uint64) uint64 { return (number + 1) << partBits } // at the last home, however many there are
	for number := range uint64(n) {
		if !s.add(hash(number)) {
			t.Fatalf("number %d was there", number)
		}
	}
	for number := range uint64(n) {
		if !s.has(hash(number)) {
			t.Fatalf("number %d is gone", number)
		}
	}
	for number := range uint64(n) {
		number = n - 1 - number // the hash at the front, so all others move
		if !s.remove(hash(number)) || s.has(hash(number)) {
			t.Fatalf("number %d is not removed", number)
		}
	}
}
