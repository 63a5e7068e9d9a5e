// Package storekit is what the stores do alike without a database. It works out
// what one call of nametag.Store.Insert asks of a database and what the call
// answers, so that the stores agree on who is first, and it bounds the work
// that they take on at once.
package storekit

import (
	"cmp"
	"slices"

	"nametag"
)

// A Claim is the first use of an idempotency key within a call.
type Claim struct {
	Key         string
	Fingerprint [32]byte
}

// An Answer is what a Claim was told.
type Answer struct {
	Claim
	Result nametag.Result
}

// A Batch is one call's entries. It is for one goroutine.
//
// A store asks for the Claims, tells by Replay which of them were made before,
// enters the Candidates, tells by Settle which of them are in the book now,
// and has the Results, and the Answers to remember.
type Batch struct {
	entries  []nametag.Entry
	claimant map[string]int    // idempotency key → the first entry that has it
	earlier  map[string]Answer // idempotency key → what it was told in an earlier call
	winner   map[string]int    // name's key → the first candidate for it
	results  []nametag.Result
}

// NewBatch returns the Batch of entries, which it keeps.
func NewBatch(entries []nametag.Entry) *Batch {
	b := &Batch{
		entries:  entries,
		claimant: make(map[string]int),
		earlier:  make(map[string]Answer),
		winner:   make(map[string]int, len(entries)),
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

// Claims returns the claims that the call makes, one a key, sorted by key:
// calls that take locks in this order cannot deadlock.
func (b *Batch) Claims() []Claim {
	claims := make([]Claim, 0, len(b.claimant))
	for key, i := range b.claimant {
		claims = append(claims, Claim{key, b.entries[i].Fingerprint})
	}
	slices.SortFunc(claims, func(x, y Claim) int { return cmp.Compare(x.Key, y.Key) })
	return claims
}

// Replay says that a's key was claimed in an earlier call, and with what
// answer: the entries that have it are not to be entered.
func (b *Batch) Replay(a Answer) { b.earlier[a.Key] = a }

// Candidates returns the pets that are to be entered, one a name, the first of
// each, sorted by the name's key: calls that take locks in this order cannot
// deadlock.
func (b *Batch) Candidates() []nametag.Pet {
	pets := make([]nametag.Pet, 0, len(b.entries))
	for i, e := range b.entries {
		if !b.applies(i) {
			continue
		}
		key := e.Pet.Name.Key()
		if _, ok := b.winner[key]; !ok {
			b.winner[key] = i
			pets = append(pets, e.Pet)
		}
	}
	slices.SortFunc(pets, func(x, y nametag.Pet) int { return cmp.Compare(x.Name.Key(), y.Name.Key()) })
	return pets
}

// applies reports whether entry i asks for its pet to be entered, rather than
// for an answer that was given before.
func (b *Batch) applies(i int) bool {
	key := b.entries[i].IdempotencyKey
	if key == "" {
		return true
	}
	_, replayed := b.earlier[key]
	return !replayed && b.claimant[key] == i
}

// Losers returns the keys of those Candidates that are not among registered:
// somebody else has these names.
func (b *Batch) Losers(registered map[string]bool) []string {
	if len(registered) == len(b.winner) {
		return nil
	}
	keys := make([]string, 0, len(b.winner)-len(registered))
	for key := range b.winner {
		if !registered[key] {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Settle takes the keys of the Candidates that were entered, and the pets that
// have the names of the others as far as they are known, and works out the
// results.
func (b *Batch) Settle(registered map[string]bool, holders map[string]nametag.Pet) {
	b.results = make([]nametag.Result, len(b.entries))
	for i := range b.entries {
		b.results[i] = b.settle(i, registered, holders)
	}
}

func (b *Batch) settle(i int, registered map[string]bool, holders map[string]nametag.Pet) nametag.Result {
	e := b.entries[i]
	if !b.applies(i) {
		return b.repeat(e)
	}
	key := e.Pet.Name.Key()
	first := b.winner[key]
	switch {
	case !registered[key]:
		return nametag.Result{Status: nametag.InsertTaken, Pet: holders[key]}
	case first == i:
		return nametag.Result{Status: nametag.InsertRegistered, Pet: e.Pet}
	default:
		return nametag.Result{Status: nametag.InsertTaken, Pet: b.entries[first].Pet}
	}
}

// repeat gives e the answer that its idempotency key had first.
func (b *Batch) repeat(e nametag.Entry) nametag.Result {
	first, ok := b.earlier[e.IdempotencyKey]
	if !ok {
		i := b.claimant[e.IdempotencyKey]
		first.Fingerprint, first.Result = b.entries[i].Fingerprint, b.results[i]
	}
	if first.Fingerprint != e.Fingerprint {
		return nametag.Result{Status: nametag.InsertKeyReused}
	}
	return first.Result
}

// Results returns what became of each entry, in the order given.
func (b *Batch) Results() []nametag.Result { return b.results }

// Answers returns what this call's own claims were told, sorted by key.
func (b *Batch) Answers() []Answer {
	var answers []Answer
	for _, c := range b.Claims() {
		if _, ok := b.earlier[c.Key]; !ok {
			answers = append(answers, Answer{c, b.results[b.claimant[c.Key]]})
		}
	}
	return answers
}

// words are what databases remember of a status.
var words = map[nametag.InsertStatus]string{
	nametag.InsertRegistered: "registered",
	nametag.InsertTaken:      "taken",
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
