package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nametag/internal/registry"
)

var findTests = map[string]func(*testing.T, registry.Store){
	"OmitsUnregisteredNames": func(t *testing.T, s registry.Store) {
		rex := newPet(t, "Rex")
		insert(t, s, entriesOf(rex)...)
		equal(t, "found", find(t, s, "ada", "rex", "", "rex"), map[string]registry.Pet{"rex": rex})
		equal(t, "found", find(t, s), map[string]registry.Pet{})
	},
	"ComparesKeysByteForByte": func(t *testing.T, s registry.Store) {
		insert(t, s, entriesOf(newPet(t, "Rex"), newPet(t, "é"))...)
		equal(t, "found", find(t, s, "Rex", "rex ", "re", "e", "e\u0301"), map[string]registry.Pet{})
	},
	"FindsAThousand": func(t *testing.T, s registry.Store) {
		pets := numbered(t, "Pet", 1000)
		insert(t, s, entriesOf(pets...)...)
		want := make(map[string]registry.Pet)
		for _, p := range pets {
			want[p.Name.Key()] = p
		}
		equal(t, "found", find(t, s, slices.Collect(keysOf(want))...), want)
	},
	"EndsWithItsContext": func(t *testing.T, s registry.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Find(ctx, []string{"rex"}); !errors.Is(err, context.Canceled) {
			t.Errorf("Find: %v, want context.Canceled", err)
		}
	},
}

var listTests = map[string]func(*testing.T, registry.Store){
	"NewestFirst":             newestFirst,
	"TiesInTheOrderOfTheKeys": tiesByKey,
	"PagesNeitherSkipNorRepeat": func(t *testing.T, s registry.Store) {
		pages(t, s, registry.ListQuery{Limit: 7}, func(registry.Pet) bool { return true })
	},
	"PagesOfASearch": func(t *testing.T, s registry.Store) {
		pages(t, s, registry.ListQuery{Contains: "1", Category: registry.Cat, Limit: 5}, func(p registry.Pet) bool {
			return p.Category == registry.Cat && strings.Contains(p.Name.Key(), "1")
		})
	},
	"ACursorNeedNotBeAPet":      cursorBetweenPets,
	"EachKeyOnce":               eachKeyOnce,
	"SearchesLiterally":         searchesLiterally,
	"FiltersByCategory":         keepsToCategory,
	"ListEndsWithItsContext":    listEndsWithContext,
	"PetsFromAnyTime":           petsFromAnyTime,
	"NewPetsDoNotDisturbPaging": newPetsDoNotDisturb,
}

func newestFirst(t *testing.T, s registry.Store) {
	pets := petsAt(t, day, "oldest", "older", "newer", "newest")
	insert(t, s, entriesOf(pets[2], pets[0], pets[3], pets[1])...)
	slices.Reverse(pets)
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 10}), pets)
	equal(t, "two", list(t, s, registry.ListQuery{Limit: 2}), pets[:2])
	if got := list(t, s, registry.ListQuery{Limit: 1})[0].RegisteredAt.Location(); got != time.UTC {
		t.Errorf("dates are in %v, want UTC", got)
	}
}

// tiesByKey has names whose order in a dictionary differs from that of their bytes.
func tiesByKey(t *testing.T, s registry.Store) {
	var pets []registry.Pet
	for _, name := range []string{"Zoe", "Émile", "a-z", "ab", "a b", "a_c", "ä", "10", "9", "王", "emile", "aB1", "🐕"} {
		pets = append(pets, newPet(t, name))
	}
	insert(t, s, passing(entriesOf(pets...))...)
	slices.SortFunc(pets, func(p, q registry.Pet) int { return strings.Compare(p.Name.Key(), q.Name.Key()) })
	equal(t, "book", names(list(t, s, registry.ListQuery{Limit: 100})), names(pets))
}

// pages pages by q through 250 pets, many of the same instant, and checks that each
// wanted one appears once and in order.
func pages(t *testing.T, s registry.Store, q registry.ListQuery, wanted func(registry.Pet) bool) {
	var pets, want []registry.Pet
	for i, p := range numbered(t, "Pet", 250) {
		p.RegisteredAt = day.Add(time.Duration(i/20) * time.Microsecond)
		p.Category = registry.Categories()[i%2]
		pets = append(pets, p)
		if wanted(p) {
			want = append(want, p)
		}
	}
	insert(t, s, entriesOf(pets...)...)
	slices.SortFunc(want, func(p, q registry.Pet) int {
		if c := q.RegisteredAt.Compare(p.RegisteredAt); c != 0 {
			return c
		}
		return strings.Compare(p.Name.Key(), q.Name.Key())
	})
	var got []registry.Pet
	for range len(pets) {
		page := list(t, s, q)
		got = append(got, page...)
		if len(page) < q.Limit {
			break
		}
		last := page[len(page)-1]
		q.After = registry.Cursor{RegisteredAt: last.RegisteredAt, Key: last.Name.Key()}
	}
	equal(t, "all pages", names(got), names(want))
}

