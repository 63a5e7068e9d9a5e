// Package index keeps in memory which names are taken, so that checks need no
// database.
package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nametag/internal/registry"
	"nametag/internal/sleep"
)

// An Index is a Store that answers checks from memory: all else it leaves to the
// Store that it was made of. What is changed through it, it knows at once; what
// others change, as soon as it has read it in the journal.
//
// Of each name it has two 64-bit hashes and nothing else. That two names have
// one hash happens once in 10^12 checks with ten million names in the book, and
// makes a free name look taken; nobody can bring it about, for the hashes are
// other ones in each process. Registering asks the database, unless nothing that
// the index knows has to do with the name: see registry.Entry.CheckedAt.
type Index struct {
	registry.Store

	log *slog.Logger

	view   atomic.Pointer[view] // answers; nil until the index is filled
	learns atomic.Pointer[view] // takes up what is changed through the index; nil while what is read will have it
	wake   chan struct{}        // there is something in the journal
	filled chan struct{}        // closed when the index is filled for the first time
}

var _ registry.Store = (*Index)(nil)

// New returns an index of store, empty until Run has filled it. log hears of
// what becomes of it.
func New(store registry.Store, log *slog.Logger) *Index {
	return &Index{Store: store, log: log, wake: make(chan struct{}, 1), filled: make(chan struct{})}
}

// Filled is closed when the index is filled for the first time.
func (x *Index) Filled() <-chan struct{} { return x.filled }

// Size returns how many names the index has, and how many bytes they take: zero
// until it is filled.
func (x *Index) Size() (names, size int) {
	v := x.view.Load()
	if v == nil {
		return 0, 0
	}
	return v.size()
}

// AsOf returns when what the index knows was last known to be all that there
// is; the zero Time until it is filled.
func (x *Index) AsOf() time.Time {
	v := x.view.Load()
	if v == nil {
		return time.Time{}
	}
	return v.isOf()
}

// staleAfter is how old the index may be before decisions say their age.
const staleAfter = 2 * time.Second

// Lookup implements registry.Store, from memory if the index is filled and q does
// not want the rivals.
func (x *Index) Lookup(ctx context.Context, q registry.Inquiry) ([]registry.Decision, error) {
	v := x.view.Load()
	if v == nil || q.WithRivals {
		return x.Store.Lookup(ctx, q)
	}
	asOf := v.isOf() // first: what is looked up is this new at least
	if q.At.Sub(asOf) <= staleAfter {
		asOf = time.Time{}
	}
	decisions := make([]registry.Decision, 0, len(q.Names))
	for names := range slices.Chunk(q.Names, prefetched) {
		var asked [prefetched]keys
		for i, n := range names {
			asked[i] = v.keysOf(n)
		}
		for i := range names {
			v.expect(asked[i])
		}
		for i, n := range names {
			d := v.decide(n, asked[i], q)
			d.AsOf = asOf
			decisions = append(decisions, d)
		}
	}
	return decisions, nil
}

// prefetched is how many reads from memory a processor can wait for at once,
// about.
const prefetched = 8

// Insert implements registry.Store.
func (x *Index) Insert(ctx context.Context, entries []registry.Entry) ([]registry.Decision, error) {
	decisions, err := x.Store.Insert(ctx, x.checked(entries))
	x.learn(decisions...)
	return decisions, err
}

// checked returns the entries, with CheckedAt for those whose names are free.
func (x *Index) checked(entries []registry.Entry) []registry.Entry {
	v := x.view.Load()
	if v == nil {
		return entries
	}
	// Everything up to here is known. If the journal still ends here when the
	// Store looks, nothing else could be.
	head := v.lastTaken()
	checked := slices.Clone(entries)
	for i, e := range checked {
		if v.knowsNothingOf(e.Pet.Name) {
			checked[i].CheckedAt = head
		}
	}
	return checked
}

// Apply implements registry.Store.
func (x *Index) Apply(ctx context.Context, c registry.Change) (registry.Decision, error) {
	d, err := x.Store.Apply(ctx, c)
	x.learn(d)
	return d, err
}

