package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nametag/internal/registry"
)

// A model is a simple implementation of a store's contract, which processes one entry or change after another.
type model struct {
	pets    map[string]registry.PetState    // by the names' keys
	rulings map[string]registry.RulingState // the same
	answers map[string]answer
}

type answer struct {
	fingerprint [32]byte
	result      registry.Decision
}

func newModel() model {
	return model{make(map[string]registry.PetState), make(map[string]registry.RulingState), make(map[string]answer)}
}

// judge decides on a name; the zero Decision means available. The pet with the key
// except does not count. looksLike is whether the name is a lookalike of another pet's.
func (m *model) judge(n registry.Name, at time.Time, except string, letPass bool) (res registry.Decision, looksLike bool) {
	for _, p := range m.pets {
		looksLike = looksLike || p.LookalikeKey == n.LookalikeKey() && !p.LookalikeExempt && p.NameKey != except
	}
	if holder, ok := m.pets[n.Key()]; ok && holder.NameKey != except {
		return taken(holder.Pet()), looksLike
	}
	own := m.rulings[n.Key()]
	permit := own.Kind == registry.RulingAllowLookalike
	if !permit {
		first := own
		for key, r := range m.rulings {
			isLike := r.LookalikeKey == n.LookalikeKey() && r.Ruling().InForce(at) && (key == n.Key() || !letPass)
			if isLike && (first.NameKey == "" || !first.Ruling().InForce(at) || key < first.NameKey && first.NameKey != n.Key()) {
				first = r
			}
		}
		if first.NameKey != "" && first.Ruling().InForce(at) {
			return keptBy(first.Ruling()), looksLike
		}
	}
	if looksLike && !permit && !letPass {
		for _, p := range m.pets {
			if p.LookalikeKey == n.LookalikeKey() && !p.LookalikeExempt && p.NameKey != except {
				return similar(p.Pet()), true
			}
		}
	}
	return registry.Decision{}, looksLike
}

func (m *model) insert(e registry.Entry) registry.Decision {
	if e.IdempotencyKey != "" {
		if a, ok := m.answers[e.IdempotencyKey]; ok {
			if a.fingerprint != e.Fingerprint {
				return keyReused
			}
			return a.result
		}
	}
	res, looksLike := m.judge(e.Pet.Name, e.Origin.At, "", e.AllowLookalike)
	if res.Code == "" {
		res = registered(e.Pet)
		delete(m.rulings, e.Pet.Name.Key())
		m.pets[e.Pet.Name.Key()] = *registry.NewPetState(e.Pet, looksLike || e.LookalikeExempt)
	}
	if e.IdempotencyKey != "" {
		m.answers[e.IdempotencyKey] = answer{e.Fingerprint, res}
	}
	return res
}

