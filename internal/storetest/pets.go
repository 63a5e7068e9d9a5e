package storetest

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nametag"
)

// day is when the pets of this suite are registered, give or take. It is not a
// whole number of milliseconds, so that lost microseconds show.
var day = time.Date(2024, 2, 29, 12, 34, 56, 789_123_000, time.UTC)

// sameness compares pets, names and what holds them.
var sameness = cmp.Options{
	cmp.Comparer(func(p, q nametag.Pet) bool { return p.Same(q) }),
	cmp.Comparer(func(m, n nametag.Name) bool { return m == n }),
	cmpopts.IgnoreUnexported(nametag.Record{}),
	cmpopts.IgnoreFields(nametag.Result{}, "Record"), // journalTells looks at them
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, sameness, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func parse(t testing.TB, name string) nametag.Name {
	t.Helper()
	n, err := nametag.ParseName(name)
	if err != nil {
		t.Fatalf("ParseName(%q): %v", name, err)
	}
	return n
}

func newPet(t testing.TB, name string) nametag.Pet {
	t.Helper()
	return nametag.Pet{Name: parse(t, name), FavoriteColor: "dark olive green", Category: nametag.Dog, RegisteredAt: day}
}

// petsAt returns pets with these names, each registered a second after the one
// before it.
func petsAt(t testing.TB, start time.Time, names ...string) []nametag.Pet {
	t.Helper()
	pets := make([]nametag.Pet, len(names))
	for i, name := range names {
		pets[i] = newPet(t, name)
		pets[i].RegisteredAt = start.Add(time.Duration(i) * time.Second)
	}
	return pets
}

func numbered(t testing.TB, prefix string, n int) []nametag.Pet {
	t.Helper()
	pets := make([]nametag.Pet, n)
	for i := range pets {
		pets[i] = newPet(t, fmt.Sprintf("%s %d", prefix, i))
	}
	return pets
}

func entriesOf(pets ...nametag.Pet) []nametag.Entry {
	entries := make([]nametag.Entry, len(pets))
	for i, p := range pets {
		entries[i].Pet = p
	}
	return entries
}

// passing lets entries look like others.
func passing(entries []nametag.Entry) []nametag.Entry {
	for i := range entries {
		entries[i].LetPass = true
	}
	return entries
}

// keyed asks for p under an idempotency key.
func keyed(p nametag.Pet, key string) nametag.Entry {
	return nametag.Entry{Pet: p, IdempotencyKey: key,
		Fingerprint: sha256.Sum256([]byte(p.Name.String() + string(p.FavoriteColor) + string(p.Category)))}
}

func insert(t testing.TB, s nametag.Store, entries ...nametag.Entry) []nametag.Result {
	t.Helper()
	results, err := s.Insert(t.Context(), entries)
	if err != nil {
		t.Fatalf("Insert: %v", err)
	}
	if len(results) != len(entries) {
		t.Fatalf("Insert gave %d results for %d entries", len(results), len(entries))
	}
	return results
}

func find(t testing.TB, s nametag.Store, keys ...string) map[string]nametag.Pet {
	t.Helper()
	pets, err := s.Find(t.Context(), keys)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	return pets
}

func list(t testing.TB, s nametag.Store, q nametag.ListQuery) []nametag.Pet {
	t.Helper()
	pets, err := s.List(t.Context(), q)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return pets
}

func names(pets []nametag.Pet) []string {
	all := make([]string, len(pets))
	for i, p := range pets {
		all[i] = p.Name.String()
	}
	return all
}

func registered(p nametag.Pet) nametag.Result {
	return nametag.Result{Status: nametag.InsertRegistered, Pet: p}
}

func taken(by nametag.Pet) nametag.Result {
	return nametag.Result{Status: nametag.InsertTaken, Pet: by}
}

var keyReused = nametag.Result{Status: nametag.InsertKeyReused}
