package storetest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"nametag"
)

// A model is a store as its contract describes it, one entry after another.
type model struct {
	pets    map[string]nametag.Pet
	answers map[string]answer
}

type answer struct {
	fingerprint [32]byte
	result      nametag.Result
}

func (m *model) insert(e nametag.Entry) nametag.Result {
	if e.IdempotencyKey != "" {
		if a, ok := m.answers[e.IdempotencyKey]; ok {
			if a.fingerprint != e.Fingerprint {
				return keyReused
			}
			return a.result
		}
	}
	key := e.Pet.Name.Key()
	res := registered(e.Pet)
	if holder, ok := m.pets[key]; ok {
		res = taken(holder)
	} else {
		m.pets[key] = e.Pet
	}
	if e.IdempotencyKey != "" {
		m.answers[e.IdempotencyKey] = answer{e.Fingerprint, res}
	}
	return res
}

// agreesWithModel sends random calls to s and to the model, with few names and
// few idempotency keys so that they meet often. Each run has names of its own.
func agreesWithModel(t *testing.T, s nametag.Store) {
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := model{make(map[string]nametag.Pet), make(map[string]answer)}
		entry := rapid.Custom(func(rt *rapid.T) nametag.Entry {
			name := rapid.SampledFrom([]string{"Rex", "REX", "Ada", "王", "Bo"}).Draw(rt, "name")
			p := newPet(t, fmt.Sprintf("%s %d", name, run))
			p.FavoriteColor = rapid.SampledFrom([]nametag.Color{"red", "blue"}).Draw(rt, "colour")
			key := rapid.SampledFrom([]string{"", "", "k", "l", "m", "n"}).Draw(rt, "key")
			if key == "" {
				return nametag.Entry{Pet: p}
			}
			return keyed(p, fmt.Sprintf("%s %d", key, run))
		})
		for range rapid.IntRange(1, 4).Draw(rt, "calls") {
			entries := rapid.SliceOfN(entry, 1, 8).Draw(rt, "entries")
			results, err := s.Insert(t.Context(), entries)
			if err != nil {
				rt.Fatalf("Insert: %v", err)
			}
			for i, e := range entries {
				want := m.insert(e)
				if got := results[i]; got.Status != want.Status || !got.Pet.Same(want.Pet) {
					rt.Fatalf("entry %d: got %v, the model has %v", i, got, want)
				}
			}
		}
		found, err := s.Find(t.Context(), []string{
			fmt.Sprintf("rex %d", run), fmt.Sprintf("ada %d", run), fmt.Sprintf("王 %d", run), fmt.Sprintf("bo %d", run)})
		if err != nil {
			rt.Fatalf("Find: %v", err)
		}
		if len(found) != len(m.pets) {
			rt.Fatalf("the book has %d pets, the model %d", len(found), len(m.pets))
		}
		for key, p := range m.pets {
			if !found[key].Same(p) {
				rt.Fatalf("%q is %v in the book, %v in the model", key, found[key], p)
			}
		}
	})
}
