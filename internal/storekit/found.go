package storekit

import (
	"slices"
	"time"

	"nametag"
)

// Wanted says what of the book is asked for: the pets and the rulings on names
// with one of Keys, the pets that hold one of Lookalikes against others, and the
// rulings on names that have one.
type Wanted struct {
	Keys, Lookalikes []string
}

func (w *Wanted) add(n nametag.Name) {
	w.Keys = append(w.Keys, n.Key())
	w.Lookalikes = append(w.Lookalikes, n.LookalikeKey())
}

// WantedOf returns what there is to know of these names.
func WantedOf(names []nametag.Name) Wanted {
	var w Wanted
	for _, n := range names {
		w.add(n)
	}
	return w
}

// Found is what the book has. The zero Found is empty.
type Found struct {
	pets, lookalikes map[string]*nametag.PetState // by key; by lookalike key, those that hold it
	rulings          map[string]*nametag.RulingState
	rulingsLike      map[string][]*nametag.RulingState // by lookalike key
}

// AddPet adds a pet.
func (f *Found) AddPet(p *nametag.PetState) {
	if f.pets == nil {
		f.pets, f.lookalikes = make(map[string]*nametag.PetState), make(map[string]*nametag.PetState)
	}
	f.pets[p.NameKey] = p
	if !p.LetPass {
		f.lookalikes[p.LookalikeKey] = p
	}
}

// AddRuling adds a ruling.
func (f *Found) AddRuling(r *nametag.RulingState) {
	if f.rulings == nil {
		f.rulings, f.rulingsLike = make(map[string]*nametag.RulingState), make(map[string][]*nametag.RulingState)
	}
	f.rulings[r.NameKey] = r
	f.rulingsLike[r.LookalikeKey] = append(f.rulingsLike[r.LookalikeKey], r)
}

func (f *Found) removeRuling(r *nametag.RulingState) {
	delete(f.rulings, r.NameKey)
	like := f.rulingsLike[r.LookalikeKey]
	f.rulingsLike[r.LookalikeKey] = slices.DeleteFunc(slices.Clone(like), func(x *nametag.RulingState) bool { return x == r })
}

// An occupancy is what there is on one name.
type occupancy struct {
	holder  *nametag.PetState
	ruling  *nametag.RulingState // on this very name, whether or not it is in force
	inForce *nametag.RulingState // keeps the name from people
	similar *nametag.PetState    // holds its lookalike key
	permit  bool                 // the ruling lets the name pass
}

func (f *Found) of(n nametag.Name, at time.Time) occupancy {
	o := occupancy{holder: f.pets[n.Key()], similar: f.lookalikes[n.LookalikeKey()], ruling: f.rulings[n.Key()]}
	switch {
	case o.ruling != nil && o.ruling.Kind == nametag.RulingLetPass:
		o.permit = true
	case o.ruling != nil && o.ruling.Ruling().InForce(at):
		o.inForce = o.ruling
	default:
		for _, r := range f.rulingsLike[n.LookalikeKey()] {
			if r.Ruling().InForce(at) && (o.inForce == nil || r.NameKey < o.inForce.NameKey) {
				o.inForce = r
			}
		}
	}
	return o
}

// refuse returns why the name is not to be had; the zero Result if it is.
func (o occupancy) refuse(letPass bool) nametag.Result {
	switch {
	case o.holder != nil:
		return nametag.Result{Status: nametag.InsertTaken, Pet: o.holder.Pet()}
	case o.inForce != nil:
		return nametag.Result{Status: nametag.InsertReserved, Ruling: o.inForce.Ruling()}
	case o.similar != nil && !o.permit && !letPass:
		return nametag.Result{Status: nametag.InsertSimilar, Pet: o.similar.Pet()}
	default:
		return nametag.Result{}
	}
}

// Obstacles returns what stands in the way of whoever wants these names at a
// time.
func (f *Found) Obstacles(names []nametag.Name, at time.Time) []nametag.Obstacle {
	all := make([]nametag.Obstacle, len(names))
	for i, n := range names {
		switch res := f.of(n, at).refuse(false); res.Status {
		case nametag.InsertTaken:
			all[i].Holder = &res.Pet
		case nametag.InsertReserved:
			all[i].Ruling = &res.Ruling
		case nametag.InsertSimilar:
			all[i].Similar = &res.Pet
		}
	}
	return all
}

// Hash returns a hash as a database has it. One of the wrong length, which
// nametag did not write, is one that belongs to nothing.
func Hash(b []byte) (h [32]byte) {
	if len(b) == len(h) {
		copy(h[:], b)
	}
	return h
}
