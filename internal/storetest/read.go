package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nametag"
)

var findTests = map[string]func(*testing.T, nametag.Store){
	"LeavesOutWhatNobodyHas": func(t *testing.T, s nametag.Store) {
		rex := newPet(t, "Rex")
		insert(t, s, entriesOf(rex)...)
		equal(t, "found", find(t, s, "ada", "rex", "", "rex"), map[string]nametag.Pet{"rex": rex})
		equal(t, "found", find(t, s), map[string]nametag.Pet{})
	},
	"ComparesKeysByteForByte": func(t *testing.T, s nametag.Store) {
		insert(t, s, entriesOf(newPet(t, "Rex"), newPet(t, "é"))...)
		equal(t, "found", find(t, s, "Rex", "rex ", "re", "e", "e\u0301"), map[string]nametag.Pet{})
	},
	"FindsAThousand": func(t *testing.T, s nametag.Store) {
		pets := numbered(t, "Pet", 1000)
		insert(t, s, entriesOf(pets...)...)
		want := make(map[string]nametag.Pet)
		for _, p := range pets {
			want[p.Name.Key()] = p
		}
		equal(t, "found", find(t, s, slices.Collect(keysOf(want))...), want)
	},
	"EndsWithItsContext": func(t *testing.T, s nametag.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Find(ctx, []string{"rex"}); !errors.Is(err, context.Canceled) {
			t.Errorf("Find: %v, want context.Canceled", err)
		}
	},
}

var listTests = map[string]func(*testing.T, nametag.Store){
	"NewestFirst":             newestFirst,
	"TiesInTheOrderOfTheKeys": tiesByKey,
	"PagesNeitherSkipNorRepeat": func(t *testing.T, s nametag.Store) {
		pages(t, s, nametag.ListQuery{Limit: 7}, func(nametag.Pet) bool { return true })
	},
	"PagesOfASearch": func(t *testing.T, s nametag.Store) {
		pages(t, s, nametag.ListQuery{Contains: "1", Category: nametag.Cat, Limit: 5}, func(p nametag.Pet) bool {
			return p.Category == nametag.Cat && strings.Contains(p.Name.Key(), "1")
		})
	},
	"ACursorNeedNotBeAPet":      cursorBetweenPets,
	"EachKeyOnce":               eachKeyOnce,
	"SearchesLiterally":         searchesLiterally,
	"KeepsToACategory":          keepsToCategory,
	"ListEndsWithItsContext":    listEndsWithContext,
	"PetsFromAnyTime":           petsFromAnyTime,
	"NewPetsDoNotDisturbPaging": newPetsDoNotDisturb,
}

func newestFirst(t *testing.T, s nametag.Store) {
	pets := petsAt(t, day, "oldest", "older", "newer", "newest")
	insert(t, s, entriesOf(pets[2], pets[0], pets[3], pets[1])...)
	slices.Reverse(pets)
	equal(t, "book", list(t, s, nametag.ListQuery{Limit: 10}), pets)
	equal(t, "two", list(t, s, nametag.ListQuery{Limit: 2}), pets[:2])
	if got := list(t, s, nametag.ListQuery{Limit: 1})[0].RegisteredAt.Location(); got != time.UTC {
		t.Errorf("dates are in %v, want UTC", got)
	}
}

// tiesByKey has names that a dictionary orders otherwise than their bytes do.
func tiesByKey(t *testing.T, s nametag.Store) {
	var pets []nametag.Pet
	for _, name := range []string{"Zoe", "Émile", "a-z", "ab", "a b", "a_c", "ä", "10", "9", "王", "emile", "aB1", "🐕"} {
		pets = append(pets, newPet(t, name))
	}
	insert(t, s, passing(entriesOf(pets...))...)
	slices.SortFunc(pets, func(p, q nametag.Pet) int { return strings.Compare(p.Name.Key(), q.Name.Key()) })
	equal(t, "book", names(list(t, s, nametag.ListQuery{Limit: 100})), names(pets))
}

