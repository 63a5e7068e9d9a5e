package storekit

import (
	"time"

	"nametag/internal/registry"
)

// Wanted says what of the book is asked for: the pets and the rulings on names
// with one of Keys, the pets that hold one of Lookalikes against others, and the
// rulings on names that have one.
type Wanted struct {
	Keys, Lookalikes []string

	// FreeAt, if it is not zero, is where the journal ended when there was nothing
	// of this.
	FreeAt registry.Head
}

func (w *Wanted) add(n registry.Name) {
	w.Keys = append(w.Keys, n.Key())
	w.Lookalikes = append(w.Lookalikes, n.LookalikeKey())
}

// WantedOf returns what there is to know of these names.
func WantedOf(names []registry.Name) Wanted {
	var w Wanted
	for _, n := range names {
		w.add(n)
	}
	return w
}

// Found is what the book has. The zero Found is empty.
type Found struct {
	pets, lookalikes map[string]*registry.PetState // by key; by lookalike key, those that hold it
	rulings          Rulings
}

// AddPet adds a pet.
func (f *Found) AddPet(p *registry.PetState) {
	if f.pets == nil {
		f.pets, f.lookalikes = make(map[string]*registry.PetState), make(map[string]*registry.PetState)
	}
	f.pets[p.NameKey] = p
	if !p.LetPass {
		f.lookalikes[p.LookalikeKey] = p
	}
}

// AddRuling adds a ruling.
func (f *Found) AddRuling(r *registry.RulingState) { f.rulings.Put(r) }

// Rulings are rulings on names. The zero Rulings are none.
type Rulings struct {
	on   map[string]*registry.RulingState            // by the key of the name
	like map[string]map[string]*registry.RulingState // by its lookalike key, and then by its key
}

// Put adds a ruling in place of the one that is on the same name, if there is
// one.
func (s *Rulings) Put(r *registry.RulingState) {
	if s.on == nil {
		s.on, s.like = make(map[string]*registry.RulingState), make(map[string]map[string]*registry.RulingState)
	}
	s.Remove(r.NameKey)
	s.on[r.NameKey] = r
	if s.like[r.LookalikeKey] == nil {
		s.like[r.LookalikeKey] = make(map[string]*registry.RulingState)
	}
	s.like[r.LookalikeKey][r.NameKey] = r
}

// Remove removes the ruling on the name with this key, if there is one.
func (s *Rulings) Remove(key string) {
	r := s.on[key]
	if r == nil {
		return
	}
	delete(s.on, key)
	if delete(s.like[r.LookalikeKey], key); len(s.like[r.LookalikeKey]) == 0 {
		delete(s.like, r.LookalikeKey)
	}
}

// IsEmpty reports whether there is no ruling.
func (s *Rulings) IsEmpty() bool { return len(s.on) == 0 }

// Touch reports whether a ruling, in force or not, is on n or on a name that looks
// like it.
func (s *Rulings) Touch(n registry.Name) bool {
	return s.on[n.Key()] != nil || len(s.like[n.LookalikeKey()]) > 0
}

// Over returns the ruling that keeps n from people at a time, and whether one
// lets n pass though it looks like another. One on the name itself goes before
// those on names that look like it. InForce.NameKey tells which it is.
func (s *Rulings) Over(n registry.Name, at time.Time) (inForce *registry.RulingState, permit bool) {
	if s.IsEmpty() {
		return nil, false
	}
	switch r := s.on[n.Key()]; {
	case r != nil && r.Kind == registry.RulingLetPass:
		return nil, true
	case r != nil && r.Ruling().InForce(at):
		return r, false
	}
	for _, r := range s.like[n.LookalikeKey()] {
		if r.Ruling().InForce(at) && (inForce == nil || r.NameKey < inForce.NameKey) {
			inForce = r
		}
	}
	return inForce, false
}

// An occupancy is what there is on one name.
type occupancy struct {
	key     string // the name's
	holder  *registry.PetState
	ruling  *registry.RulingState // on this very name, whether or not it is in force
	inForce *registry.RulingState // keeps the name from people
	similar *registry.PetState    // holds its lookalike key
	permit  bool                  // the ruling lets the name pass
}

func (f *Found) of(n registry.Name, at time.Time) occupancy {
	o := occupancy{key: n.Key(), holder: f.pets[n.Key()], similar: f.lookalikes[n.LookalikeKey()], ruling: f.rulings.on[n.Key()]}
	o.inForce, o.permit = f.rulings.Over(n, at)
	return o
}

// refuse returns why the name is not to be had; the zero Result if it is. Who is
// let pass may look like other pets, and like names with rulings.
func (o occupancy) refuse(letPass bool) registry.Result {
	switch {
	case o.holder != nil:
		return registry.Result{Status: registry.InsertTaken, Pet: o.holder.Pet()}
	case o.inForce != nil && !(letPass && o.inForce.NameKey != o.key):
		return registry.Result{Status: registry.InsertReserved, Ruling: o.inForce.Ruling()}
	case o.similar != nil && !o.permit && !letPass:
		return registry.Result{Status: registry.InsertSimilar, Pet: o.similar.Pet()}
	default:
		return registry.Result{}
	}
}

// Obstacles returns what stands in the way of whoever wants these names at a
// time.
func (f *Found) Obstacles(names []registry.Name, at time.Time) []registry.Obstacle {
	all := make([]registry.Obstacle, len(names))
	for i, n := range names {
		switch res := f.of(n, at).refuse(false); res.Status {
		case registry.InsertTaken:
			all[i].Holder = &res.Pet
		case registry.InsertReserved:
			all[i].Ruling = &res.Ruling
		case registry.InsertSimilar:
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
