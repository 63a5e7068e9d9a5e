package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"nametag/internal/registry"
)

var insertTests = map[string]func(*testing.T, registry.Store){
	"RegistersAPetUnchanged":               entersAPetAsItIs,
	"NoEntriesAreNoError":                  nothingIsNothing,
	"ResultsAreInTheOrderOfEntries":        tellsOfEachInOrder,
	"TheFirstOfANameWinsWithinACall":       firstWinsWithinCall,
	"TheHolderKeepsTheName":                holderKeepsName,
	"RegistersAThousandAtOnce":             takesAThousand,
	"KeepsEveryCharacter":                  keepsEveryCharacter,
	"RegistersNothingAfterTheContextEnded": entersNothingWhenCancelled,
}

func entersAPetAsItIs(t *testing.T, s registry.Store) {
	rex := newPet(t, "Rex")
	equal(t, "results", insert(t, s, entriesOf(rex)...), []registry.Decision{registered(rex)})
	equal(t, "in the book", find(t, s, "rex"), map[string]registry.Pet{"rex": rex})
}

func nothingIsNothing(t *testing.T, s registry.Store) {
	insert(t, s)
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 10}), nil)
}

func tellsOfEachInOrder(t *testing.T, s registry.Store) {
	milo := newPet(t, "Milo")
	insert(t, s, entriesOf(milo)...)
	zoe, late, ada := newPet(t, "Zoe"), newPet(t, "milo"), newPet(t, "Ada")
	equal(t, "results", insert(t, s, entriesOf(zoe, late, ada)...),
		[]registry.Decision{registered(zoe), taken(milo), registered(ada)})
	equal(t, "in the book", find(t, s, "zoe", "milo", "ada"),
		map[string]registry.Pet{"zoe": zoe, "milo": milo, "ada": ada})
}

func firstWinsWithinCall(t *testing.T, s registry.Store) {
	first, second, third := newPet(t, "Ｒｅｘ"), newPet(t, "REX"), newPet(t, "Rex")
	second.FavoriteColor, third.Category = "red", registry.Cat
	equal(t, "results", insert(t, s, entriesOf(first, second, third)...),
		[]registry.Decision{registered(first), taken(first), taken(first)})
	equal(t, "in the book", find(t, s, "rex"), map[string]registry.Pet{"rex": first})
}

func holderKeepsName(t *testing.T, s registry.Store) {
	first, later := newPet(t, "Rex"), newPet(t, "Rex")
	later.RegisteredAt = day.AddDate(-1, 0, 0)
	insert(t, s, entriesOf(first)...)
	for range 2 {
		equal(t, "results", insert(t, s, entriesOf(later)...), []registry.Decision{taken(first)})
	}
}

func takesAThousand(t *testing.T, s registry.Store) {
	pets := numbered(t, "Pet", 1000)
	insert(t, s, entriesOf(pets[300:400]...)...)
	for i, res := range insert(t, s, entriesOf(pets...)...) {
		want := registered(pets[i])
		if i >= 300 && i < 400 {
			want = taken(pets[i])
		}
		equal(t, fmt.Sprint("result ", i), res, want)
	}
	if n := len(list(t, s, registry.ListQuery{Limit: 2000})); n != 1000 {
		t.Errorf("%d pets are registered, want 1000", n)
	}
}

func keepsEveryCharacter(t *testing.T, s registry.Store) {
	var pets []registry.Pet
	for _, name := range []string{
		"Möbius", "Ναύτης", "Åsa", "王", "محمد", "Ἀθηνᾶ", "नमस्ते", "🐕🐈", "O'Malley", `back\slash`, "100%", "a_b",
		`"quoted"`, "<b>&amp;", "DROP TABLE pets; --", "{1,2}", "$1 ?1 :a", "NULL",
		strings.Repeat("🐕", registry.MaxNameLength),
		strings.Repeat("𠮷", registry.MaxNameLength), // four bytes each
		strings.Repeat("ﷺ", registry.MaxNameLength), // U+FDFA: its key is eleven times as long
	} {
		p := newPet(t, name)
		p.FavoriteColor = registry.Color(strings.Repeat("🎨", registry.MaxColorLength))
		pets = append(pets, p)
	}
	for i, res := range insert(t, s, entriesOf(pets...)...) {
		equal(t, "result", res, registered(pets[i]))
	}
	for _, p := range pets {
		key := p.Name.Key()
		equal(t, "in the book", find(t, s, key), map[string]registry.Pet{key: p})
		equal(t, "losing again", insert(t, s, entriesOf(p)...), []registry.Decision{taken(p)})
	}
}

func entersNothingWhenCancelled(t *testing.T, s registry.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Insert(ctx, append(entriesOf(newPet(t, "Rex")), keyed(newPet(t, "Ada"), "k")))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Insert: %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err = s.Insert(ctx, entriesOf(newPet(t, "Rex"))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Insert: %v, want context.DeadlineExceeded", err)
	}
	equal(t, "in the book", find(t, s, "rex", "ada"), map[string]registry.Pet{})
}