// pages walks through 250 pets, many of one instant, by q, and sees each that
// is wanted once and in order.
func pages(t *testing.T, s nametag.Store, q nametag.ListQuery, wanted func(nametag.Pet) bool) {
	var pets, want []nametag.Pet
	for i, p := range numbered(t, "Pet", 250) {
		p.RegisteredAt = day.Add(time.Duration(i/20) * time.Microsecond)
		p.Category = nametag.Categories()[i%2]
		pets = append(pets, p)
		if wanted(p) {
			want = append(want, p)
		}
	}
	insert(t, s, entriesOf(pets...)...)
	slices.SortFunc(want, func(p, q nametag.Pet) int {
		if c := q.RegisteredAt.Compare(p.RegisteredAt); c != 0 {
			return c
		}
		return strings.Compare(p.Name.Key(), q.Name.Key())
	})
	var got []nametag.Pet
	for range len(pets) {
		page := list(t, s, q)
		got = append(got, page...)
		if len(page) < q.Limit {
			break
		}
		last := page[len(page)-1]
		q.After = nametag.Cursor{RegisteredAt: last.RegisteredAt, Key: last.Name.Key()}
	}
	equal(t, "all pages", names(got), names(want))
}

func cursorBetweenPets(t *testing.T, s nametag.Store) {
	insert(t, s, entriesOf(newPet(t, "a"), newPet(t, "c"), newPet(t, "d"))...)
	after := func(at time.Time, key string) []string {
		return names(list(t, s, nametag.ListQuery{Limit: 10, After: nametag.Cursor{RegisteredAt: at, Key: key}}))
	}
	equal(t, "after b", after(day, "b"), []string{"c", "d"})
	equal(t, "after an instant later", after(day.Add(time.Microsecond), "z"), []string{"a", "c", "d"})
	equal(t, "after an instant before", after(day.Add(-time.Microsecond), "a"), []string{})
}

func searchesLiterally(t *testing.T, s nametag.Store) {
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
		{"Malley", []string{}}, // keys are in lower case; folding is the caller's part
		{"nowhere", []string{}},
	} {
		t.Run(fmt.Sprintf("%q", c.contains), func(t *testing.T) {
			equal(t, "found", names(list(t, s, nametag.ListQuery{Contains: c.contains, Limit: 50})), c.want)
		})
	}
}

func keepsToCategory(t *testing.T, s nametag.Store) {
	cat, dog := newPet(t, "Cat"), newPet(t, "Dog")
	cat.Category = nametag.Cat
	insert(t, s, entriesOf(cat, dog)...)
	equal(t, "cats", list(t, s, nametag.ListQuery{Category: nametag.Cat, Limit: 5}), []nametag.Pet{cat})
	equal(t, "dogs", list(t, s, nametag.ListQuery{Category: nametag.Dog, Limit: 5}), []nametag.Pet{dog})
	equal(t, "both", list(t, s, nametag.ListQuery{Limit: 5}), []nametag.Pet{cat, dog})
}

func listEndsWithContext(t *testing.T, s nametag.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.List(ctx, nametag.ListQuery{Limit: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, want context.Canceled", err)
	}
}

func petsFromAnyTime(t *testing.T, s nametag.Store) {
	old, late := newPet(t, "Old"), newPet(t, "Late")
	old.RegisteredAt = time.Date(1066, 10, 14, 9, 0, 0, 1000, time.UTC)
	late.RegisteredAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	insert(t, s, entriesOf(old, late)...)
	equal(t, "book", list(t, s, nametag.ListQuery{Limit: 5}), []nametag.Pet{late, old})
}

func newPetsDoNotDisturb(t *testing.T, s nametag.Store) {
	pets := petsAt(t, day, "a", "b", "c", "d")
	insert(t, s, entriesOf(pets...)...)
	page := list(t, s, nametag.ListQuery{Limit: 2})
	insert(t, s, entriesOf(petsAt(t, day.Add(time.Hour), "e", "f")...)...)
	last := page[1]
	page = list(t, s, nametag.ListQuery{Limit: 2, After: nametag.Cursor{RegisteredAt: last.RegisteredAt, Key: last.Name.Key()}})
	equal(t, "second page", names(page), []string{"b", "a"})
}

func eachKeyOnce(t *testing.T, s nametag.Store) {
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
			t.Errorf("%s comes twice", key)
		}
		got[string(key)] = string(lookalike)
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "keys", got, want)
}
