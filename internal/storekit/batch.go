// Package storekit is what the stores do alike without a database. It decides
// what one call of registry.Store.Insert or Apply does to the book and what goes
// into the journal, so that the stores agree, and it bounds the work that they
// take on at once.
package storekit

import (
	"cmp"
	"context"
	"slices"

	"nametag/internal/registry"
)

// A Tx is a transaction that changes the book. Write is the last of its methods
// to be called, and not called if there is nothing to write.
type Tx interface {
	// Claim claims idempotency keys, sorted by key, and returns what those that
	// were claimed before were answered. Whoever claims one of the others
	// meanwhile waits for this transaction.
	Claim(ctx context.Context, claims []Claim) ([]Answer, error)

	// Lock waits until no other transaction is changing the book, keeps others
	// from it to the end of this one, and returns where the journal ends and what
	// the book has by these keys. If w.FreeAt is not zero it may presume that the
	// journal ends there, and wait for nobody: it is Write then that fails if that
	// is not so.
	Lock(ctx context.Context, w Wanted) (registry.Head, Found, error)

	// Write makes the changes, in the order of the fields. It fails if the journal
	// does not end with c.Head.
	Write(ctx context.Context, c Changes) error
}

// Changes are what a transaction does to the database.
type Changes struct {
	Head          registry.Head // where the journal ends before Records
	Records       []registry.Record
	ByName        []int64  // numbers of records that were found by their pets, and are found by their names from now on
	RemovePets    []string // keys of their names
	RemoveRulings []string // the same
	AddPets       []*registry.PetState
	PutRulings    []*registry.RulingState // in place of others on the same names
	Answers       []Answer                // to the claims
}

// A Claim is the first use of an idempotency key within a call.
type Claim struct {
	Key         string
	Fingerprint [32]byte
}

// An Answer is what a Claim was told.
type Answer struct {
	Claim
	Result registry.Result
}

// Insert does what registry.Store.Insert does, in tx.
func Insert(ctx context.Context, tx Tx, entries []registry.Entry) ([]registry.Result, error) {
	b := newBatch(entries)
	claims := b.claims()
	if len(claims) > 0 {
		earlier, err := tx.Claim(ctx, claims)
		if err != nil {
			return nil, err
		}
		for _, a := range earlier {
			b.earlier[a.Key] = a
		}
	}
	var want Wanted
	for i, e := range entries {
		if b.applies(i) {
			want.add(e.Pet.Name)
		}
	}
	want.FreeAt = b.freeAt()
	var c Changes
	if len(want.Keys) > 0 {
		head, found, err := tx.Lock(ctx, want)
		if err != nil {
			return nil, err
		}
		c = b.enter(head, found)
	}
	b.repeat()
	c.Answers = b.answers(claims)
	if len(c.Records) == 0 && len(c.Answers) == 0 {
		return b.results, nil
	}
	return b.results, tx.Write(ctx, c)
}

// A batch is the entries of one call.
type batch struct {
	entries  []registry.Entry
	claimant map[string]int    // idempotency key → the first entry that has it
	earlier  map[string]Answer // idempotency key → what it was told in an earlier call
	results  []registry.Result
}

func newBatch(entries []registry.Entry) *batch {
	b := &batch{
		entries:  entries,
		claimant: make(map[string]int),
		earlier:  make(map[string]Answer),
		results:  make([]registry.Result, len(entries)),
	}
	for i, e := range entries {
		if e.IdempotencyKey == "" {
			continue
		}
		if _, ok := b.claimant[e.IdempotencyKey]; !ok {
			b.claimant[e.IdempotencyKey] = i
		}
	}
	return b
}

// claims returns the claims that the call makes, one a key, sorted by key: calls
// that wait for one another in this order cannot deadlock.
func (b *batch) claims() []Claim {
	claims := make([]Claim, 0, len(b.claimant))
	for key, i := range b.claimant {
		claims = append(claims, Claim{key, b.entries[i].Fingerprint})
	}
	slices.SortFunc(claims, func(x, y Claim) int { return cmp.Compare(x.Key, y.Key) })
	return claims
}

// applies reports whether entry i asks for its pet to be entered, rather than
// for an answer that was given before.
func (b *batch) applies(i int) bool {
	key := b.entries[i].IdempotencyKey
	if key == "" {
		return true
	}
	_, replayed := b.earlier[key]
	return !replayed && b.claimant[key] == i
}

