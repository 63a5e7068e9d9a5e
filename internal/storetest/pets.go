package storetest

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nametag/internal/registry"
)

// day is about when the pets of this suite are registered. It is not a whole number of
// milliseconds, so that lost microseconds are noticed.
var day = time.Date(2024, 2, 29, 12, 34, 56, 789_123_000, time.UTC)

// sameness compares pets, names and the types that contain them.
var sameness = cmp.Options{
	cmp.Comparer(func(p, q registry.Pet) bool { return p.Same(q) }),
	cmp.Comparer(func(m, n registry.Name) bool { return m == n }),
	cmpopts.IgnoreUnexported(registry.Record{}),
	cmpopts.IgnoreFields(registry.Decision{}, "Record", "Name", "Rule"), // journalTells and lookupTells look at them
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, sameness, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func parse(t testing.TB, name string) registry.Name {
	t.Helper()
	n, err := registry.ParseName(name)
	if err != nil {
		t.Fatalf("ParseName(%q): %v", name, err)
	}
	return n
}

func newPet(t testing.TB, name string) registry.Pet {
	t.Helper()
	return registry.Pet{Name: parse(t, name), FavoriteColor: "dark olive green", Category: registry.Dog, RegisteredAt: day}
}

// petsAt returns pets with these names, each registered a second after the previous one.
func petsAt(t testing.TB, start time.Time, names ...string) []registry.Pet {
	t.Helper()
	pets := make([]registry.Pet, len(names))
	for i, name := range names {
		pets[i] = newPet(t, name)
		pets[i].RegisteredAt = start.Add(time.Duration(i) * time.Second)
	}
	return pets
}

func numbered(t testing.TB, prefix string, n int) []registry.Pet {
	t.Helper()
	pets := make([]registry.Pet, n)
	for i := range pets {
		pets[i] = newPet(t, fmt.Sprintf("%s %d", prefix, i))
	}
	return pets
}

func entriesOf(pets ...registry.Pet) []registry.Entry {
	entries := make([]registry.Entry, len(pets))
	for i, p := range pets {
		entries[i].Pet = p
	}
	return entries
}

// passing allows entries to be lookalikes.
func passing(entries []registry.Entry) []registry.Entry {
	for i := range entries {
		entries[i].AllowLookalike = true
	}
	return entries
}

// keyed returns an entry for p with an idempotency key.
func keyed(p registry.Pet, key string) registry.Entry {
	return registry.Entry{Pet: p, IdempotencyKey: key,
		Fingerprint: sha256.Sum256([]byte(p.Name.String() + string(p.FavoriteColor) + string(p.Category)))}
}

func insert(t testing.TB, s registry.Store, entries ...registry.Entry) []registry.Decision {
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

func find(t testing.TB, s registry.Store, keys ...string) map[string]registry.Pet {
	t.Helper()
	pets, err := s.Find(t.Context(), keys)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	return pets
}

func list(t testing.TB, s registry.Store, q registry.ListQuery) []registry.Pet {
	t.Helper()
	pets, err := s.List(t.Context(), q)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return pets
}

func names(pets []registry.Pet) []string {
	all := make([]string, len(pets))
	for i, p := range pets {
		all[i] = p.Name.String()
	}
	return all
}

func registered(p registry.Pet) registry.Decision {
	return registry.Decision{Pet: &p}
}

func taken(by registry.Pet) registry.Decision {
	return registry.Decision{Code: registry.CodeTaken, Rival: &by}
}

var keyReused = registry.Decision{Code: registry.CodeKeyReused}
