package registry

import (
	"cmp"
	"context"
	"fmt"
)

// ApplyTx decides on a change and makes it in tx. The Code of the Decision is
// CodeNotFound if there is no pet, or no ruling, with c.Key.
func ApplyTx(ctx context.Context, tx Tx, c Change) (Decision, error) {
	s := Selection{Keys: []string{c.Key}}
	if c.Name.key != "" {
		s.add(c.Name)
	}
	head, found, err := tx.Lock(ctx, s)
	if err != nil {
		return Decision{}, err
	}
	var before, after State
	var d Decision
	switch c.Action {
	case ActionRenamed:
		before, after, d = found.rename(c)
	case ActionCorrected:
		before, after, d = found.correct(c)
	case ActionReleased:
		before, after, d = found.release(c)
	case ActionReserved:
		before, after, d = found.rule(c, RulingReserved)
	case ActionAllowLookalike:
		before, after, d = found.rule(c, RulingAllowLookalike)
	case ActionUnreserved:
		before, after, d = found.unrule(c)
	default:
		return Decision{}, fmt.Errorf("%q is not a change", c.Action)
	}
	if d.Code != "" {
		return d, nil
	}
	var changes Changes
	changes.add(head, NewEvent(c.Action, c.Origin, before, after))
	d.Record = &changes.Records[0]
	return d, tx.Write(ctx, changes)
}

// The methods below decide on a change: they return the state before and after it, and a Decision.

func (f *Found) rename(c Change) (before, after State, d Decision) {
	pet := f.pets[c.Key]
	if pet == nil {
		return before, after, Decision{Code: CodeNotFound}
	}
	renamed := pet.Pet()
	renamed.Name = c.Name
	if c.Name.key == pet.NameKey && c.Name.LookalikeKey() == pet.LookalikeKey { // only the spelling changes
		return State{Pet: pet}, State{Pet: NewPetState(renamed, pet.LookalikeExempt)}, Decision{Name: c.Name, Pet: &renamed}
	}
	f.removePet(pet) // its own name is not in its way
	if d := f.decide(c.Name, c.Origin.At, c.AllowLookalike); d.Code != "" {
		return before, after, d
	}
	before = State{Pet: pet, Ruling: f.rulings.on[c.Name.key]}
	after.Pet = NewPetState(renamed, f.lookalikes[c.Name.LookalikeKey()] != nil)
	if c.Key != c.Name.key {
		after.Ruling = quarantine(pet, c)
	}
	return before, after, Decision{Name: c.Name, Pet: &renamed, Ruling: rulingOf(after)}
}

func (f *Found) correct(c Change) (before, after State, d Decision) {
	pet := f.pets[c.Key]
	if pet == nil {
		return before, after, Decision{Code: CodeNotFound}
	}
	corrected := *pet
	corrected.FavoriteColor = cmp.Or(c.FavoriteColor, pet.FavoriteColor)
	corrected.Category = cmp.Or(c.Category, pet.Category)
	return State{Pet: pet}, State{Pet: &corrected}, Decision{Pet: new(corrected.Pet())}
}

func (f *Found) release(c Change) (before, after State, d Decision) {
	pet := f.pets[c.Key]
	if pet == nil {
		return before, after, Decision{Code: CodeNotFound}
	}
	after.Ruling = quarantine(pet, c)
	return State{Pet: pet}, after, Decision{Pet: new(pet.Pet()), Ruling: rulingOf(after)}
}

func (f *Found) rule(c Change, kind RulingKind) (before, after State, d Decision) {
	if pet := f.pets[c.Name.key]; pet != nil {
		return before, after, Decision{Name: c.Name, Code: CodeTaken, Rival: new(pet.Pet())}
	}
	before.Ruling = f.rulings.on[c.Name.key]
	if r := rulingOf(before); r != nil && kind == RulingAllowLookalike && r.InForce(c.Origin.At) {
		return before, after, Decision{Name: c.Name, Code: CodeReserved, Ruling: r}
	}
	after.Ruling = NewRulingState(Ruling{Kind: kind, Name: c.Name, Reason: c.Origin.Reason, At: c.Origin.At})
	return before, after, Decision{Name: c.Name, Ruling: rulingOf(after)}
}

func (f *Found) unrule(c Change) (before, after State, d Decision) {
	before.Ruling = f.rulings.on[c.Key]
	if before.Ruling == nil {
		return before, after, Decision{Code: CodeNotFound}
	}
	return before, after, Decision{Ruling: rulingOf(before)}
}

// quarantine returns the ruling on the name that pet gives up; nil if it would end at once.
func quarantine(pet *PetState, c Change) *RulingState {
	if !c.Until.After(c.Origin.At) {
		return nil
	}
	return NewRulingState(Ruling{Kind: RulingQuarantine, Name: pet.Pet().Name, At: c.Origin.At, Until: c.Until})
}

// rulingOf returns the ruling of s; nil for none.
func rulingOf(s State) *Ruling {
	if s.Ruling == nil {
		return nil
	}
	return new(s.Ruling.Ruling())
}
