package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"nametag/internal/registry"
)

// freeTests are about entries whose names were available (registry.Entry.CheckedAt).
var freeTests = map[string]func(*testing.T, registry.Store){
	"AFreeNameIsRegistered":          freeIsEntered,
	"LaterChangesCount":              changedSinceCounts,
	"AHeadOfAnotherJournalIsIgnored": anotherJournal,
	"ANameWronglyCheckedIsTaken":     wronglyFree,
	"FreeNamesRace":                  freeNamesMeet,
}

// freeAt returns entries for pets whose names were available when the journal ended with h.
func freeAt(h registry.Head, pets ...registry.Pet) []registry.Entry {
	entries := entriesOf(pets...)
	for i := range entries {
		entries[i].CheckedAt = h
	}
	return entries
}

func freeIsEntered(t *testing.T, s registry.Store) {
	insert(t, s, entriesOf(newPet(t, "Bella"))...)
	rex, again, look, maxPet := newPet(t, "Rex"), newPet(t, "REX"), newPet(t, "R-e-x"), newPet(t, "Max")
	equal(t, "results", insert(t, s, freeAt(head(t, s), rex, again, look, maxPet)...),
		[]registry.Decision{registered(rex), taken(rex), similar(rex), registered(maxPet)})
	equal(t, "the journal's length", head(t, s).Seq, 3)
	isWhole(t, s)
}

func changedSinceCounts(t *testing.T, s registry.Store) {
	insert(t, s, entriesOf(newPet(t, "Bella"))...)
	before := head(t, s)
	maxPet, rex, luna := newPet(t, "Max"), newPet(t, "Rex"), newPet(t, "Luna")
	insert(t, s, entriesOf(maxPet)...)
	ruling := reserve(t, s, "Rex")
	equal(t, "results", insert(t, s, freeAt(before, newPet(t, "MAX"), newPet(t, "M-a-x"), rex, luna)...),
		[]registry.Decision{taken(maxPet), similar(maxPet), keptBy(ruling), registered(luna)})
	isWhole(t, s)
}

// anotherJournal uses the head of another database's journal, as after a restored backup.
func anotherJournal(t *testing.T, s registry.Store) {
	bella := newPet(t, "Bella")
	insert(t, s, entriesOf(bella)...)
	beyond, other := head(t, s), head(t, s)
	beyond.Seq += 5
	other.Hash[7]++
	for i, h := range []registry.Head{beyond, other} {
		luna := newPet(t, fmt.Sprint("Luna ", i))
		equal(t, "results", insert(t, s, freeAt(h, luna, newPet(t, "BELLA"))...), []registry.Decision{registered(luna), taken(bella)})
	}
	equal(t, "the journal's length", head(t, s).Seq, 3)
	isWhole(t, s)
}

// wronglyFree also registers a name without a journal entry.
func wronglyFree(t *testing.T, s registry.Store) {
	bella, luna := newPet(t, "Bella"), newPet(t, "Luna")
	insert(t, s, entriesOf(bella)...)
	equal(t, "results", insert(t, s, freeAt(head(t, s), luna, newPet(t, "BELLA"), newPet(t, "Bel-la"))...),
		[]registry.Decision{registered(luna), taken(bella), similar(bella)})
	isWhole(t, s)
}

// freeNamesMeet registers checked names concurrently, some of them several times. Each name is registered once.
func freeNamesMeet(t *testing.T, s registry.Store) {
	const callers, each = 8, 25
	var won [each]atomic.Int32
	together(callers, func(int) {
		for i := range each {
			results, err := s.Insert(t.Context(), freeAt(head(t, s), newPet(t, fmt.Sprintf("Pet %d", i))))
			switch {
			case err != nil:
				t.Errorf("pet %d: %v", i, err)
			case results[0].Code == "":
				won[i].Add(1)
			case results[0].Code != registry.CodeTaken:
				t.Errorf("pet %d: %+v", i, results[0])
			}
		}
	})
	for i := range won {
		if n := won[i].Load(); n != 1 {
			t.Errorf("pet %d was registered %d times", i, n)
		}
	}
	isWhole(t, s)
}
