// Package index keeps the taken names in memory, so that checks need no database.
package index

import (
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

// An Index is a Store that answers checks from memory and passes everything else to the Store that it was made of. It
// applies changes that are made through it at once, and those of others when it has read them in the journal.
//
// It keeps two 64-bit hashes of each name and nothing else. With ten million names in the registry, one check in 10^12
// meets a collision, which makes an available name look taken. Nobody can provoke one, because each process has its own
// seed. Registrations are decided by the database: see registry.Entry.CheckedAt.
type Index struct {
	registry.Store

	log *slog.Logger

	view   atomic.Pointer[view] // answers checks; nil until the index is filled
	learns atomic.Pointer[view] // gets the changes made through the index; nil while they will be read anyway
	wake   chan struct{}        // signals that the journal has new rows
	filled chan struct{}        // closed when the index is first filled
}

var _ registry.Store = (*Index)(nil)

// New returns an index of store, which is empty until Run has filled it. log gets its state: filled, stale, rebuilt.
func New(store registry.Store, log *slog.Logger) *Index {
	return &Index{Store: store, log: log, wake: make(chan struct{}, 1), filled: make(chan struct{})}
}

// Filled returns a channel that is closed when the index is first filled.
func (x *Index) Filled() <-chan struct{} { return x.filled }

// Size returns how many names the index has and how many bytes they take; zeros until it is filled.
func (x *Index) Size() (names, size int) {
	v := x.view.Load()
	if v == nil {
		return 0, 0
	}
	return v.size()
}

// AsOf returns when the index was last known to be complete; the zero Time until it is filled.
func (x *Index) AsOf() time.Time {
	v := x.view.Load()
	if v == nil {
		return time.Time{}
	}
	return v.time()
}

// staleAfter is how old the index may be before decisions state their age.
const staleAfter = 2 * time.Second

// lookupTimeout bounds a lookup in the database, because that of a check has no other timeout.
const lookupTimeout = 10 * time.Second

// Lookup implements registry.Store. It answers from memory if the index is filled and q does not ask for rivals.
func (x *Index) Lookup(ctx context.Context, q registry.Inquiry) ([]registry.Decision, error) {
	v := x.view.Load()
	if v == nil || q.WithRivals {
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		return x.Store.Lookup(ctx, q)
	}
	asOf := v.time() // before the lookup, which is at least as new
	if q.At.Sub(asOf) <= staleAfter {
		asOf = time.Time{}
	}
	decisions := make([]registry.Decision, len(q.Names))
	v.rulingsMu.RLock()
	defer v.rulingsMu.RUnlock()
	for i, n := range q.Names {
		decisions[i] = v.decide(n, q)
		decisions[i].AsOf = asOf
	}
	return decisions, nil
}

// Insert implements registry.Store.
func (x *Index) Insert(ctx context.Context, entries []registry.Entry) ([]registry.Decision, error) {
	decisions, err := x.Store.Insert(ctx, x.checked(entries))
	x.learn(decisions...)
	return decisions, err
}

// checked returns the entries, with CheckedAt for those whose names are available.
func (x *Index) checked(entries []registry.Entry) []registry.Entry {
	v := x.view.Load()
	if v == nil {
		return entries
	}
	// The view has everything up to head. If the journal still ends there when the
	// Store writes, the check is still valid.
	head := v.applied()
	checked := slices.Clone(entries)
	v.rulingsMu.RLock()
	defer v.rulingsMu.RUnlock()
	for i, e := range checked {
		if v.isUnrelated(e.Pet.Name) {
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

// learn applies what was changed through the index. If the journal has earlier
// changes of others, all of them are then read from it, in order.
func (x *Index) learn(decisions ...registry.Decision) {
	v := x.learns.Load()
	if v == nil {
		return
	}
	inTurn := true
	for _, d := range decisions {
		if d.Record != nil {
			next, err := v.apply(*d.Record)
			inTurn = inTurn && next && err == nil
		}
	}
	if !inTurn {
		select {
		case x.wake <- struct{}{}:
		default: // a wake-up is pending
		}
	}
}

// pollInterval is how often the journal is polled for changes of others.
var pollInterval = 200 * time.Millisecond

// The pauses after failures double from the first to the last.
const (
	firstPause   = time.Second
	longestPause = 10 * time.Second
)

const pageSize = 1000 // rows of the journal

// errOther says that the journal does not continue the one that was read.
var errOther = errors.New("the journal does not continue where it was left: the database is another one, or was restored")

// Run fills the index and keeps it up to date until ctx ends. The database may
// become unreachable meanwhile, or be restored from a backup.
func (x *Index) Run(ctx context.Context) {
	pause := firstPause
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
			pause = firstPause
		}
		x.log.WarnContext(ctx, "names are checked in the database until the index is filled", "error", err, "next_try_in", pause.String())
		_ = sleep.For(ctx, pause) // the loop ends when ctx does
		pause = min(2*pause, longestPause)
	}
}

// fill reads the registry, and makes the index answer from what it read.
func (x *Index) fill(ctx context.Context) (*view, error) {
	begun := time.Now()
	v, err := x.load(ctx)
	if err != nil {
		return nil, err
	}
	// From here on v learns what is changed through the index. It then catches up with what was changed before.
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

// load reads the whole registry. It reads the journal's head first, and then applies
// the rows after that; applying a change twice is harmless.
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

// follow keeps v up to date until ctx ends or the journal proves to be another.
func (x *Index) follow(ctx context.Context, v *view) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	failing := false
	for {
		err := x.catchUp(ctx, v)
		switch {
		case errors.Is(err, errOther) || ctx.Err() != nil:
			return err
		case err != nil:
			if !failing {
				x.log.WarnContext(ctx, "the index cannot be kept up to date; checks continue with what it has", "error", err)
			}
			failing = true
			_ = sleep.For(ctx, firstPause)
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

// catchUp applies everything that the journal has when it is called.
func (x *Index) catchUp(ctx context.Context, v *view) error {
	asked, known := time.Now(), v.applied()
	head, err := x.JournalHead(ctx)
	if err != nil {
		return err
	}
	if head.Seq < known.Seq || head.Seq == known.Seq && head != known {
		return errOther // a journal only grows
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
			switch inTurn, err := v.apply(rec); {
			case err != nil:
				return err
			case !inTurn:
				return fmt.Errorf("row %d is missing: %w", v.applied().Seq+1, errOther)
			}
		}
		known = v.applied()
	}
	v.asOf.Store(asked.UnixNano())
	return nil
}

// A view is the content of an index.
type view struct {
	seed       maphash.Seed
	names      set // hashes of comparison keys
	lookalikes set // hashes of the lookalike keys that pets hold

	rulingsMu sync.RWMutex
	rulings   registry.Rulings

	asOf atomic.Int64 // when it was last known to be complete; nanoseconds since 1970

	mu    sync.Mutex                 // serializes changes
	head  registry.Head              // the records up to here are applied
	ahead map[string]registry.Record // the last ones applied beyond head, by name keys and their pets' lookalike keys
}

func (v *view) time() time.Time { return time.Unix(0, v.asOf.Load()).UTC() }

func (v *view) addKeys(key, lookalike []byte) {
	v.names.add(maphash.Bytes(v.seed, key))
	if len(lookalike) > 0 {
		v.lookalikes.add(maphash.Bytes(v.seed, lookalike))
	}
}

func (v *view) size() (names, size int) {
	names, size = v.names.size()
	_, more := v.lookalikes.size()
	return names, size + more
}

// decide decides on n. The caller holds rulingsMu.
func (v *view) decide(n registry.Name, q registry.Inquiry) registry.Decision {
	if v.hasName(n) {
		return registry.Decide(n, true, nil, false, q.AllowLookalike)
	}
	inForce, permitted := v.rulings.Over(n, q.At)
	return registry.Decide(n, false, inForce, !permitted && v.hasLookalike(n), q.AllowLookalike)
}

func (v *view) hash(key string) uint64 { return maphash.String(v.seed, key) }

// hasName reports whether a pet has the name n.
func (v *view) hasName(n registry.Name) bool { return v.names.has(v.hash(n.Key())) }

// hasLookalike reports whether a pet holds the lookalike key of n.
func (v *view) hasLookalike(n registry.Name) bool { return v.lookalikes.has(v.hash(n.LookalikeKey())) }

// isUnrelated reports whether no pet and no ruling, in force or not, concerns the
// name or a lookalike of it. The caller holds rulingsMu.
func (v *view) isUnrelated(n registry.Name) bool {
	return !v.hasName(n) && !v.hasLookalike(n) && !v.rulings.Concern(n)
}

// applied returns the head of the journal up to which every record is applied.
func (v *view) applied() registry.Head {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.head
}

// apply applies a record. inTurn is false if earlier ones are not applied yet. The
// error is errOther if the record is from another journal.
func (v *view) apply(rec registry.Record) (inTurn bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if rec.Seq <= v.head.Seq {
		return true, nil // it is applied already
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

// settle applies later records again, if rec, the record of e that was just applied, has undone them. What those undo
// is right once all records before them are applied.
func (v *view) settle(rec registry.Record, e registry.Event, inTurn bool) error {
	if inTurn && len(v.ahead) == 0 {
		return nil
	}
	const lookalike = "\x00" // which no key contains
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

// change replaces before by after. What both have is there all the time.
func (v *view) change(before, after registry.State) {
	name, lookalike := v.hashesOf(before.Pet)
	nextName, nextLookalike := v.hashesOf(after.Pet)
	v.names.replace(name, nextName)
	v.lookalikes.replace(lookalike, nextLookalike)
	if before.Ruling != nil || after.Ruling != nil {
		v.rule(before.Ruling, after.Ruling)
	}
}

// rule replaces a ruling; either may be nil.
func (v *view) rule(before, after *registry.RulingState) {
	v.rulingsMu.Lock()
	defer v.rulingsMu.Unlock()
	if before != nil {
		v.rulings.Remove(before.NameKey)
	}
	if after != nil {
		v.rulings.Put(after)
	}
}

// hashesOf returns the hashes of p's keys that are in the sets; 0 for none.
func (v *view) hashesOf(p *registry.PetState) (name, lookalike uint64) {
	if p == nil {
		return 0, 0
	}
	name = nonZero(v.hash(p.NameKey))
	if !p.LookalikeExempt {
		lookalike = nonZero(v.hash(p.LookalikeKey))
	}
	return name, lookalike
}
