package index

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nametag"
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

// What this process did is not undone by what others had done before, and what
// comes later from the journal.
func TestWhatOthersDidBeforeUndoesNothing(t *testing.T) {
	pet := nametag.State{Pet: &nametag.PetState{Name: "Bella", NameKey: "bella", LookalikeKey: "bella"}}
	event := func(a nametag.Action, before, after nametag.State) nametag.Event {
		return nametag.NewEvent(a, nametag.Origin{Via: nametag.ViaAPI}, before, after)
	}
	var head nametag.Head
	var rows []nametag.Record
	for _, e := range []nametag.Event{
		event(nametag.ActionRegistered, nametag.State{}, pet),
		event(nametag.ActionReleased, pet, nametag.State{}),
		event(nametag.ActionRegistered, nametag.State{}, pet),
		event(nametag.ActionReleased, pet, nametag.State{}),
	} {
		row := head.Append(e)
		rows, head = append(rows, row), row.Head()
	}
	v := newView(nametag.Head{})
	for _, step := range []struct {
		row    int
		inTurn bool
		taken  bool // afterwards
	}{{0, true, true}, {2, false, true}, {1, true, true}, {2, true, true}, {3, true, false}} {
		inTurn, err := v.take(rows[step.row])
		if err != nil || inTurn != step.inTurn {
			t.Fatalf("row %d is in turn: %v, %v", step.row+1, inTurn, err)
		}
		bella := nametag.RestoreName("Bella", "bella")
		if o := v.obstacle(bella, v.keysOf(bella), time.Now()); (o.Holder != nil) != step.taken {
			t.Errorf("after row %d the name is taken: %v, want %v", step.row+1, o.Holder != nil, step.taken)
		}
	}
	if len(v.ahead) > 0 {
		t.Errorf("%d rows are still remembered", len(v.ahead))
	}
}

// The same of pets of different names that hold one lookalike key after one another.
func TestWhatOthersDidBeforeUndoesNoLookalike(t *testing.T) {
	dashed := nametag.State{Pet: &nametag.PetState{Name: "Bel-la", NameKey: "bel-la", LookalikeKey: "bella"}}
	plain := nametag.State{Pet: &nametag.PetState{Name: "Bella", NameKey: "bella", LookalikeKey: "bella"}}
	var head nametag.Head
	var rows []nametag.Record
	for _, e := range []nametag.Event{
		nametag.NewEvent(nametag.ActionRegistered, nametag.Origin{}, nametag.State{}, dashed),
		nametag.NewEvent(nametag.ActionReleased, nametag.Origin{}, dashed, nametag.State{}),
		nametag.NewEvent(nametag.ActionRegistered, nametag.Origin{}, nametag.State{}, plain),
	} {
		row := head.Append(e)
		rows, head = append(rows, row), row.Head()
	}
	v := newView(nametag.Head{})
	bella, dashedName := nametag.RestoreName("Bella", "bella"), nametag.RestoreName("Bel-la", "bel-la")
	for _, row := range []int{0, 2, 1, 2} { // the last but one by others
		if _, err := v.take(rows[row]); err != nil {
			t.Fatal(err)
		}
		if row == 0 {
			continue
		}
		if o := v.obstacle(bella, v.keysOf(bella), time.Now()); o.Holder == nil {
			t.Errorf("after row %d, Bella is free", row+1)
		}
		if o := v.obstacle(dashedName, v.keysOf(dashedName), time.Now()); row == 1 && o.Similar == nil {
			t.Error("Bel-la does not look like Bella")
		}
	}
	if len(v.ahead) > 0 {
		t.Errorf("%d rows are still remembered", len(v.ahead))
	}
}

// A pet keeps its name while it is spelt in a way that has another lookalike key,
// and back.
func TestAPetIsFoundWhileItTurnsOdd(t *testing.T) {
	state := func(name, lookalike string) nametag.State {
		return nametag.State{Pet: &nametag.PetState{Name: name, NameKey: "mcintosh", LookalikeKey: lookalike}}
	}
	odd, usual := state("McIntosh", "rnclntosh"), state("Mcintosh", "rncintosh")
	asked := nametag.RestoreName("Mcintosh", "mcintosh")
	v := newView(nametag.Head{})
	v.change(nametag.State{}, odd)
	if !asked.IsReadAsItsKey() || !v.odd.has(v.keysOf(asked).name) || v.lookalikes.has(v.keysOf(asked).lookalike) {
		t.Fatal("the pet is not odd")
	}
	var done atomic.Bool
	var asks int
	var wg sync.WaitGroup
	wg.Go(func() {
		for k := v.keysOf(asked); !done.Load(); asks++ {
			if name, _ := v.has(k); !name {
				t.Error("the pet is not found")
				return
			}
		}
	})
	for range 200_000 {
		v.change(odd, usual)
		v.change(usual, odd)
	}
	done.Store(true)
	wg.Wait()
	if asks < 1000 {
		t.Errorf("it was looked for %d times only", asks)
	}
	if v.change(odd, nametag.State{}); v.odd.has(v.keysOf(asked).name) {
		t.Error("the odd pet has gone, and is still known as odd")
	}
}

// A hash that is in a set is found while another one's removal moves it, over
// slots that have been looked into already.
func TestAHashIsFoundWhileItIsMoved(t *testing.T) {
	var s set
	const slots = fewestSlots * 5
	hash := func(home, number uint64) uint64 { return home*(1<<64/slots) + 1<<40 + number<<partBits }
	all := make([]uint64, slots)
	s.part(0).slots.Store(&all)
	pair := [2]uint64{hash(0, 0), hash(0, 1)}
	s.add(pair[0])
	for home := range uint64(slots / 2) { // those between can't move
		s.add(hash(home+1, 0))
	}
	s.add(pair[1])

	var turn, found atomic.Uint64 // in each turn the pair's one goes, so the other is moved, and comes again
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for now := turn.Load(); now < 50_000; now = turn.Load() {
				switch h := pair[(now+1)%2]; {
				case s.has(h):
					found.Add(1)
				case turn.Load() == now:
					t.Errorf("%x is missed in turn %d", h, now)
					return
				}
			}
		})
	}
	for now := range uint64(50_000) {
		s.remove(pair[now%2])
		s.add(pair[now%2])
		turn.Add(1)
	}
	wg.Wait()
	if found.Load() == 0 {
		t.Error("nobody has looked")
	}
}
