package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"nametag/internal/registry"
)

var stateTests = map[string]func(*testing.T, registry.Store){
	"PetsOldestFirstAndThenRulings": statesInOrder,
	"StatesAreOfOneMoment":          statesOfOneMoment,
	"AVisitEndsWithItsError":        visitEnds,
	"AVisitEndsWithItsContext":      visitEndsWithContext,
	"ACorrectedPetKeepsItsName":     corrected,
	"AnImportedLookalikeHoldsNoKey": broughtOver,
}

func states(t testing.TB, s registry.Store) (all []registry.State, end registry.Head) {
	t.Helper()
	end, err := s.Snapshot(t.Context(), func(state registry.State) error {
		all = append(all, state)
		return nil
	})
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	return all, end
}

func statesInOrder(t *testing.T, s registry.Store) {
	all, end := states(t, s)
	equal(t, "of nothing", all, nil)
	equal(t, "head of nothing", end, registry.Head{})

	pets := petsAt(t, day, "Oldest", "Bella", "Bel-la", "b", "c", "é")
	for i := range pets[3:] { // of one moment, in the order of their keys
		pets[3+i].RegisteredAt = day.Add(time.Hour)
	}
	pets[0].RegisteredAt = time.Date(1066, 10, 14, 9, 0, 0, 1000, time.UTC)
	insert(t, s, entriesOf(pets[5], pets[1], pets[4], pets[0], pets[3])...)
	insert(t, s, passing(entriesOf(pets[2]))...)
	kept := reserve(t, s, "King")
	apply(t, s, on(1, registry.ActionReleased, registry.Change{Key: "c", Until: day.AddDate(0, 0, 9)}))

	var want []registry.State
	for i, p := range pets {
		if p.Name.Key() != "c" {
			want = append(want, registry.State{Pet: registry.NewPetState(p, i == 2)})
		}
	}
	gone := registry.Ruling{Kind: registry.RulingQuarantine, Name: pets[4].Name, At: day.AddDate(0, 0, 1), Until: day.AddDate(0, 0, 9)}
	want = append(want, registry.State{Ruling: registry.NewRulingState(gone)}, registry.State{Ruling: registry.NewRulingState(kept)})
	all, end = states(t, s)
	equal(t, "states", all, want)
	equal(t, "head", end, head(t, s))
}

// statesOfOneMoment changes the registry during a snapshot.
func statesOfOneMoment(t *testing.T, s registry.Store) {
	insert(t, s, entriesOf(numbered(t, "Pet", 1000)...)...)
	before, seen := head(t, s), 0
	end, err := s.Snapshot(t.Context(), func(registry.State) error {
		if seen++; seen == 1 {
			late := newPet(t, "Late")
			late.RegisteredAt = day.AddDate(1, 0, 0)
			insert(t, s, entriesOf(late)...)
			apply(t, s, on(1, registry.ActionReleased, registry.Change{Key: "pet 999", Until: day.AddDate(0, 0, 9)}))
		}
		return nil
	})
	if err != nil || seen != 1000 || end != before {
		t.Errorf("%d states and the head %s (%v); want 1000 and %s", seen, end, err, before)
	}
}

func visitEnds(t *testing.T, s registry.Store) {
	insert(t, s, entriesOf(newPet(t, "Bella"), newPet(t, "Rex"))...)
	reserve(t, s, "King")
	reserve(t, s, "Queen")
	for after := 1; after <= 4; after++ {
		enough, seen := errors.New("enough"), 0
		_, err := s.Snapshot(t.Context(), func(registry.State) error {
			if seen++; seen == after {
				return enough
			}
			return nil
		})
		if err != enough || seen != after {
			t.Errorf("after %d of %d: %v", seen, after, err)
		}
	}
	equal(t, "registered then", insert(t, s, entriesOf(newPet(t, "Ada"))...), []registry.Decision{registered(newPet(t, "Ada"))})
}

func visitEndsWithContext(t *testing.T, s registry.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Snapshot(ctx, func(registry.State) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Snapshot: %v, want context.Canceled", err)
	}
}

func corrected(t *testing.T, s registry.Store) {
	bella, dashed := newPet(t, "Bella"), newPet(t, "Bel-la")
	insert(t, s, entriesOf(bella)...)
	insert(t, s, passing(entriesOf(dashed))...)
	for _, c := range []registry.Change{{FavoriteColor: "red"}, {Category: registry.Cat}, {FavoriteColor: "blue", Category: registry.Dog}, {}} {
		if c.FavoriteColor != "" {
			dashed.FavoriteColor = c.FavoriteColor
		}
		if c.Category != "" {
			dashed.Category = c.Category
		}
		c.Key = dashed.Name.Key()
		equal(t, fmt.Sprint(c.FavoriteColor, c.Category), apply(t, s, on(1, registry.ActionCorrected, c)), registry.Decision{Pet: &dashed})
	}
	all, _ := states(t, s)
	equal(t, "states", all, []registry.State{{Pet: registry.NewPetState(dashed, true)}, {Pet: registry.NewPetState(bella, false)}})
	rows := records(t, s, registry.JournalQuery{Key: dashed.Name.Key(), Limit: 10})
	e, err := rows[1].Event()
	if err != nil || e.Action != registry.ActionCorrected || e.Before.Pet.FavoriteColor != newPet(t, "x").FavoriteColor || e.After.Pet.FavoriteColor != "red" {
		t.Errorf("the journal has %s (%v)", rows[1].Entry, err)
	}
}

// broughtOver imports pets that are exempt lookalikes, before the pet that they look like and after it.
func broughtOver(t *testing.T, s registry.Store) {
	first, bella, last, other := newPet(t, "Bel-la"), newPet(t, "Bella"), newPet(t, "Bel.la"), newPet(t, "Bel_la")
	entries := entriesOf(first, bella, last, other)
	for _, i := range []int{0, 2} {
		entries[i].AllowLookalike, entries[i].LookalikeExempt = true, true
	}
	equal(t, "results", insert(t, s, entries...), []registry.Decision{registered(first), registered(bella), registered(last), similar(bella)})
	all, _ := states(t, s)
	equal(t, "states", all, []registry.State{{Pet: registry.NewPetState(first, true)}, {Pet: registry.NewPetState(last, true)}, {Pet: registry.NewPetState(bella, false)}})
}
