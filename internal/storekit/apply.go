package storekit

import (
	"cmp"
	"context"
	"fmt"

	"nametag/internal/registry"
)

// Apply does what registry.Store.Apply does, in tx.
func Apply(ctx context.Context, tx Tx, c registry.Change) (registry.Result, error) {
	want := Wanted{Keys: []string{c.Key}}
	if c.Action != registry.ActionReleased && c.Action != registry.ActionCorrected {
		want.add(c.Name)
	}
	head, found, err := tx.Lock(ctx, want)
	if err != nil {
		return registry.Result{}, err
	}
	var before, after registry.State
	var res registry.Result
	switch c.Action {
	case registry.ActionRenamed:
		before, after, res = rename(found, c)
	case registry.ActionCorrected:
		before, after, res = correct(found, c)
	case registry.ActionReleased:
		before, after, res = release(found, c)
	case registry.ActionReserved:
		before, after, res = rule(found, c, registry.RulingReserved)
	case registry.ActionLetPass:
		before, after, res = rule(found, c, registry.RulingLetPass)
	case registry.ActionUnreserved:
		before, res = unrule(found, c)
	default:
		return registry.Result{}, fmt.Errorf("storekit: %q is no change", c.Action)
	}
	if res.Status != registry.ChangeDone {
		return res, nil
	}
	if after.Ruling != nil {
		res.Ruling = after.Ruling.Ruling()
	}
	var changes Changes
	changes.add(head, registry.NewEvent(c.Action, c.Origin, before, after))
	res.Record = changes.Records[0]
	return res, tx.Write(ctx, changes)
}

func rename(found Found, c registry.Change) (before, after registry.State, res registry.Result) {
	pet := found.pets[c.Key]
	if pet == nil {
		return before, after, registry.Result{Status: registry.ChangeNotFound}
	}
	o := found.of(c.Name, c.Origin.At)
	if o.holder == pet {
		o.holder = nil
	}
	if o.similar == pet {
		o.similar = nil
	}
	renamed := pet.Pet()
	renamed.Name = c.Name
	before.Pet = pet
	if c.Name.Key() == pet.NameKey && c.Name.LookalikeKey() == pet.LookalikeKey {
		after.Pet = registry.NewPetState(renamed, pet.LetPass) // it is only spelt another way
		return before, after, registry.Result{Status: registry.ChangeDone, Pet: renamed}
	}
	if res := o.refuse(c.LetPass); res.Status != 0 {
		return registry.State{}, after, res
	}
	before.Ruling = o.ruling
	after.Pet = registry.NewPetState(renamed, o.similar != nil)
	if c.Key != c.Name.Key() {
		after.Ruling = quarantine(pet, c)
	}
	return before, after, registry.Result{Status: registry.ChangeDone, Pet: renamed}
}

func correct(found Found, c registry.Change) (before, after registry.State, res registry.Result) {
	pet := found.pets[c.Key]
	if pet == nil {
		return before, after, registry.Result{Status: registry.ChangeNotFound}
	}
	corrected := *pet
	corrected.FavoriteColor = cmp.Or(c.FavoriteColor, pet.FavoriteColor)
	corrected.Category = cmp.Or(c.Category, pet.Category)
	before.Pet, after.Pet = pet, &corrected
	return before, after, registry.Result{Status: registry.ChangeDone, Pet: corrected.Pet()}
}

func release(found Found, c registry.Change) (before, after registry.State, res registry.Result) {
	pet := found.pets[c.Key]
	if pet == nil {
		return before, after, registry.Result{Status: registry.ChangeNotFound}
	}
	before.Pet, after.Ruling = pet, quarantine(pet, c)
	return before, after, registry.Result{Status: registry.ChangeDone, Pet: pet.Pet()}
}

// quarantine returns the ruling on the name that pet gives up; nil if it would
// end at once.
func quarantine(pet *registry.PetState, c registry.Change) *registry.RulingState {
	if !c.Until.After(c.Origin.At) {
		return nil
	}
	return registry.NewRulingState(registry.Ruling{
		Kind: registry.RulingQuarantine, Name: pet.Pet().Name, At: c.Origin.At, Until: c.Until,
	})
}

func rule(found Found, c registry.Change, kind registry.RulingKind) (before, after registry.State, res registry.Result) {
	if pet := found.pets[c.Name.Key()]; pet != nil {
		return before, after, registry.Result{Status: registry.InsertTaken, Pet: pet.Pet()}
	}
	before.Ruling = found.rulings.on[c.Name.Key()]
	if old := before.Ruling; kind == registry.RulingLetPass && old != nil && old.Kind != kind && old.Ruling().InForce(c.Origin.At) {
		return registry.State{}, after, registry.Result{Status: registry.InsertReserved, Ruling: old.Ruling()}
	}
	r := registry.Ruling{Kind: kind, Name: c.Name, Reason: c.Origin.Reason, At: c.Origin.At}
	after.Ruling = registry.NewRulingState(r)
	return before, after, registry.Result{Status: registry.ChangeDone, Ruling: r}
}

func unrule(found Found, c registry.Change) (before registry.State, res registry.Result) {
	r := found.rulings.on[c.Key]
	if r == nil {
		return before, registry.Result{Status: registry.ChangeNotFound}
	}
	before.Ruling = r
	return before, registry.Result{Status: registry.ChangeDone, Ruling: r.Ruling()}
}
