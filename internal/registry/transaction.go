package registry

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// A Tx is a transaction of a Store that changes the registry. InsertTx and ApplyTx
// decide in it. They call Write last, and only if there is something to write.
type Tx interface {
	// Claim claims idempotency keys and returns the answers to those that were claimed before. If another transaction
	// claims one of the others meanwhile, it waits for this one, or one of the two is rolled back and retried.
	Claim(ctx context.Context, claims []Claim) ([]Answer, error)

	// Lock waits until no other transaction changes the registry, keeps others from changing it to the end of this one,
	// and returns where the journal ends and what the registry has in s. If s.CheckedAt is not zero, Lock may assume
	// that the journal ends there, and neither wait nor read: then Write fails if that is wrong.
	Lock(ctx context.Context, s Selection) (Head, Found, error)

	// Write makes the changes, in the order of the fields. It fails if the journal does not end with c.Head.
	Write(ctx context.Context, c Changes) error
}

// A Selection is the part of the registry that decisions depend on: the pets and the rulings on names with one of Keys,
// the pets that hold one of Lookalikes, and the rulings on names with one of Lookalikes.
type Selection struct {
	Keys, Lookalikes []string

	// CheckedAt, if it is not zero, is where the journal ended when the selection was empty.
	CheckedAt Head
}

func (s *Selection) add(n Name) {
	s.Keys = append(s.Keys, n.key)
	s.Lookalikes = append(s.Lookalikes, n.LookalikeKey())
}

// Selection returns the part of the registry that q depends on.
func (q Inquiry) Selection() Selection {
	var s Selection
	for _, n := range q.Names {
		s.add(n)
	}
	return s
}

// Found is what the registry has in a Selection. The zero Found is empty.
type Found struct {
	pets       map[string]*PetState // by key
	lookalikes map[string]*PetState // by lookalike key, those that hold it
	rulings    Rulings
}

// AddPet adds a pet.
func (f *Found) AddPet(p *PetState) {
	if f.pets == nil {
		f.pets, f.lookalikes = make(map[string]*PetState), make(map[string]*PetState)
	}
	f.pets[p.NameKey] = p
	if !p.LookalikeExempt {
		f.lookalikes[p.LookalikeKey] = p
	}
}

func (f *Found) removePet(p *PetState) {
	delete(f.pets, p.NameKey)
	if f.lookalikes[p.LookalikeKey] == p {
		delete(f.lookalikes, p.LookalikeKey)
	}
}

// AddRuling adds a ruling.
func (f *Found) AddRuling(r *RulingState) { f.rulings.Put(r) }

// decide decides on a name at a time.
func (f *Found) decide(n Name, at time.Time, allowLookalike bool) Decision {
	holder, lookalike := f.pets[n.key], f.lookalikes[n.LookalikeKey()]
	inForce, permitted := f.rulings.Over(n, at)
	d := Decide(n, holder != nil, inForce, lookalike != nil && !permitted, allowLookalike)
	switch d.Code {
	case CodeTaken:
		d.Rival = new(holder.Pet())
	case CodeSimilar:
		d.Rival = new(lookalike.Pet())
	}
	return d
}

// Decide decides on the names of q.
func (f *Found) Decide(q Inquiry) []Decision {
	decisions := make([]Decision, len(q.Names))
	for i, n := range q.Names {
		decisions[i] = f.decide(n, q.At, q.AllowLookalike)
	}
	return decisions
}

// Changes are what a transaction does to the database.
type Changes struct {
	Head          Head // where the journal ends before Records
	Records       []Record
	ByName        []int64  // numbers of records that were found by their pets and are now found by their names
	RemovePets    []string // keys of their names
	RemoveRulings []string // the same
	AddPets       []*PetState
	PutRulings    []*RulingState // on names that have none after RemoveRulings
	Answers       []Answer       // to the claims
}