func cursorBetweenPets(t *testing.T, s registry.Store) {
	insert(t, s, entriesOf(newPet(t, "a"), newPet(t, "c"), newPet(t, "d"))...)
	after := func(at time.Time, key string) []string {
		return names(list(t, s, registry.ListQuery{Limit: 10, After: registry.Cursor{RegisteredAt: at, Key: key}}))
	}
	equal(t, "after b", after(day, "b"), []string{"c", "d"})
	equal(t, "after an instant later", after(day.Add(time.Microsecond), "z"), []string{"a", "c", "d"})
	equal(t, "after an instant before", after(day.Add(-time.Microsecond), "a"), []string{})
}

func searchesLiterally(t *testing.T, s registry.Store) {
	all := []string{"100%", "1000", "a_b", "axb", `back\slash`, "backslash", "O'Malley", "OMalley", "Möbius", "Mobius", `"x"`, "🐕 dog"}
	insert(t, s, passing(entriesOf(petsAt(t, day, all...)...))...)
	for _, c := range []struct {
		contains string
		want     []string
	}{
		{"%", []string{"100%"}},
		{"0%", []string{"100%"}},
		{"_", []string{"a_b"}},
		{`\`, []string{`back\slash`}},
		{"'", []string{"O'Malley"}},
		{`"`, []string{`"x"`}},
		{"ö", []string{"Möbius"}},
		{"obi", []string{"Mobius"}},
		{"malley", []string{"OMalley", "O'Malley"}},
		{"🐕", []string{"🐕 dog"}},
		{"g", []string{"🐕 dog"}},
		{"back", []string{"backslash", `back\slash`}},
		{"Malley", []string{}}, // keys are in lower case; the caller folds
		{"nowhere", []string{}},
	} {
		t.Run(fmt.Sprintf("%q", c.contains), func(t *testing.T) {
			equal(t, "found", names(list(t, s, registry.ListQuery{Contains: c.contains, Limit: 50})), c.want)
		})
	}
}

func keepsToCategory(t *testing.T, s registry.Store) {
	cat, dog := newPet(t, "Cat"), newPet(t, "Dog")
	cat.Category = registry.Cat
	insert(t, s, entriesOf(cat, dog)...)
	equal(t, "cats", list(t, s, registry.ListQuery{Category: registry.Cat, Limit: 5}), []registry.Pet{cat})
	equal(t, "dogs", list(t, s, registry.ListQuery{Category: registry.Dog, Limit: 5}), []registry.Pet{dog})
	equal(t, "both", list(t, s, registry.ListQuery{Limit: 5}), []registry.Pet{cat, dog})
}

func listEndsWithContext(t *testing.T, s registry.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.List(ctx, registry.ListQuery{Limit: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, want context.Canceled", err)
	}
}

func petsFromAnyTime(t *testing.T, s registry.Store) {
	old, late := newPet(t, "Old"), newPet(t, "Late")
	old.RegisteredAt = time.Date(1066, 10, 14, 9, 0, 0, 1000, time.UTC)
	late.RegisteredAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	insert(t, s, entriesOf(old, late)...)
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 5}), []registry.Pet{late, old})
}

func newPetsDoNotDisturb(t *testing.T, s registry.Store) {
	pets := petsAt(t, day, "a", "b", "c", "d")
	insert(t, s, entriesOf(pets...)...)
	page := list(t, s, registry.ListQuery{Limit: 2})
	insert(t, s, entriesOf(petsAt(t, day.Add(time.Hour), "e", "f")...)...)
	last := page[1]
	page = list(t, s, registry.ListQuery{Limit: 2, After: registry.Cursor{RegisteredAt: last.RegisteredAt, Key: last.Name.Key()}})
	equal(t, "second page", names(page), []string{"b", "a"})
}

func eachKeyOnce(t *testing.T, s registry.Store) {
	pets := numbered(t, "Max", 300)
	insert(t, s, entriesOf(pets...)...)
	insert(t, s, passing(entriesOf(newPet(t, "M.a.x 7")))...)
	want := map[string]string{"m.a.x 7": ""}
	for _, p := range pets {
		want[p.Name.Key()] = p.Name.LookalikeKey()
	}
	got := make(map[string]string)
	err := s.EachKey(t.Context(), func(key, lookalike []byte) {
		if _, ok := got[string(key)]; ok {
			t.Errorf("%s appears twice", key)
		}
		got[string(key)] = string(lookalike)
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "keys", got, want)
}
