package registry

import (
	"context"
	"log/slog"
	"time"
)

// A SnapshotTx is a Tx that reads and changes the whole registry: Write may be
// called several times, and does not commit.
type SnapshotTx interface {
	Tx

	// Snapshot visits all states as Store.Snapshot does, as they are when it is called. visit may call Lock and Write.
	Snapshot(ctx context.Context, visit func(State) error) error
}

// provisional is the version of the lookalike keys that the migration to schema 4 gives the pets that it finds. These
// pets are exempt, and have no rows in the journal yet.
const provisional = 0

// RekeyTx replaces the lookalike keys of all pets and rulings, whose version is from, by those that keyOf returns, and
// records every change in the journal. Of several pets with the same key, the oldest holds it and the others become
// exempt. Exempt pets stay exempt. Pets with provisional keys are added to the journal.
//
// After every record, no two pets hold the same key: an Index that follows the
// journal relies on that. log gets the progress, and the pets that become exempt.
func RekeyTx(ctx context.Context, tx SnapshotTx, from int64, keyOf func(Name) string, log *slog.Logger) error {
	head, _, err := tx.Lock(ctx, Selection{})
	if err != nil {
		return err
	}
	r := &rekeying{
		tx: tx, keyOf: keyOf, log: log, head: head, imports: from == provisional,
		origin: Origin{At: time.Now().UTC().Truncate(time.Microsecond), Via: ViaMigration},
	}
	if err := tx.Snapshot(ctx, func(s State) error { return r.visit(ctx, s) }); err != nil {
		return err
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	for _, names := range r.exempt {
		log.WarnContext(ctx, "two names look alike by the new lookalike keys; both pets keep them", "name", names[0], "looks_like", names[1])
	}
	log.InfoContext(ctx, "the lookalike keys are computed", "names", r.visited, "changed", r.head.Seq-head.Seq, "lookalikes", len(r.exempt))
	return nil
}

// A rekeying does the work of RekeyTx.
type rekeying struct {
	tx      SnapshotTx
	keyOf   func(Name) string
	log     *slog.Logger
	origin  Origin
	imports bool // the keys are provisional

	visited int
	waiting []*PetState // visited but not settled yet, oldest first
	head    Head        // of the journal after changes
	changes Changes
	exempt  [][2]string // the names of a pet that became exempt, and of the one that holds its key
}

// visit processes the next state. The pets come oldest first.
func (r *rekeying) visit(ctx context.Context, s State) error {
	const batchSize, often = 1000, 1_000_000
	if r.visited++; r.visited%often == 0 {
		r.log.InfoContext(ctx, "computing the lookalike keys", "names", r.visited)
	}
	if p := s.Pet; p != nil && (r.imports || r.keyOf(p.Pet().Name) != p.LookalikeKey) {
		r.waiting = append(r.waiting, p)
	}
	if s.Ruling != nil {
		after := *s.Ruling
		if after.LookalikeKey = r.keyOf(after.Ruling().Name); after != *s.Ruling {
			r.add(ActionRekeyed, s, State{Ruling: &after})
		}
	}
	if len(r.waiting)+len(r.changes.Records) < batchSize {
		return nil
	}
	return r.settle(ctx)
}

// settle gives the waiting pets their keys, and writes all changes.
func (r *rekeying) settle(ctx context.Context) error {
	var selection Selection
	for _, p := range r.waiting {
		selection.Keys = append(selection.Keys, p.NameKey)
		selection.Lookalikes = append(selection.Lookalikes, r.keyOf(p.Pet().Name))
	}
	_, found, err := r.tx.Lock(ctx, selection)
	if err != nil {
		return err
	}
	for _, p := range r.waiting {
		if err := r.settlePet(ctx, &found, p); err != nil {
			return err
		}
	}
	r.waiting = r.waiting[:0]
	return r.write(ctx)
}

// settlePet gives a pet, which was visited as p, its key. All older pets have theirs already.
func (r *rekeying) settlePet(ctx context.Context, found *Found, p *PetState) error {
	now := found.pets[p.NameKey]
	next := *now
	next.LookalikeKey, next.LookalikeExempt = r.keyOf(p.Pet().Name), p.LookalikeExempt && !r.imports
	holder := found.lookalikes[next.LookalikeKey]
	if holder == nil || next.LookalikeExempt {
		r.change(found, now, &next)
		return nil
	}
	if isOlder(holder, now) {
		next.LookalikeExempt = true
		r.exempt = append(r.exempt, [2]string{now.Name, holder.Name})
		r.change(found, now, &next)
		return nil
	}
	// The younger holder gives up the key. If it gets another one, that happens in its turn.
	gave := *holder
	gave.LookalikeKey, gave.LookalikeExempt = r.keyOf(holder.Pet().Name), true
	if gave.LookalikeKey == holder.LookalikeKey {
		r.exempt = append(r.exempt, [2]string{holder.Name, now.Name})
	}
	r.change(found, holder, &gave)
	r.change(found, now, &next)
	return r.write(ctx) // one write can't change a pet twice
}

func isOlder(a, b *PetState) bool {
	if a.RegisteredAt.Equal(b.RegisteredAt) {
		return a.NameKey < b.NameKey
	}
	return a.RegisteredAt.Before(b.RegisteredAt)
}

// change replaces the pet now by next.
func (r *rekeying) change(found *Found, now, next *PetState) {
	switch {
	case r.imports:
		r.add(ActionImported, State{}, State{Pet: next})
		r.changes.RemovePets = append(r.changes.RemovePets, now.NameKey)
	case *next != *now:
		r.add(ActionRekeyed, State{Pet: now}, State{Pet: next})
	}
	found.removePet(now)
	found.AddPet(next)
}

func (r *rekeying) add(a Action, before, after State) {
	r.head = r.changes.add(r.head, NewEvent(a, r.origin, before, after))
}

func (r *rekeying) write(ctx context.Context) error {
	c := r.changes
	r.changes = Changes{}
	if len(c.Records) == 0 {
		return nil
	}
	return r.tx.Write(ctx, c)
}
