package storetest

import (
	"fmt"
	"testing"

	"nametag/internal/registry"
)

// before is how many pets FillBefore adds: more than a migration writes at once.
const before = 2500

// FillBefore fills a book of before there were lookalike keys and a journal.
func FillBefore(t testing.TB, add func(key, name string, micros int64)) {
	t.Helper()
	pets := numbered(t, "Pet", before-2)
	for _, name := range []string{"Bel-la", "Bella"} {
		pets = append(pets, newPet(t, name))
	}
	for i, p := range pets {
		add(p.Name.Key(), p.Name.String(), day.UnixMicro()+int64(i))
	}
}

// HasJournal sees that the book has all pets of FillBefore, and a journal that
// tells of each.
func HasJournal(t testing.TB, s registry.Store) {
	t.Helper()
	if n := len(list(t, s, registry.ListQuery{Limit: 2 * before})); n != before {
		t.Errorf("%d pets in the book, want %d", n, before)
	}
	isWhole(t, s)
	equal(t, "head", head(t, s).Seq, before)
	rows := records(t, s, registry.JournalQuery{After: before - 2, Limit: 10})
	for i, name := range []string{"Bel-la", "Bella"} {
		e, err := rows[i].Event()
		if err != nil {
			t.Fatal(err)
		}
		p := e.After.Pet
		if e.Action != registry.ActionImported || e.Via != registry.ViaMigration || p.Name != name || p.LookalikeExempt != (i == 1) {
			t.Errorf("row %d: %s", rows[i].Seq, rows[i].Entry)
		}
	}
	equal(t, "a lookalike", insert(t, s, entriesOf(newPet(t, "B.ella"))...)[0].Code, registry.CodeSimilar)
	for i, res := range insert(t, s, entriesOf(numbered(t, "Pet", 100)...)...) {
		if res.Code != registry.CodeTaken || res.Rival.Name.String() != fmt.Sprint("Pet ", i) {
			t.Errorf("Pet %d: %v", i, res)
		}
	}
}
