package registry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"nametag/internal/registry"
	"nametag/internal/sqlite"
	"nametag/internal/wording"
)

func ExampleParseName() {
	for _, text := range []string{"  Mjölnir ", "MJÖLNIR", "..."} {
		name, err := registry.ParseName(text)
		if invalid, ok := errors.AsType[*registry.Error](err); ok {
			fmt.Println(invalid.Code, "-", invalid.Message)
			continue
		}
		fmt.Printf("%s has the comparison key %q\n", name, name.Key())
	}
	// Output:
	// Mjölnir has the comparison key "mjölnir"
	// MJÖLNIR has the comparison key "mjölnir"
	// not_allowed - “...” has no letter and no digit. A name needs at least one, or a picture such as 🐕.
}

// Names that can be mistaken for each other have the same lookalike key, although
// they are different names.
func ExampleName_LookalikeKey() {
	for _, text := range []string{"Bella", "Bel-la", "Вella", "Marnie", "Mamie"} { // the third begins with a Cyrillic letter
		name, err := registry.ParseName(text)
		if err != nil {
			panic(err)
		}
		fmt.Println(name.Key(), "looks like", name.LookalikeKey())
	}
	// Output:
	// bella looks like bella
	// bel-la looks like bella
	// вella looks like bella
	// marnie looks like rnarnie
	// mamie looks like rnarnie
}

func ExampleNewPolicy() {
	policy, err := registry.NewPolicy(registry.Rules{
		Name:     "kennel",
		Words:    registry.WordRule{Min: 2},
		Length:   registry.LengthRule{Max: 20, LettersOnly: true},
		Reserved: []registry.Reserved{{Name: "King Rex", Reason: "Kept for the club's own dogs."}},
	})
	if err != nil {
		panic(err)
	}
	for _, text := range []string{"Rex of York", "Rex", "King Rex"} {
		name, err := registry.ParseName(text)
		if err != nil {
			panic(err)
		}
		if d := policy.Judge(name); d.Code != "" {
			fmt.Println(wording.Reason(d))
			continue
		}
		fmt.Println(name, "is allowed")
	}
	// Output:
	// Rex of York is allowed
	// This registry requires names of at least 2 words, separated by spaces.
	// “King Rex” is reserved: Kept for the club's own dogs.
}

// openRegistry returns a registry whose pets are in a file of its own, and how to
// remove that.
func openRegistry(ctx context.Context) (*registry.Registry, func()) {
	dir, err := os.MkdirTemp("", "nametag")
	if err != nil {
		panic(err)
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "pets.db"), sqlite.Options{Migrate: true})
	if err != nil {
		panic(err)
	}
	clock := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	return registry.New(store, clock), func() {
		store.Close()
		os.RemoveAll(dir)
	}
}

// A name that is refused is no error: the decision says why, and what is available
// in its place.
func ExampleRegistry_Register() {
	ctx := context.Background()
	pets, remove := openRegistry(ctx)
	defer remove()
	for _, name := range []string{"Bella", "BELLA"} {
		decision, err := pets.Register(ctx, registry.Application{Name: name, FavoriteColor: "red", Category: "cat"})
		switch {
		case err != nil:
			panic(err)
		case decision.Code == "":
			fmt.Println(decision.Pet.Name, "is registered")
		default:
			fmt.Println(decision.Code, "-", wording.Reason(decision))
			fmt.Println("available:", decision.Suggestions)
		}
	}
	// Output:
	// Bella is registered
	// taken - “BELLA” is taken: a cat has had “Bella” since 1 March 2026.
	// available: [BELLA Red BELLA II BELLA the Cat]
}

// A check is advice: only registering decides.
func ExampleRegistry_Check() {
	ctx := context.Background()
	pets, remove := openRegistry(ctx)
	defer remove()
	if _, err := pets.Register(ctx, registry.Application{Name: "Bella", FavoriteColor: "red", Category: "cat"}); err != nil {
		panic(err)
	}
	decisions, err := pets.Check(ctx, "bella", "Bel-la", "Luna")
	if err != nil {
		panic(err)
	}
	for _, d := range decisions {
		if d.Code == "" {
			fmt.Println(d.Name, "is available")
			continue
		}
		fmt.Println(wording.Reason(d))
	}
	// Output:
	// “bella” is taken: a cat has had “Bella” since 1 March 2026.
	// “Bel-la” is too similar to “Bella”, which a cat has had since 1 March 2026.
	// Luna is available
}