// add adds the change that e records, and e to the journal that ends with head,
// and returns where the journal ends then.
//
// Nearly all records register a pet that never changes. Such a record is found by its pet, which has its number, so
// that it needs no entry in an index of names. All other records are found by their names.
func (c *Changes) add(head Head, e Event) Head {
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

// A Claim is the first use of an idempotency key within a call.
type Claim struct {
	Key         string
	Fingerprint [32]byte
}

// An Answer is what a Claim was answered. Of its Decision, a Store keeps the Code and the Pet or Rival.
type Answer struct {
	Claim
	Decision Decision
}

// outcomeRegistered is the Outcome of a Decision without a Code.
const outcomeRegistered = "registered"

// Outcome returns the word that a database keeps for the decision: "registered", or its Code.
func (a Answer) Outcome() string { return cmp.Or(string(a.Decision.Code), outcomeRegistered) }

// Pet returns the pet that a database keeps with the decision; nil for none.
func (a Answer) Pet() *Pet { return cmp.Or(a.Decision.Pet, a.Decision.Rival) }

// NewAnswer returns the answer to c that a database keeps as this outcome and this pet, which is nil if it keeps none.
func NewAnswer(c Claim, outcome string, pet *Pet) Answer {
	a := Answer{Claim: c}
	if outcome == outcomeRegistered {
		a.Decision.Pet = pet
	} else {
		a.Decision.Code, a.Decision.Rival = Code(outcome), pet
	}
	return a
}

// InsertTx decides on entries, one after another, and registers in tx the pets whose names are available. A pet that
// looks like another, because a ruling permits it or its entry allows it, is exempt from the rule on lookalikes; it
// uses up the ruling. An entry that is refused does not hinder the others.
//
// An entry with an idempotency key that was used before, in this call or earlier, is not registered: it gets the first
// answer again if its fingerprint is the same, and CodeKeyReused if not.
func InsertTx(ctx context.Context, tx Tx, entries []Entry) ([]Decision, error) {
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
	var s Selection
	for i, e := range entries {
		if b.applies(i) {
			s.add(e.Pet.Name)
		}
	}
	s.CheckedAt = b.checkedAt()
	var c Changes
	if len(s.Keys) > 0 {
		head, found, err := tx.Lock(ctx, s)
		if err != nil {
			return nil, err
		}
		c = b.register(head, found)
	}
	b.replay()
	c.Answers = b.answers(claims)
	if len(c.Records) == 0 && len(c.Answers) == 0 {
		return b.decisions, nil
	}
	return b.decisions, tx.Write(ctx, c)
}

// A batch is the entries of one call.
type batch struct {
	entries   []Entry
	claimant  map[string]int    // idempotency key → the first entry that has it
	earlier   map[string]Answer // idempotency key → its answer in an earlier call
	decisions []Decision
}

func newBatch(entries []Entry) *batch {
	b := &batch{
		entries:   entries,
		claimant:  make(map[string]int),
		earlier:   make(map[string]Answer),
		decisions: make([]Decision, len(entries)),
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

// claims returns the claims of the call, one a key.
func (b *batch) claims() []Claim {
	claims := make([]Claim, 0, len(b.claimant))
	for key, i := range b.claimant {
		claims = append(claims, Claim{key, b.entries[i].Fingerprint})
	}
	return claims
}

// applies reports whether entry i asks for its pet to be registered, rather than for an answer that was given before.
func (b *batch) applies(i int) bool {
	key := b.entries[i].IdempotencyKey
	if key == "" {
		return true
	}
	_, replayed := b.earlier[key]
	return !replayed && b.claimant[key] == i
}

// checkedAt returns the CheckedAt that all entries that apply have in common; the zero Head if they have none.
func (b *batch) checkedAt() (head Head) {
	first := true
	for i, e := range b.entries {
		switch {
		case !b.applies(i):
		case first:
			head, first = e.CheckedAt, false
		case e.CheckedAt != head:
			return Head{}
		}
	}
	return head
}

// Unchecked returns the entries without CheckedAt, for another attempt after one that relied on it failed.
func Unchecked(entries []Entry) []Entry {
	unchecked := slices.Clone(entries)
	for i := range unchecked {
		unchecked[i].CheckedAt = Head{}
	}
	return unchecked
}

// register decides on the entries that apply, one after another, and returns what is to be changed.
func (b *batch) register(head Head, found Found) Changes {
	var c Changes
	for i, e := range b.entries {
		if !b.applies(i) {
			continue
		}
		name := e.Pet.Name
		d := found.decide(name, e.Origin.At, e.AllowLookalike)
		if d.Code == "" {
			var before, after State
			before.Ruling = found.rulings.on[name.key]
			after.Pet = NewPetState(e.Pet, e.LookalikeExempt || found.lookalikes[name.LookalikeKey()] != nil)
			head = c.add(head, NewEvent(e.Action, e.Origin, before, after))
			found.rulings.Remove(name.key)
			found.AddPet(after.Pet)
			d.Pet, d.Record = new(e.Pet), &c.Records[len(c.Records)-1]
		}
		b.decisions[i] = d
	}
	return c
}

// replay gives the entries that do not apply the first answers to their idempotency keys.
func (b *batch) replay() {
	for i, e := range b.entries {
		if b.applies(i) {
			continue
		}
		first, ok := b.earlier[e.IdempotencyKey]
		if !ok {
			claimant := b.claimant[e.IdempotencyKey]
			first.Fingerprint, first.Decision = b.entries[claimant].Fingerprint, b.decisions[claimant]
			first.Decision.Record = nil
		}
		if first.Fingerprint != e.Fingerprint {
			first.Decision = Decision{Code: CodeKeyReused}
		}
		first.Decision.Name = e.Pet.Name
		b.decisions[i] = first.Decision
	}
}

// answers returns the answers to those claims that were not made before.
func (b *batch) answers(claims []Claim) []Answer {
	var answers []Answer
	for _, c := range claims {
		if _, ok := b.earlier[c.Key]; !ok {
			answers = append(answers, Answer{c, b.decisions[b.claimant[c.Key]]})
		}
	}
	return answers
}