// learn takes up what was changed through the index. If others have changed the
// book before, it is taken up once more, in its turn, from the journal.
func (x *Index) learn(decisions ...registry.Decision) {
	v := x.learns.Load()
	if v == nil {
		return
	}
	inTurn := true
	for _, d := range decisions {
		if d.Record != nil {
			next, err := v.take(*d.Record)
			inTurn = inTurn && next && err == nil
		}
	}
	if !inTurn {
		select {
		case x.wake <- struct{}{}:
		default: // somebody has woken it already
		}
	}
}

// askEvery is how often the journal is asked for what others did.
var askEvery = 200 * time.Millisecond

// How long is waited after a failure, at first and at most, and how much is read
// at once.
const (
	tryAgain = time.Second
	tryLater = 10 * time.Second
	pageSize = 1000
)

// errOther says that the book is not the one that was read.
var errOther = errors.New("the journal does not go on where it was left: the database is another one, or was restored")

// Run fills the index and keeps it up to date until ctx ends. Meanwhile the
// database may go and come back, or be restored from a backup.
func (x *Index) Run(ctx context.Context) {
	pause := tryAgain
	for {
		begun := time.Now()
		v, err := x.fill(ctx)
		if err == nil {
			err = x.follow(ctx, v)
		}
		x.learns.Store(nil)
		x.view.Store(nil)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) > time.Minute {
			pause = tryAgain
		}
		x.log.WarnContext(ctx, "names are checked in the database until the index is filled", "error", err, "tried_again_after", pause.String())
		_ = sleep.For(ctx, pause) // the loop ends when ctx does
		pause = min(2*pause, tryLater)
	}
}

// fill reads the book, and has the index answer from it.
func (x *Index) fill(ctx context.Context) (*view, error) {
	begun := time.Now()
	v, err := x.load(ctx)
	if err != nil {
		return nil, err
	}
	// What is changed through the index from here on, v takes up by itself, and
	// what was changed before, it catches up with.
	x.learns.Store(v)
	if err := x.catchUp(ctx, v); err != nil {
		return nil, err
	}
	x.view.Store(v)
	names, size := v.size()
	x.log.InfoContext(ctx, "names are checked in memory", "names", names, "bytes", size, "seconds", time.Since(begun).Seconds())
	select {
	case <-x.filled:
	default:
		close(x.filled)
	}
	return v, nil
}

// load reads the whole book. The journal's head is read before: what was
// changed since is read of in the journal, and taking it up twice does no harm.
func (x *Index) load(ctx context.Context) (*view, error) {
	head, err := x.JournalHead(ctx)
	if err != nil {
		return nil, err
	}
	v := newView(head)
	if err := x.EachKey(ctx, v.addKeys); err != nil {
		return nil, err
	}
	if err := registry.EachRuling(ctx, x, func(r *registry.RulingState) { v.rule(nil, r) }); err != nil {
		return nil, err
	}
	return v, x.catchUp(ctx, v)
}

func newView(head registry.Head) *view {
	return &view{seed: maphash.MakeSeed(), head: head, ahead: make(map[string]registry.Record)}
}

