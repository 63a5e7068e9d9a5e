package transfer

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nametag/internal/registry"
	"nametag/internal/sqlite"
)

// The registry has pets and rulings, and the batches have names that resemble them and each other.
func TestADryRunDecidesAsTheRun(t *testing.T) {
	t.Parallel()
	rules := registry.Open.Rules()
	rules.AllowLookalikes = true
	allowing, err := registry.NewPolicy(rules)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "pets.db"), sqlite.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	checks := 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		var names []string // that resemble no name of another check
		for _, name := range []string{"Rex", "R.ex", "Re-x", "REX", "Bella", "Bel-la", "B.ella", "King", "K.ing", "Tom", "T.om"} {
			names = append(names, fmt.Sprintf("No %d %s", checks, name))
		}
		policy := rapid.SampledFrom([]*registry.Policy{registry.Open, allowing}).Draw(t, "policy")
		r := registry.New(store, nil).WithPolicy(policy)
		draw := rapid.Custom(func(t *rapid.T) registry.Application {
			name, exempt := rapid.SampledFrom(names).Draw(t, "name"), rapid.Bool().Draw(t, "exempt")
			return registry.Application{Name: name, FavoriteColor: "red", Category: "dog", LookalikeExempt: exempt}
		})
		some := rapid.SliceOfN(draw, 1, 6)
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 2).Draw(t, "reserved") {
			if _, err := r.Reserve(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 2).Draw(t, "allowed") {
			if _, err := r.AllowLookalike(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.RegisterAll(t.Context(), some.Draw(t, "registered")); err != nil {
			t.Fatal(err)
		}
		dry := DryRun(r)
		batches := rapid.SliceOfN(some, 1, 2).Draw(t, "batches")
		var want, got [][]answer
		for _, b := range batches {
			got = append(got, answers(t, dry, b))
		}
		for _, b := range batches {
			want = append(want, answers(t, r.RegisterAll, b))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-run +dry run):\n%s", diff)
		}
	})
}

// An answer is what a report says of a decision.
type answer struct {
	Name, Code, Rival, Ruling string
}

func answers(t *rapid.T, enter Enter, applications []registry.Application) (all []answer) {
	decisions, err := enter(t.Context(), applications)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range decisions {
		a := answer{Name: d.Name.String(), Code: string(d.Code)}
		if d.Rival != nil {
			a.Rival = d.Rival.Name.String()
		}
		if d.Ruling != nil {
			a.Ruling = d.Ruling.Name.String()
		}
		all = append(all, a)
	}
	return all
}
