package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"nametag"
)

var insertTests = map[string]func(*testing.T, nametag.Store){
	"EntersAPetAsItIs":                 entersAPetAsItIs,
	"NothingIsNothing":                 nothingIsNothing,
	"TellsOfEachInTheOrderGiven":       tellsOfEachInOrder,
	"TheFirstOfANameWinsWithinACall":   firstWinsWithinCall,
	"TheHolderKeepsTheName":            holderKeepsName,
	"TakesAThousandAtOnce":             takesAThousand,
	"KeepsEveryCharacter":              keepsEveryCharacter,
	"EntersNothingWhenTheContextEnded": entersNothingWhenCancelled,
}

func entersAPetAsItIs(t *testing.T, s nametag.Store) {
	rex := newPet(t, "Rex")
	equal(t, "results", insert(t, s, entriesOf(rex)...), []nametag.Result{registered(rex)})
	equal(t, "in the book", find(t, s, "rex"), map[string]nametag.Pet{"rex": rex})
}

func nothingIsNothing(t *testing.T, s nametag.Store) {
	insert(t, s)
	equal(t, "book", list(t, s, nametag.ListQuery{Limit: 10}), nil)
}

func tellsOfEachInOrder(t *testing.T, s nametag.Store) {
	milo := newPet(t, "Milo")
	insert(t, s, entriesOf(milo)...)
	zoe, late, ada := newPet(t, "Zoe"), newPet(t, "milo"), newPet(t, "Ada")
	equal(t, "results", insert(t, s, entriesOf(zoe, late, ada)...),
		[]nametag.Result{registered(zoe), taken(milo), registered(ada)})
	equal(t, "in the book", find(t, s, "zoe", "milo", "ada"),
		map[string]nametag.Pet{"zoe": zoe, "milo": milo, "ada": ada})
}

func firstWinsWithinCall(t *testing.T, s nametag.Store) {
	first, second, third := newPet(t, "Ｒｅｘ"), newPet(t, "REX"), newPet(t, "Rex")
	second.FavoriteColor, third.Category = "red", nametag.Cat
	equal(t, "results", insert(t, s, entriesOf(first, second, third)...),
		[]nametag.Result{registered(first), taken(first), taken(first)})
	equal(t, "in the book", find(t, s, "rex"), map[string]nametag.Pet{"rex": first})
}

func holderKeepsName(t *testing.T, s nametag.Store) {
	first, later := newPet(t, "Rex"), newPet(t, "Rex")
	later.RegisteredAt = day.AddDate(-1, 0, 0)
	insert(t, s, entriesOf(first)...)
	for range 2 {
		equal(t, "results", insert(t, s, entriesOf(later)...), []nametag.Result{taken(first)})
	}
}

func takesAThousand(t *testing.T, s nametag.Store) {
	pets := numbered(t, "Pet", 1000)
	insert(t, s, entriesOf(pets[300:400]...)...)
	for i, res := range insert(t, s, entriesOf(pets...)...) {
		want := registered(pets[i])
		if i >= 300 && i < 400 {
			want = taken(pets[i])
		}
		if res.Status != want.Status || !res.Pet.Same(want.Pet) {
			t.Fatalf("result %d: %v, want %v", i, res, want)
		}
	}
	if n := len(list(t, s, nametag.ListQuery{Limit: 2000})); n != 1000 {
		t.Errorf("%d pets in the book, want 1000", n)
	}
}

func keepsEveryCharacter(t *testing.T, s nametag.Store) {
	var pets []nametag.Pet
	for _, name := range []string{
		"Möbius", "Ναύτης", "Åsa", "王", "محمد", "Ἀθηνᾶ", "नमस्ते", "🐕🐈", "O'Malley", `back\slash`, "100%", "a_b",
		`"quoted"`, "<b>&amp;", "DROP TABLE pets; --", "{1,2}", "$1 ?1 :a", "NULL",
		strings.Repeat("🐕", nametag.MaxNameLength),
		strings.Repeat("𠮷", nametag.MaxNameLength), // four bytes each
		strings.Repeat("ﷺ", nametag.MaxNameLength), // U+FDFA: its key is eleven times as long
	} {
		p := newPet(t, name)
		p.FavoriteColor = nametag.Color(strings.Repeat("🎨", nametag.MaxColorLength))
		pets = append(pets, p)
	}
	for i, res := range insert(t, s, entriesOf(pets...)...) {
		equal(t, "result", res, registered(pets[i]))
	}
	for _, p := range pets {
		key := p.Name.Key()
		equal(t, "in the book", find(t, s, key), map[string]nametag.Pet{key: p})
		equal(t, "losing again", insert(t, s, entriesOf(p)...), []nametag.Result{taken(p)})
	}
}

func entersNothingWhenCancelled(t *testing.T, s nametag.Store) {
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
	equal(t, "in the book", find(t, s, "rex", "ada"), map[string]nametag.Pet{})
}
