package storetest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"nametag/internal/registry"
)

// otherKeys returns the lookalike keys of another algorithm: those in keys, by name, and the program's for other names.
func otherKeys(keys map[string]string) func(registry.Name) string {
	return func(n registry.Name) string {
		if key, ok := keys[n.String()]; ok {
			return key
		}
		return n.LookalikeKey()
	}
}

// hasKeys checks the lookalike keys of all pets. Those of exempt pets are in parentheses.
func hasKeys(t testing.TB, s registry.Store, want map[string]string) {
	t.Helper()
	got := make(map[string]string)
	all, _ := states(t, s)
	for _, state := range all {
		switch p := state.Pet; {
		case p == nil:
			got[state.Ruling.Name] = state.Ruling.LookalikeKey
		case p.LookalikeExempt:
			got[p.Name] = "(" + p.LookalikeKey + ")"
		default:
			got[p.Name] = p.LookalikeKey
		}
	}
	equal(t, "lookalike keys", got, want)
}

// keepsKeysApart checks that after no row of the journal two pets hold the same lookalike key.
func keepsKeysApart(t testing.TB, s registry.Store) {
	t.Helper()
	held := make(map[string]string)
	for _, rec := range records(t, s, registry.JournalQuery{Limit: 100_000}) {
		e, err := rec.Event()
		if err != nil {
			t.Fatal(err)
		}
		if p := e.Before.Pet; p != nil && !p.LookalikeExempt {
			delete(held, p.LookalikeKey)
		}
		if p := e.After.Pet; p != nil && !p.LookalikeExempt {
			if other, ok := held[p.LookalikeKey]; ok {
				t.Errorf("since row %d, %s and %s hold %q", rec.Seq, other, p.Name, p.LookalikeKey)
			}
			held[p.LookalikeKey] = p.Name
		}
	}
}