// follow keeps v up to date until ctx ends, or the book turns out to be another.
func (x *Index) follow(ctx context.Context, v *view) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	failing := false
	for {
		err := x.catchUp(ctx, v)
		switch {
		case errors.Is(err, errOther) || ctx.Err() != nil:
			return err
		case err != nil:
			if !failing {
				x.log.WarnContext(ctx, "the index can't be kept up to date; checks go on with what it knows", "error", err)
			}
			failing = true
			_ = sleep.For(ctx, tryAgain)
		default:
			if failing {
				x.log.InfoContext(ctx, "the index is up to date again")
			}
			failing = false
		}
		select {
		case <-tick.C:
		case <-x.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// catchUp takes up everything that the journal has when it is called.
func (x *Index) catchUp(ctx context.Context, v *view) error {
	asked, known := time.Now(), v.lastTaken()
	head, err := x.JournalHead(ctx)
	if err != nil {
		return err
	}
	if head.Seq < known.Seq || head.Seq == known.Seq && head != known {
		return errOther // what was known before the question can't be gone
	}
	for known.Seq < head.Seq {
		page, err := x.Journal(ctx, registry.JournalQuery{After: known.Seq, Limit: pageSize})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return errOther
		}
		for _, rec := range page {
			switch inTurn, err := v.take(rec); {
			case err != nil:
				return err
			case !inTurn:
				return fmt.Errorf("row %d is missing: %w", v.lastTaken().Seq+1, errOther)
			}
		}
		known = v.lastTaken()
	}
	v.asOf.Store(asked.UnixNano())
	return nil
}

// A view is what is known of a book. Most names are read as their comparison keys
// are (see registry.Name.IsReadAsItsKey), and most pets hold the lookalike key that
// these have: where nobody holds it, nobody has such a name, unless it is among the
// odd ones. So one look, at a place in memory that no cache has, tells that a name
// is free. Odd are pets whose names are not read as their keys, though another
// spelling may be ("McIntosh" and "Mcintosh"), and those that were let pass, which
// hold no lookalike key; they are few.
type view struct {
	seed       maphash.Seed
	names      set // hashes of comparison keys
	odd        set // of those of odd pets
	lookalikes set // of the lookalike keys that are held

	// turns is how often a pet has turned odd, or has ceased to be. Between two
	// turns it is found in one of odd and lookalikes all the time, if rows come in
	// their turn.
	turns atomic.Uint64

	rulingsMu  sync.RWMutex
	rulings    registry.Rulings
	anyRulings atomic.Bool // false spares asking them

	asOf atomic.Int64 // when it was last known to have all that there is; nanoseconds since 1970

	mu    sync.Mutex                 // one change after another
	head  registry.Head              // everything up to here was taken up in its turn
	ahead map[string]registry.Record // by each of their keys and their pets' lookalike keys, the last ones that were taken up before it
}

func (v *view) isOf() time.Time { return time.Unix(0, v.asOf.Load()).UTC() }

func (v *view) addKeys(key, lookalike []byte) {
	v.names.add(maphash.Bytes(v.seed, key))
	if len(lookalike) > 0 {
		v.lookalikes.add(maphash.Bytes(v.seed, lookalike))
	}
	if isOdd(key, lookalike) {
		v.odd.add(maphash.Bytes(v.seed, key))
	}
}

// isOdd reports whether a pet with this comparison key, which holds this lookalike
// key, is odd. Where no spelling is read as the key is, no pet is.
func isOdd(key, lookalike []byte) bool {
	var buffer [2 * registry.MaxNameLength]byte // on the stack: hardly a key is longer
	usual, ok := registry.AppendPlainLookalikeKey(buffer[:0], key)
	return ok && (len(lookalike) == 0 || !bytes.Equal(usual, lookalike))
}

func (v *view) size() (names, size int) {
	for i, s := range v.sets() {
		n, b := s.size()
		if size += b; i == 0 {
			names = n
		}
	}
	return names, size
}

// sets returns the sets, in the order in which hashesOf has what is in them.
func (v *view) sets() [3]*set { return [3]*set{&v.names, &v.odd, &v.lookalikes} }

// keys are what a name is looked for by.
type keys struct {
	name, lookalike uint64 // hashes
	isReadAsItsKey  bool
}

func (v *view) keysOf(n registry.Name) keys {
	var buffer [2 * registry.MaxNameLength]byte // on the stack: hardly a key is longer
	return keys{maphash.String(v.seed, n.Key()), maphash.Bytes(v.seed, n.AppendLookalikeKey(buffer[:0])), n.IsReadAsItsKey()}
}

// expect has the memory come nearer where a look for a free name begins.
func (v *view) expect(k keys) {
	v.lookalikes.expect(k.lookalike)
	if !k.isReadAsItsKey {
		v.names.expect(k.name)
	}
}

func (v *view) decide(n registry.Name, k keys, q registry.Inquiry) registry.Decision {
	taken, similar := v.has(k)
	if taken {
		return registry.Decide(n, true, nil, false, q.AllowLookalike)
	}
	inForce, permitted := v.over(n, q.At)
	return registry.Decide(n, false, inForce, similar && !permitted, q.AllowLookalike)
}

// has reports whether a pet has the name, and whether one holds its lookalike key.
func (v *view) has(k keys) (name, lookalike bool) {
	if k.isReadAsItsKey {
		turns := v.turns.Load()
		if !v.odd.has(k.name) && !v.lookalikes.has(k.lookalike) && v.turns.Load() == turns {
			return false, false
		}
	}
	return v.names.has(k.name), v.lookalikes.has(k.lookalike)
}

// knowsNothingOf reports whether no pet and no ruling, in force or not, is on the
// name or on one that looks like it.
func (v *view) knowsNothingOf(n registry.Name) bool {
	if has, similar := v.has(v.keysOf(n)); has || similar {
		return false
	}
	if !v.anyRulings.Load() {
		return true
	}
	v.rulingsMu.RLock()
	defer v.rulingsMu.RUnlock()
	return !v.rulings.Concern(n)
}

func (v *view) over(n registry.Name, at time.Time) (inForce *registry.Ruling, permitted bool) {
	if !v.anyRulings.Load() {
		return nil, false
	}
	v.rulingsMu.RLock()
	defer v.rulingsMu.RUnlock()
	return v.rulings.Over(n, at)
}

func (v *view) lastTaken() registry.Head {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.head
}

// take takes up a record. inTurn is false if there are others before it that
// were not taken up yet. The error is errOther if the record is of another
// book.
func (v *view) take(rec registry.Record) (inTurn bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if rec.Seq <= v.head.Seq {
		return true, nil // it was taken up before
	}
	inTurn = rec.Seq == v.head.Seq+1
	if inTurn && !rec.Follows(v.head) {
		return true, fmt.Errorf("row %d: %w", rec.Seq, errOther)
	}
	e, err := rec.Event()
	if err != nil {
		return inTurn, fmt.Errorf("%w: %w", errOther, err)
	}
	v.change(e.Before, e.After)
	if inTurn {
		v.head = rec.Head()
	}
	return inTurn, v.settle(rec, e, inTurn)
}

// settle sees to it that rec, which was just taken up and tells of e, undoes
// nothing that was taken up before its turn.
func (v *view) settle(rec registry.Record, e registry.Event, inTurn bool) error {
	if inTurn && len(v.ahead) == 0 {
		return nil
	}
	const lookalike = "\x00" // no key has it
	keys := []string{rec.Key}
	if rec.FormerKey != "" {
		keys = append(keys, rec.FormerKey)
	}
	for _, pet := range []*registry.PetState{e.Before.Pet, e.After.Pet} {
		if pet != nil {
			keys = append(keys, lookalike+pet.LookalikeKey)
		}
	}
	for _, key := range keys {
		later, ok := v.ahead[key]
		switch {
		case ok && later.Seq > rec.Seq:
			e, err := later.Event()
			if err != nil {
				return err
			}
			v.change(e.Before, e.After)
		case !inTurn:
			v.ahead[key] = rec
		default:
			delete(v.ahead, key)
		}
	}
	return nil
}

// change takes the book from before to after. What is in both stays in
// between.
func (v *view) change(before, after registry.State) {
	from, to := v.hashesOf(before.Pet), v.hashesOf(after.Pet)
	for i, s := range v.sets() {
		if to[i] != 0 {
			s.add(to[i])
		}
	}
	if from[1] != to[1] {
		v.turns.Add(1)
	}
	for i, s := range v.sets() {
		if from[i] != 0 && from[i] != to[i] {
			s.remove(from[i])
		}
	}
	if before.Ruling != nil || after.Ruling != nil {
		v.rule(before.Ruling, after.Ruling)
	}
}

// rule puts a ruling in place of another; either may be nil.
func (v *view) rule(before, after *registry.RulingState) {
	v.rulingsMu.Lock()
	defer v.rulingsMu.Unlock()
	if before != nil {
		v.rulings.Remove(before.NameKey)
	}
	if after != nil {
		v.rulings.Put(after)
	}
	v.anyRulings.Store(!v.rulings.IsEmpty())
}

// hashesOf returns what p has in each of the sets; 0 for nothing.
func (v *view) hashesOf(p *registry.PetState) (h [3]uint64) {
	if p == nil {
		return h
	}
	held := p.LookalikeKey
	if p.LookalikeExempt {
		held = ""
	}
	h[0] = nonZero(maphash.String(v.seed, p.NameKey))
	if isOdd([]byte(p.NameKey), []byte(held)) {
		h[1] = h[0]
	}
	if held != "" {
		h[2] = nonZero(maphash.String(v.seed, held))
	}
	return h
}