// freeAt returns the FreeAt that all entries that apply have in common; the zero
// Head if they have none.
func (b *batch) freeAt() (head registry.Head) {
	first := true
	for i, e := range b.entries {
		switch {
		case !b.applies(i):
		case first:
			head, first = e.FreeAt, false
		case e.FreeAt != head:
			return registry.Head{}
		}
	}
	return head
}

// Doubted returns the entries without FreeAt, for another attempt when one that
// may have relied on it failed.
func Doubted(entries []registry.Entry) []registry.Entry {
	doubted := slices.Clone(entries)
	for i := range doubted {
		doubted[i].FreeAt = registry.Head{}
	}
	return doubted
}

// enter decides on the entries, one after another, and returns what is to be
// changed.
func (b *batch) enter(head registry.Head, found Found) Changes {
	var c Changes
	for i, e := range b.entries {
		if !b.applies(i) {
			continue
		}
		o := found.of(e.Pet.Name, e.Origin.At)
		if res := o.refuse(e.LetPass); res.Status != 0 {
			b.results[i] = res
			continue
		}
		after := registry.State{Pet: registry.NewPetState(e.Pet, o.similar != nil || e.HoldsNoKey)}
		before := registry.State{Ruling: o.ruling}
		head = c.add(head, registry.NewEvent(e.Action, e.Origin, before, after))
		if o.ruling != nil {
			found.rulings.Remove(o.ruling.NameKey)
		}
		found.AddPet(after.Pet)
		b.results[i] = registry.Result{Status: registry.InsertRegistered, Pet: e.Pet, Record: c.Records[len(c.Records)-1]}
	}
	return c
}

// add adds what e tells of, and e to the journal that ends with head, and returns
// where it ends then.
//
// Nearly all records enter a pet that nobody changes later. So that they need no
// place in an index of names, such a record is found by its pet, which has its
// number; all others are found by their names.
func (c *Changes) add(head registry.Head, e registry.Event) registry.Head {
	before, after := e.Before, e.After
	if before.Pet != nil {
		c.RemovePets = append(c.RemovePets, before.Pet.NameKey)
		if before.Pet.EnteredBy != 0 {
			c.ByName = append(c.ByName, before.Pet.EnteredBy)
		}
	}
	if before.Ruling != nil {
		c.RemoveRulings = append(c.RemoveRulings, before.Ruling.NameKey)
	}
	if after.Pet != nil {
		after.Pet.EnteredBy = 0
		if before.Pet == nil {
			after.Pet.EnteredBy = head.Seq + 1
		}
		c.AddPets = append(c.AddPets, after.Pet)
	}
	if after.Ruling != nil {
		c.PutRulings = append(c.PutRulings, after.Ruling)
	}
	if len(c.Records) == 0 {
		c.Head = head
	}
	rec := head.Append(e)
	c.Records = append(c.Records, rec)
	return rec.Head()
}

// IsByPet reports whether a record of Changes is to be found by its pet.
func IsByPet(rec registry.Record) bool {
	e, err := rec.Event()
	return err == nil && e.After.Pet != nil && e.After.Pet.EnteredBy == rec.Seq
}

// repeat gives those entries that don't apply the answer that their idempotency
// keys had first.
func (b *batch) repeat() {
	for i, e := range b.entries {
		if b.applies(i) {
			continue
		}
		first, ok := b.earlier[e.IdempotencyKey]
		if !ok {
			claimant := b.claimant[e.IdempotencyKey]
			first.Fingerprint, first.Result = b.entries[claimant].Fingerprint, b.results[claimant]
			first.Result.Record = registry.Record{}
		}
		b.results[i] = first.Result
		if first.Fingerprint != e.Fingerprint {
			b.results[i] = registry.Result{Status: registry.InsertKeyReused}
		}
	}
}

// answers returns what those of the claims were told that had not been made
// before.
func (b *batch) answers(claims []Claim) []Answer {
	var answers []Answer
	for _, c := range claims {
		if _, ok := b.earlier[c.Key]; !ok {
			answers = append(answers, Answer{c, b.results[b.claimant[c.Key]]})
		}
	}
	return answers
}

// words are what databases remember of a status.
var words = map[registry.ResultStatus]string{
	registry.InsertRegistered: "registered",
	registry.InsertTaken:      "taken",
	registry.InsertSimilar:    "similar",
	registry.InsertReserved:   "reserved", // by whom is not remembered
}

// Word returns the word by which a database remembers a's status.
func (a Answer) Word() string { return words[a.Result.Status] }

// SetWord sets a's status to the one that Word gave this word for.
func (a *Answer) SetWord(word string) {
	for status, w := range words {
		if w == word {
			a.Result.Status = status
		}
	}
}