// keysComputedAgain opens one database with programs of two versions, one after another.
func keysComputedAgain(t *testing.T, db Database) {
	var log bytes.Buffer
	s := open(t, db, Options{Migrate: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	pets := petsAt(t, day, "Ada", "Bea", "Cleo", "Max", "Tom", "Ian", "Roy", "Rex", "Kim", "Jim", "Bella", "Sue")
	insert(t, s, entriesOf(pets...)...)
	insert(t, s, passing(entriesOf(petsAt(t, day.AddDate(1, 0, 0), "Bel-la")...))...)
	reserve(t, s, "King")
	apply(t, s, on(1, registry.ActionCorrected, registry.Change{Key: "tom", FavoriteColor: "gold"}))
	equal(t, "opened again", log.String(), "")

	other := otherKeys(map[string]string{
		"Ada": "bea", "Bea": "cleo", "Cleo": "ada", // in a circle
		"Max": "x", "Tom": "x", "Ian": "x", // to a new key
		"Roy": "rex",               // the key of a younger pet that keeps it
		"Jim": "kirn", "Sue": "zu", // the key of an older pet that keeps it
		"Bella": "b", "Bel-la": "b", // already exempt
		"King": "k",
	})
	if err := s.Rekey(t.Context(), 1000, other); err != nil {
		t.Fatal(err)
	}
	hasKeys(t, s, map[string]string{
		"Ada": "bea", "Bea": "cleo", "Cleo": "ada", "Max": "x", "Tom": "(x)", "Ian": "(x)", "Roy": "rex", "Rex": "(rex)",
		"Kim": "kirn", "Jim": "(kirn)", "Sue": "zu", "Bella": "b", "Bel-la": "(b)", "King": "k",
	})
	isWhole(t, s)
	keepsKeysApart(t, s)
	Mentions(t, log.String(), "name=Tom looks_like=Max", "name=Ian looks_like=Max", "name=Rex looks_like=Roy", "name=Jim looks_like=Kim", "lookalikes=4")
	equal(t, "rows about Tom", len(records(t, s, registry.JournalQuery{Key: "tom", Limit: 10})), 3)
	for _, rec := range records(t, s, registry.JournalQuery{Key: "king", After: 1, Limit: 10})[1:] {
		if e, err := rec.Event(); err != nil || e.Action != registry.ActionRekeyed || e.Via != registry.ViaMigration {
			t.Errorf("the journal has %s (%v)", rec.Entry, err)
		}
	}

	before := head(t, s)
	if err := s.Rekey(t.Context(), 1000, other); err != nil {
		t.Fatal(err)
	}
	equal(t, "head after nothing", head(t, s), before)

	// This program can read what a newer one has changed, and computes the keys
	// again when it migrates. Pets stay exempt.
	open(t, db, Options{})
	together(4, func(int) {
		s, err := db.Open(t.Context(), Options{Migrate: true})
		if err != nil {
			t.Errorf("Open: %v", err)
			return
		}
		s.Close()
	})
	all, end := states(t, s)
	equal(t, "rows", end.Seq-before.Seq, 13)
	for _, state := range all {
		if p := state.Pet; p != nil && p.LookalikeKey != p.Pet().Name.LookalikeKey() {
			t.Errorf("%s has the key %q", p.Name, p.LookalikeKey)
		}
	}
	isWhole(t, s)
	keepsKeysApart(t, s)
	Enter(t, s, "Zoe")
	equal(t, "a lookalike", insert(t, s, entriesOf(newPet(t, "C.leo"))...)[0].Code, registry.CodeSimilar)
}

// keysComputedHalfway stops a program that computes keys after it has written some.
func keysComputedHalfway(t *testing.T, db Database) {
	s := openNew(t, db)
	insert(t, s, entriesOf(numbered(t, "Pet", 2500)...)...)
	before := head(t, s)
	add := func(n registry.Name) string { return n.LookalikeKey() + "+" }

	ctx, stop := context.WithCancel(t.Context())
	err := s.Rekey(ctx, 1000, func(n registry.Name) string {
		if n.String() == "Pet 2200" {
			stop()
		}
		return add(n)
	})
	if err == nil {
		t.Fatal("Rekey, which was stopped, succeeded")
	}
	equal(t, "head", head(t, s), before)
	isWhole(t, s)
	open(t, db, Options{Migrate: true})
	equal(t, "head", head(t, s), before)

	if err := s.Rekey(t.Context(), 1000, add); err != nil {
		t.Fatal(err)
	}
	equal(t, "head", head(t, s).Seq, before.Seq+2500)
	all, _ := states(t, s)
	for _, state := range all {
		if !strings.HasSuffix(state.Pet.LookalikeKey, "+") {
			t.Errorf("%s has the key %q", state.Pet.Name, state.Pet.LookalikeKey)
		}
	}
	isWhole(t, s)
}

// keysNeedHead removes the journal's head.
func keysNeedHead(t *testing.T, db Database) {
	s := openNew(t, db)
	Enter(t, s, "Rex")
	db.Execute(t, `UPDATE journal_head SET hash = substr(hash, 2)`)
	err := s.Rekey(t.Context(), 1000, func(registry.Name) string { return "x" })
	if !errors.Is(err, registry.ErrNoHead) {
		t.Errorf("Rekey: %v, want ErrNoHead", err)
	}
	hasKeys(t, s, map[string]string{"Rex": "rex"})
}

// olderKeys opens a database whose keys have an earlier version than the program.
func olderKeys(t *testing.T, db Database) {
	s := openNew(t, db)
	Enter(t, s, "Rex")
	db.Execute(t, `UPDATE lookalike_keys SET version = -1`)
	for _, opts := range []Options{{}, {ReadOnly: true}} {
		Mentions(t, refused(t, db, opts), "lookalike keys of version -1", "run “nametag migrate”")
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("a registry with old keys is ready")
	}
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	open(t, db, Options{})
	equal(t, "head", head(t, s).Seq, 1)
}