func (m *model) apply(c registry.Change) registry.Decision {
	pet, isHeld := m.pets[c.Key]
	switch c.Action {
	case registry.ActionRenamed:
		if !isHeld {
			return registry.Decision{Code: registry.CodeNotFound}
		}
		renamed := pet.Pet()
		renamed.Name = c.Name
		if c.Name.Key() == pet.NameKey && c.Name.LookalikeKey() == pet.LookalikeKey {
			m.pets[c.Key] = *registry.NewPetState(renamed, pet.LookalikeExempt)
			return registry.Decision{Pet: &renamed}
		}
		res, looksLike := m.judge(c.Name, c.Origin.At, c.Key, c.AllowLookalike)
		if res.Code != "" {
			return res
		}
		delete(m.pets, c.Key)
		delete(m.rulings, c.Name.Key())
		m.pets[c.Name.Key()] = *registry.NewPetState(renamed, looksLike)
		res = registry.Decision{Pet: &renamed}
		if c.Key != c.Name.Key() {
			res.Ruling = m.quarantine(pet, c)
		}
		return res
	case registry.ActionCorrected:
		if !isHeld {
			return registry.Decision{Code: registry.CodeNotFound}
		}
		if c.FavoriteColor != "" {
			pet.FavoriteColor = c.FavoriteColor
		}
		if c.Category != "" {
			pet.Category = c.Category
		}
		m.pets[c.Key] = pet
		return registry.Decision{Pet: new(pet.Pet())}
	case registry.ActionReleased:
		if !isHeld {
			return registry.Decision{Code: registry.CodeNotFound}
		}
		delete(m.pets, c.Key)
		return registry.Decision{Pet: new(pet.Pet()), Ruling: m.quarantine(pet, c)}
	case registry.ActionUnreserved:
		r, ok := m.rulings[c.Key]
		if !ok {
			return registry.Decision{Code: registry.CodeNotFound}
		}
		delete(m.rulings, c.Key)
		return registry.Decision{Ruling: new(r.Ruling())}
	default:
		if isHeld {
			return taken(pet.Pet())
		}
		kind := map[registry.Action]registry.RulingKind{
			registry.ActionReserved: registry.RulingReserved, registry.ActionAllowLookalike: registry.RulingAllowLookalike}[c.Action]
		if old, ok := m.rulings[c.Key]; ok && kind == registry.RulingAllowLookalike && old.Kind != kind && old.Ruling().InForce(c.Origin.At) {
			return keptBy(old.Ruling())
		}
		r := registry.Ruling{Kind: kind, Name: c.Name, Reason: c.Origin.Reason, At: c.Origin.At}
		m.rulings[c.Key] = *registry.NewRulingState(r)
		return registry.Decision{Ruling: &r}
	}
}

func (m *model) quarantine(pet registry.PetState, c registry.Change) (r *registry.Ruling) {
	if c.Until.After(c.Origin.At) {
		r = &registry.Ruling{Kind: registry.RulingQuarantine, Name: pet.Pet().Name, At: c.Origin.At, Until: c.Until}
		m.rulings[pet.NameKey] = *registry.NewRulingState(*r)
	}
	return r
}

// replay applies an event of the journal.
func (m *model) replay(e registry.Event) {
	if e.Before.Pet != nil {
		delete(m.pets, e.Before.Pet.NameKey)
	}
	if e.Before.Ruling != nil {
		delete(m.rulings, e.Before.Ruling.NameKey)
	}
	if e.After.Pet != nil {
		m.pets[e.After.Pet.NameKey] = *e.After.Pet
	}
	if e.After.Ruling != nil {
		m.rulings[e.After.Ruling.NameKey] = *e.After.Ruling
	}
}

