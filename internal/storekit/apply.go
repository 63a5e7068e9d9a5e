package storekit

import (
	"cmp"
	"context"
	"fmt"

	"nametag"
)

// Apply does what nametag.Store.Apply does, in tx.
func Apply(ctx context.Context, tx Tx, c nametag.Change) (nametag.Result, error) {
	want := Wanted{Keys: []string{c.Key}}
	if c.Action != nametag.ActionReleased && c.Action != nametag.ActionCorrected {
		want.add(c.Name)
	}
	head, found, err := tx.Lock(ctx, want)
	if err != nil {
		return nametag.Result{}, err
	}
	var before, after nametag.State
	var res nametag.Result
	switch c.Action {
	case nametag.ActionRenamed:
		before, after, res = rename(found, c)
	case nametag.ActionCorrected:
		before, after, res = correct(found, c)
	case nametag.ActionReleased:
		before, after, res = release(found, c)
	case nametag.ActionReserved:
		before, after, res = rule(found, c, nametag.RulingReserved)
	case nametag.ActionLetPass:
		before, after, res = rule(found, c, nametag.RulingLetPass)
	case nametag.ActionUnreserved:
		before, res = unrule(found, c)
	default:
		return nametag.Result{}, fmt.Errorf("storekit: %q is no change", c.Action)
	}
	if res.Status != nametag.ChangeDone {
		return res, nil
	}
	if after.Ruling != nil {
		res.Ruling = after.Ruling.Ruling()
	}
	var changes Changes
	changes.add(head, nametag.NewEvent(c.Action, c.Origin, before, after))
	res.Record = changes.Records[0]
	return res, tx.Write(ctx, changes)
}

func rename(found Found, c nametag.Change) (before, after nametag.State, res nametag.Result) {
	pet := found.pets[c.Key]
	if pet == nil {
		return before, after, nametag.Result{Status: nametag.ChangeNotFound}
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
		after.Pet = nametag.NewPetState(renamed, pet.LetPass) // it is only spelt another way
		return before, after, nametag.Result{Status: nametag.ChangeDone, Pet: renamed}
	}
	if res := o.refuse(c.LetPass); res.Status != 0 {
		return nametag.State{}, after, res
	}
	before.Ruling = o.ruling
	after.Pet = nametag.NewPetState(renamed, o.similar != nil)
	if c.Key != c.Name.Key() {
		after.Ruling = quarantine(pet, c)
	}
	return before, after, nametag.Result{Status: nametag.ChangeDone, Pet: renamed}
}

func correct(found Found, c nametag.Change) (before, after nametag.State, res nametag.Result) {
	pet := found.pets[c.Key]
	if pet == nil {
		return before, after, nametag.Result{Status: nametag.ChangeNotFound}
	}
	corrected := *pet
	corrected.FavoriteColor = cmp.Or(c.FavoriteColor, pet.FavoriteColor)
	corrected.Category = cmp.Or(c.Category, pet.Category)
	before.Pet, after.Pet = pet, &corrected
	return before, after, nametag.Result{Status: nametag.ChangeDone, Pet: corrected.Pet()}
}

func release(found Found, c nametag.Change) (before, after nametag.State, res nametag.Result) {
	pet := found.pets[c.Key]
	if pet == nil {
		return before, after, nametag.Result{Status: nametag.ChangeNotFound}
	}
	before.Pet, after.Ruling = pet, quarantine(pet, c)
	return before, after, nametag.Result{Status: nametag.ChangeDone, Pet: pet.Pet()}
}

// quarantine returns the ruling on the name that pet gives up; nil if it would
// end at once.
func quarantine(pet *nametag.PetState, c nametag.Change) *nametag.RulingState {
	if !c.Until.After(c.Origin.At) {
		return nil
	}
	return nametag.NewRulingState(nametag.Ruling{
		Kind: nametag.RulingQuarantine, Name: pet.Pet().Name, At: c.Origin.At, Until: c.Until,
	})
}

func rule(found Found, c nametag.Change, kind nametag.RulingKind) (before, after nametag.State, res nametag.Result) {
	if pet := found.pets[c.Name.Key()]; pet != nil {
		return before, after, nametag.Result{Status: nametag.InsertTaken, Pet: pet.Pet()}
	}
	before.Ruling = found.rulings.on[c.Name.Key()]
	if old := before.Ruling; kind == nametag.RulingLetPass && old != nil && old.Kind != kind && old.Ruling().InForce(c.Origin.At) {
		return nametag.State{}, after, nametag.Result{Status: nametag.InsertReserved, Ruling: old.Ruling()}
	}
	r := nametag.Ruling{Kind: kind, Name: c.Name, Reason: c.Origin.Reason, At: c.Origin.At}
	after.Ruling = nametag.NewRulingState(r)
	return before, after, nametag.Result{Status: nametag.ChangeDone, Ruling: r}
}

func unrule(found Found, c nametag.Change) (before nametag.State, res nametag.Result) {
	r := found.rulings.on[c.Key]
	if r == nil {
		return before, nametag.Result{Status: nametag.ChangeNotFound}
	}
	before.Ruling = r
	return before, nametag.Result{Status: nametag.ChangeDone, Ruling: r.Ruling()}
}
