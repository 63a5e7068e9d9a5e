package storetest

import (
	"fmt"
	"testing"
	"time"

	"nametag/internal/registry"
)

// Bench measures the store on the databases that create returns.
func Bench(b *testing.B, create func(testing.TB) Database) {
	open := func(b *testing.B) registry.Store { return openNew(b, create(b)) }
	const bulk = 1000
	b.Run("InsertFresh1000", func(b *testing.B) { benchFresh(b, open(b), bulk, scattered) })
	b.Run("InsertFresh10000", func(b *testing.B) { benchFresh(b, open(b), 10*bulk, scattered) })
	b.Run("InsertFreshInOrder1000", func(b *testing.B) { benchFresh(b, open(b), bulk, ordered) })
	b.Run("InsertTaken1000", func(b *testing.B) { benchTaken(b, open(b), bulk) })
	b.Run("InsertOne", func(b *testing.B) { benchFresh(b, open(b), 1, scattered) })
	b.Run("InsertOneWithKey", func(b *testing.B) { benchOneWithKey(b, open(b)) })
	b.Run("InsertOneTaken", func(b *testing.B) { benchTaken(b, open(b), 1) })
	b.Run("FindOne", func(b *testing.B) { benchFind(b, open(b)) })
	b.Run("ListPage", func(b *testing.B) { benchList(b, open(b)) })
}

// scattered returns the name of the nth pet; the names are in no order, as in practice.
func scattered(n int) string {
	const mix = 0x9E3779B97F4A7C15 // odd, so that no number appears twice
	return fmt.Sprintf("%016x", uint64(n+1)*mix)
}

// ordered returns the name of the nth pet; the names are in the order of their keys.
func ordered(n int) string { return fmt.Sprintf("%016x", n) }

// fresh returns entries for the pets from number start on.
func fresh(start, n int, named func(int) string, at time.Time) []registry.Entry {
	entries := make([]registry.Entry, n)
	for i := range entries {
		name := named(start + i)
		entries[i].Pet = registry.Pet{Name: registry.RestoreName(name, name), FavoriteColor: "blue",
			Category: registry.Cat, RegisteredAt: at}
	}
	return entries
}

func benchInsert(b *testing.B, s registry.Store, want registry.Code, entries []registry.Entry) {
	b.Helper()
	results, err := s.Insert(b.Context(), entries)
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range results {
		if r.Code != want {
			b.Fatalf("code %q, want %q", r.Code, want)
		}
	}
}

func perSecond(b *testing.B, each int) {
	b.ReportMetric(float64(b.N*each)/b.Elapsed().Seconds(), "rows/s")
}

func benchFresh(b *testing.B, s registry.Store, size int, named func(int) string) {
	made := 0
	for b.Loop() {
		benchInsert(b, s, "", fresh(made, size, named, day.Add(time.Duration(made)*time.Millisecond)))
		made += size
	}
	perSecond(b, size)
}

func benchTaken(b *testing.B, s registry.Store, size int) {
	entries := fresh(0, size, scattered, day)
	benchInsert(b, s, "", entries)
	for b.Loop() {
		benchInsert(b, s, registry.CodeTaken, entries)
	}
	perSecond(b, size)
}

func benchOneWithKey(b *testing.B, s registry.Store) {
	made := 0
	for b.Loop() {
		entries := fresh(made, 1, scattered, day.Add(time.Duration(made)*time.Millisecond))
		entries[0].IdempotencyKey = entries[0].Pet.Name.Key()
		benchInsert(b, s, "", entries)
		made++
	}
	perSecond(b, 1)
}

func benchFind(b *testing.B, s registry.Store) {
	entries := fresh(0, 1000, scattered, day)
	benchInsert(b, s, "", entries)
	i := 0
	for b.Loop() {
		key := entries[i%len(entries)].Pet.Name.Key()
		if pets, err := s.Find(b.Context(), []string{key}); err != nil || len(pets) != 1 {
			b.Fatalf("Find: %v, %v", pets, err)
		}
		i++
	}
	perSecond(b, 1)
}

func benchList(b *testing.B, s registry.Store) {
	benchInsert(b, s, "", fresh(0, 1000, scattered, day))
	const page = 50
	for b.Loop() {
		if pets, err := s.List(b.Context(), registry.ListQuery{Limit: page}); err != nil || len(pets) != page {
			b.Fatalf("List: %d pets, %v", len(pets), err)
		}
	}
	perSecond(b, page)
}
