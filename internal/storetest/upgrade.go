package storetest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"nametag/internal/registry"
)

// An upgrade is the expected content of a registry after the upgrade from an earlier schema.
type upgrade struct {
	Pets    []string // oldest first, without the numbered ones
	Many    int      // numbered pets
	Exempt  []string
	Rulings []string
	Rows    int64 // of the journal
}

// upgrades has the expectations by schema. testdata/schema-N.sql is the registry as a program of that schema left it.
var upgrades = map[int]upgrade{
	1: {Pets: []string{"Bel-la", "Bella", "Möbius", "McIntosh", "Rex"}, Exempt: []string{"Bella"}, Rows: 5},
	2: {Pets: []string{"Bel-la", "Bella", "Möbius", "McIntosh", "Rex"}, Exempt: []string{"Bella"}, Rows: 5},
	3: {Pets: []string{"Bel-la", "Bella", "Möbius", "McIntosh", "Rex"}, Exempt: []string{"Bella"}, Many: 2500, Rows: 2505},
	4: {Pets: []string{"Bel-la", "Bella", "Mac", "Rex"}, Exempt: []string{"Bella"}, Rulings: []string{"King", "McIntosh", "Möbius", "R.ex"}, Rows: 11},
	5: {Pets: []string{"Bel-la", "Bella", "Mac", "Rex"}, Exempt: []string{"Bella"}, Rulings: []string{"King", "McIntosh", "Möbius", "R.ex"}, Rows: 11},
}

func upgraded(t *testing.T, create func(testing.TB) Database, schema int, want upgrade) {
	dump, err := os.ReadFile(fmt.Sprintf("testdata/schema-%d.sql", schema))
	if err != nil {
		t.Fatal(err)
	}
	db := create(t)
	db.Execute(t, string(dump))
	Mentions(t, refused(t, db, Options{}), fmt.Sprintf("schema %d", schema), "run “nametag migrate”")
	s := open(t, db, Options{Migrate: true})

	fresh := create(t)
	openNew(t, fresh)
	equal(t, "schema", db.Schema(t), fresh.Schema(t))
	isWhole(t, s)
	keepsKeysApart(t, s)

	all, end := states(t, s)
	got := upgrade{Rows: end.Seq}
	for _, state := range all {
		if r := state.Ruling; r != nil {
			got.Rulings = append(got.Rulings, r.Name)
			equal(t, "lookalike key of "+r.Name, r.LookalikeKey, r.Ruling().Name.LookalikeKey())
			continue
		}
		p := state.Pet
		equal(t, "lookalike key of "+p.Name, p.LookalikeKey, p.Pet().Name.LookalikeKey())
		if strings.HasPrefix(p.Name, "Pet ") {
			got.Many++
			continue
		}
		got.Pets = append(got.Pets, p.Name)
		if p.LookalikeExempt {
			got.Exempt = append(got.Exempt, p.Name)
		}
		if schema < 4 {
			isImported(t, s, p)
		}
	}
	equal(t, "registry", got, want)

	Enter(t, s, "Zoe")
	equal(t, "a lookalike", insert(t, s, entriesOf(newPet(t, "B.ella"))...)[0].Code, registry.CodeSimilar)
	equal(t, "a name", insert(t, s, entriesOf(newPet(t, "REX"))...)[0].Rival.Name.String(), "Rex")
	retry := registry.Application{Name: "Rex", FavoriteColor: "brown", Category: "dog", IdempotencyKey: "api:3b241101-e2bb-4255-8caf-4136c566a962"}
	if d, err := registry.New(s, nil).Register(t.Context(), retry); err != nil || d.Pet == nil || d.Pet.Name.String() != "Rex" {
		t.Errorf("the client that registered Rex gets %v, %v", d, err)
	}
	apply(t, s, on(1, registry.ActionReleased, registry.Change{Key: "bel-la"}))
	equal(t, "rows about Bel-la", len(records(t, s, registry.JournalQuery{Key: "bel-la", Limit: 10})), 2)
	isWhole(t, s)

	before := head(t, s)
	open(t, db, Options{Migrate: true})
	equal(t, "head after another start", head(t, s), before)
}

// isImported checks that the journal has one row about a pet, which imported it.
func isImported(t testing.TB, s registry.Store, p *registry.PetState) {
	t.Helper()
	story := records(t, s, registry.JournalQuery{Key: p.NameKey, Limit: 10})
	if len(story) != 1 {
		t.Fatalf("the journal has %d rows about %s, want 1", len(story), p.Name)
	}
	e, err := story[0].Event()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "event", e, registry.Event{Seq: story[0].Seq, At: e.At, Action: registry.ActionImported, Via: registry.ViaMigration,
		After: registry.State{Pet: p}})
}
