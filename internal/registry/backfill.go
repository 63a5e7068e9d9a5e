package registry

import (
	"time"
)

// Backfill makes a journal for a book that has none: of each pet, in the order
// given, it returns what to add, a part at a time, to write. A pet that looks
// like an earlier one is let pass, for it has its name.
type Backfill struct {
	Write func(Changes) error

	head  Head
	held  map[string]bool // lookalike keys
	part  Changes
	began time.Time
}

// partSize is how many pets are written at once.
const partSize = 1000

// Add adds a pet.
func (b *Backfill) Add(p Pet) error {
	if b.held == nil {
		b.held, b.began = make(map[string]bool), time.Now().UTC().Truncate(time.Microsecond)
	}
	key := p.Name.LookalikeKey()
	after := State{Pet: NewPetState(p, b.held[key])}
	b.held[key] = true
	origin := Origin{At: b.began, Via: ViaMigration}
	b.head = b.part.add(b.head, NewEvent(ActionImported, origin, State{}, after))
	if len(b.part.AddPets) < partSize {
		return nil
	}
	return b.Flush()
}

// Flush writes what has not been written yet.
func (b *Backfill) Flush() error {
	if len(b.part.AddPets) == 0 {
		return nil
	}
	part := b.part
	b.part = Changes{}
	return b.Write(part)
}