// agreesWithModel sends random calls to s and to the model. Few names and idempotency
// keys make conflicts frequent. Each run has its own names.
func agreesWithModel(t *testing.T, s registry.Store) {
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m, began, today := newModel(), head(t, s), 0
		name := rapid.Custom(func(rt *rapid.T) registry.Name {
			text := rapid.SampledFrom([]string{"Rex", "REX", "R-ex", "R.ex", "Ada", "A-da", "王", "Bo"}).Draw(rt, "name")
			return parse(t, fmt.Sprintf("%s %d", text, run))
		})
		entry := rapid.Custom(func(rt *rapid.T) registry.Entry {
			p := newPet(t, "Rex")
			p.Name = name.Draw(rt, "name")
			p.FavoriteColor = rapid.SampledFrom([]registry.Color{"red", "blue"}).Draw(rt, "colour")
			e := registry.Entry{Pet: p}
			if key := rapid.SampledFrom([]string{"", "", "k", "l", "m", "n"}).Draw(rt, "key"); key != "" {
				e = keyed(p, fmt.Sprintf("%s %d", key, run))
			}
			e.AllowLookalike = rapid.IntRange(0, 9).Draw(rt, "let pass") == 0
			e.LookalikeExempt = e.AllowLookalike && rapid.Bool().Draw(rt, "holds no key")
			return e
		})
		actions := rapid.SampledFrom([]registry.Action{"", "", registry.ActionRenamed, registry.ActionCorrected, registry.ActionReleased,
			registry.ActionReserved, registry.ActionUnreserved, registry.ActionAllowLookalike})
		for range rapid.IntRange(1, 12).Draw(rt, "calls") {
			today++
			action := actions.Draw(rt, "action")
			if action == "" {
				entries := at(today, rapid.SliceOfN(entry, 1, 6).Draw(rt, "entries")...)
				results, err := s.Insert(t.Context(), entries)
				if err != nil {
					rt.Fatalf("Insert: %v", err)
				}
				for i, e := range entries {
					want := m.insert(e)
					if e.IdempotencyKey != "" && want.Code == registry.CodeReserved { // keys do not keep the ruling
						results[i].Ruling, want.Ruling = nil, nil
					}
					agree(rt, fmt.Sprint("entry ", i), results[i], want)
				}
				continue
			}
			n := name.Draw(rt, "to")
			c := registry.Change{Key: n.Key(), Name: n, AllowLookalike: rapid.Bool().Draw(rt, "let pass"),
				Until: day.AddDate(0, 0, today+rapid.IntRange(0, 3).Draw(rt, "days"))}
			switch action {
			case registry.ActionRenamed:
				c.Key = name.Draw(rt, "from").Key()
			case registry.ActionCorrected:
				c.FavoriteColor = rapid.SampledFrom([]registry.Color{"", "green"}).Draw(rt, "colour")
				c.Category = rapid.SampledFrom([]registry.Category{"", registry.Cat}).Draw(rt, "category")
			}
			c = on(today, action, c)
			res, err := s.Apply(t.Context(), c)
			if err != nil {
				rt.Fatalf("Apply: %v", err)
			}
			agree(rt, string(action), res, m.apply(c))
		}
		agreesWithStore(rt, s, m, run)

		journal, h := newModel(), began
		all, of := records(t, s, registry.JournalQuery{After: began.Seq, Limit: 1000}), map[string][]int64{}
		for _, r := range all {
			of[r.Key] = append(of[r.Key], r.Seq)
			if r.FormerKey != "" {
				of[r.FormerKey] = append(of[r.FormerKey], r.Seq)
			}
		}
		for key, want := range of {
			var got []int64
			for _, r := range records(t, s, registry.JournalQuery{After: began.Seq, Key: key, Limit: 1000}) {
				got = append(got, r.Seq)
			}
			agree(rt, "the history of "+key, got, want)
		}
		for _, r := range all {
			e, err := r.Event()
			if err != nil {
				rt.Fatal(err)
			}
			if again := h.Append(e); again.Hash != r.Hash {
				rt.Fatalf("row %d does not follow from row %d", r.Seq, h.Seq)
			}
			h = r.Head()
			journal.replay(e)
		}
		agree(rt, "head", h, head(t, s))
		agree(rt, "the journal's pets", journal.pets, m.pets)
		agree(rt, "the journal's rulings", journal.rulings, m.rulings)
	})
	isWhole(t, s)
}

func agree[T any](rt *rapid.T, what string, got, want T) {
	if diff := cmp.Diff(want, got, sameness); diff != "" {
		rt.Fatalf("%s (-model +store):\n%s", what, diff)
	}
}

// agreesWithStore compares the names of this run in s with the model.
func agreesWithStore(rt *rapid.T, s registry.Store, m model, run int) {
	var keys []string
	for _, name := range []string{"rex", "r-ex", "r.ex", "ada", "a-da", "王", "bo"} {
		keys = append(keys, fmt.Sprintf("%s %d", name, run))
	}
	found, err := s.Find(rt.Context(), keys)
	if err != nil {
		rt.Fatalf("Find: %v", err)
	}
	pets := make(map[string]registry.Pet)
	for key, p := range m.pets {
		pets[key] = p.Pet()
	}
	agree(rt, "pets", found, pets)
	all, err := s.Rulings(rt.Context(), "", 100_000)
	if err != nil {
		rt.Fatalf("Rulings: %v", err)
	}
	rulings := make(map[string]registry.RulingState)
	for _, r := range all {
		for _, key := range keys {
			if r.NameKey == key {
				rulings[key] = *r
			}
		}
	}
	agree(rt, "rulings", rulings, m.rulings)
}
