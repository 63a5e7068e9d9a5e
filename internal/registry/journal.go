package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An Action is a kind of change to the registry.
type Action string

// The actions.
const (
	ActionRegistered     Action = "registered" // a pet was registered
	ActionImported       Action = "imported"   // a pet was imported from another registry or an older schema
	ActionRenamed        Action = "renamed"    // a pet got another name
	ActionCorrected      Action = "corrected"  // a pet got another favourite colour or category
	ActionReleased       Action = "released"   // a pet was removed, and its name released
	ActionReserved       Action = "reserved"   // a name was reserved
	ActionUnreserved     Action = "unreserved" // a ruling on a name was revoked
	ActionAllowLookalike Action = "let_pass"   // a name may be registered although it is a lookalike
	ActionRekeyed        Action = "rekeyed"    // a pet or a ruling got another lookalike key: the algorithm has changed
)

// A Via is the interface by which a change was made.
type Via string

// The interfaces.
const (
	ViaWeb       Via = "web"
	ViaAPI       Via = "api"
	ViaImport    Via = "import"
	ViaRegistrar Via = "registrar" // the commands for registrars
	ViaMigration Via = "migration" // the upgrade of the database by a newer program
)

// An Origin says where a change comes from.
type Origin struct {
	At     time.Time // UTC, to the microsecond
	Via    Via
	Who    string // the registrar's name; "" for visitors
	Reason string // in the registrar's words
	Policy string // the version of the policy that was applied
}

// An Event is one change to the registry, as the journal has it: Before and After are
// the states of the names concerned.
type Event struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"` // the time of the request; Seq determines the order
	Action Action    `json:"action"`
	Via    Via       `json:"via"`
	Who    string    `json:"who,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Policy string    `json:"policy,omitempty"`
	Before State     `json:"before,omitzero"`
	After  State     `json:"after,omitzero"`
}

// A State is a pet and a ruling; either may be nil.
type State struct {
	Pet    *PetState    `json:"pet,omitempty"`
	Ruling *RulingState `json:"ruling,omitempty"`
}

// A PetState is a Pet with its keys, as the journal and the stores have it.
type PetState struct {
	Name            string    `json:"name"`
	NameKey         string    `json:"name_key"`
	LookalikeKey    string    `json:"lookalike_key"`
	LookalikeExempt bool      `json:"let_pass,omitempty"` // it does not hold its lookalike key
	FavoriteColor   Color     `json:"favorite_color"`
	Category        Category  `json:"category"`
	RegisteredAt    time.Time `json:"registered_at"`

	// EnteredBy is the number of the record that registered the pet; 0 if a later record changed the pet, or if the
	// number is unknown. Stores find the record by it. It is not part of the state.
	EnteredBy int64 `json:"-"`
}

// A RulingState is a Ruling with its keys, as the journal and the stores have it.
type RulingState struct {
	Kind         RulingKind `json:"kind"`
	Name         string     `json:"name"`
	NameKey      string     `json:"name_key"`
	LookalikeKey string     `json:"lookalike_key"`
	Reason       string     `json:"reason,omitempty"`
	At           time.Time  `json:"at"`
	Until        time.Time  `json:"until,omitzero"`
}

// NewPetState returns the state of p.
func NewPetState(p Pet, lookalikeExempt bool) *PetState {
	return &PetState{Name: p.Name.display, NameKey: p.Name.key, LookalikeKey: p.Name.LookalikeKey(), LookalikeExempt: lookalikeExempt,
		FavoriteColor: p.FavoriteColor, Category: p.Category, RegisteredAt: p.RegisteredAt.UTC()}
}

// Pet returns the pet that s is the state of.
func (s *PetState) Pet() Pet {
	return Pet{RestoreName(s.Name, s.NameKey), s.FavoriteColor, s.Category, s.RegisteredAt.UTC()}
}

// NewRulingState returns the state of r.
func NewRulingState(r Ruling) *RulingState {
	return &RulingState{r.Kind, r.Name.display, r.Name.key, r.Name.LookalikeKey(), r.Reason, r.At.UTC(), r.Until.UTC()}
}

// Ruling returns the ruling that s is the state of.
func (s *RulingState) Ruling() Ruling {
	return Ruling{s.Kind, RestoreName(s.Name, s.NameKey), s.Reason, s.At.UTC(), s.Until.UTC()}
}

// NewEvent returns an Event without a number, which Head.Append sets.
func NewEvent(a Action, o Origin, before, after State) Event {
	return Event{At: o.At.UTC(), Action: a, Via: o.Via, Who: o.Who, Reason: o.Reason, Policy: o.Policy, Before: before, After: after}
}

// Key returns the comparison key of the name that e is about, and that of the former name if it was another.
func (e Event) Key() (key, former string) {
	key = e.After.key()
	if before := e.Before.key(); key == "" {
		key = before
	} else if before != key {
		former = before
	}
	return key, former
}

// Name returns the name that e is about, as Key returns its key.
func (e Event) Name() string {
	for _, s := range []State{e.After, e.Before} {
		switch {
		case s.Pet != nil:
			return s.Pet.Name
		case s.Ruling != nil:
			return s.Ruling.Name
		}
	}
	return ""
}

// key returns the key of the pet, if any: a renamed pet leaves a ruling on its former name.
func (s State) key() string {
	switch {
	case s.Pet != nil:
		return s.Pet.NameKey
	case s.Ruling != nil:
		return s.Ruling.NameKey
	default:
		return ""
	}
}

// A Head is the number and the hash of a journal's last record. The zero Head is that of an empty journal.
type Head struct {
	Seq  int64
	Hash [sha256.Size]byte
}

// String returns h in the form that ParseHead reads: "7:" and 64 hexadecimal digits.
func (h Head) String() string { return fmt.Sprintf("%d:%x", h.Seq, h.Hash) }

// ParseHead parses the form that String returns.
func ParseHead(s string) (Head, error) {
	var h Head
	seq, hash, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	b, hexErr := hex.DecodeString(hash)
	if err != nil || n < 0 || hexErr != nil || len(b) != len(h.Hash) {
		return h, fmt.Errorf("%q is not a valid journal head; give a number, a colon and 64 hexadecimal digits, as “nametag journal verify” prints it", s)
	}
	h.Seq = n
	copy(h.Hash[:], b)
	return h, nil
}

// ErrNoHead means that the journal has no head: it was removed without nametag.
var ErrNoHead = errors.New("the journal head is missing; run “nametag journal verify” to see what else is wrong")

// A Record is an Event as the journal stores it: the text of the event, and the SHA-256
// of the previous record's hash (32 zero bytes for the first) and that text.
type Record struct {
	Seq            int64
	Key, FormerKey string // as Event.Key returns them
	Entry          []byte // the Event in JSON, one line
	Hash           [sha256.Size]byte

	event *Event // the parsed Entry, if available
}

// Append returns e as the record that follows h.
func (h Head) Append(e Event) Record {
	e.Seq = h.Seq + 1
	key, former := e.Key()
	entry := e.line()
	return Record{e.Seq, key, former, entry, h.hash(entry), &e}
}

// line returns e in JSON, on one line. It panics if the year of a time is not between 0
// and 9999, because that has no JSON form.
func (e *Event) line() []byte {
	var text bytes.Buffer
	text.Grow(512) // few rows are longer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

func (h Head) hash(entry []byte) (sum [sha256.Size]byte) {
	d := sha256.New()
	d.Write(h.Hash[:])
	d.Write(entry)
	d.Sum(sum[:0])
	return sum
}

// HashOf returns the hash that a database has stored as b. For a wrong length, which
// nametag never writes, it is the zero hash, which no record has.
func HashOf(b []byte) (h [sha256.Size]byte) {
	if len(b) == len(h) {
		copy(h[:], b)
	}
	return h
}

// Head returns the head of a journal that ends with r.
func (r Record) Head() Head { return Head{r.Seq, r.Hash} }

// Follows reports whether r is the unaltered record after h.
func (r Record) Follows(h Head) bool { return r.Seq == h.Seq+1 && r.Hash == h.hash(r.Entry) }

// IsByPet reports whether r, a record of Changes, is found by the pet that it registered rather than by its keys.
func (r Record) IsByPet() bool {
	return r.event != nil && r.event.After.Pet != nil && r.event.After.Pet.EnteredBy == r.Seq
}

// Event returns the event that r records.
func (r Record) Event() (Event, error) {
	if r.event != nil {
		return *r.event, nil
	}
	var e Event
	if err := json.Unmarshal(r.Entry, &e); err != nil {
		return e, fmt.Errorf("row %d of the journal can't be read: %w", r.Seq, err)
	}
	return e, nil
}

// fault describes what is wrong with r as the record after h; "" for nothing.
func (r Record) fault(h Head) string {
	switch {
	case r.Seq <= h.Seq:
		return fmt.Sprintf("Row %d appears twice.", r.Seq)
	case r.Seq == h.Seq+2:
		return fmt.Sprintf("Row %d is missing.", h.Seq+1)
	case r.Seq > h.Seq+1:
		return fmt.Sprintf("Rows %d to %d are missing.", h.Seq+1, r.Seq-1)
	case r.Hash != h.hash(r.Entry) && h.Seq == 0:
		return fmt.Sprintf("Row %d was altered.", r.Seq)
	case r.Hash != h.hash(r.Entry):
		return fmt.Sprintf("Row %d was altered, or row %d before it.", r.Seq, h.Seq)
	}
	e, err := r.Event()
	if err != nil {
		return fmt.Sprintf("Row %d was not written by nametag: its hash is correct, but its entry can't be read.", r.Seq)
	}
	if key, former := e.Key(); e.Seq != r.Seq || key != r.Key || former != r.FormerKey {
		return fmt.Sprintf("Row %d has other name keys than its entry.", r.Seq)
	}
	return ""
}

// A JournalQuery selects records: all of them, or those about one name.
type JournalQuery struct {
	After int64  // only those with higher numbers
	Key   string // only those that have this Key or FormerKey; "" for all
	Limit int    // at least 1
}

// journalPage is the number of records in one query.
const journalPage = 1000

// EachRecord visits the records with numbers greater than after, in order, until visit returns an error.
func (r *Registry) EachRecord(ctx context.Context, after int64, visit func(Record) error) error {
	return r.eachRecord(ctx, JournalQuery{After: after}, visit)
}

// eachRecord visits the records that q selects, regardless of its limit, in order, until
// visit returns an error. If that is errEnough, eachRecord returns nil.
func (r *Registry) eachRecord(ctx context.Context, q JournalQuery, visit func(Record) error) error {
	q.Limit = journalPage
	for {
		page, err := r.store.Journal(ctx, q)
		if err != nil {
			return err
		}
		for _, rec := range page {
			switch err := visit(rec); {
			case errors.Is(err, errEnough):
				return nil
			case err != nil:
				return err
			}
			q.After = rec.Seq
		}
		if len(page) < journalPage {
			return nil
		}
	}
}

// errEnough ends a visit without an error.
var errEnough = errors.New("enough was seen")

// eachUpTo visits the records with numbers from after+1 to last that exist.
func (r *Registry) eachUpTo(ctx context.Context, after, last int64, visit func(Record) error) error {
	return r.EachRecord(ctx, after, func(rec Record) error {
		if rec.Seq > last {
			return errEnough
		}
		return visit(rec)
	})
}

// A Verification is the result of VerifyJournal. Its lists are empty if nothing is wrong.
type Verification struct {
	Head        Head     // of the journal
	Faults      []string // of the journal, a sentence each
	Differences []string // between the registry and a journal without faults, a sentence each
	Orphans     []Record // rows of a journal without faults that no pet leads to
}

// maxFaults is the greatest number of faults that are reported, and of differences.
const maxFaults = 100

// VerifyJournal reads the whole journal and finds rows that were altered, removed or inserted. A person who alters a
// row and rewrites all rows after it leaves no trace in the journal itself; only a head that was noted elsewhere before
// reveals it. If the journal has no faults, VerifyJournal also finds pets and rulings that were changed without a
// journal entry. The registry may change meanwhile. progress, if not nil, gets each row's number.
func (r *Registry) VerifyJournal(ctx context.Context, noted []Head, progress func(int64)) (Verification, error) {
	v := verifier{registry: r, hashes: map[int64][sha256.Size]byte{0: {}}, sums: new(sums), progress: progress}
	for _, h := range noted {
		v.hashes[h.Seq] = [sha256.Size]byte{}
	}
	err := v.readJournal(ctx)
	if err != nil {
		return v.found, err
	}
	for _, h := range noted {
		if h.Seq > v.found.Head.Seq {
			v.fault("Row %d was noted, but is missing: the journal ends with row %d.", h.Seq, v.found.Head.Seq)
		} else if v.hashes[h.Seq] != h.Hash {
			v.fault("Row %d is not the row that was noted: it or rows before it were rewritten.", h.Seq)
		}
	}
	if len(v.found.Faults) == 0 {
		err = v.compareState(ctx)
	}
	return v.found, err
}

// A verifier does the work of VerifyJournal.
type verifier struct {
	registry *Registry
	found    Verification
	hashes   map[int64][sha256.Size]byte // of the rows that were noted
	sums     *sums
	progress func(int64)
}

func (v *verifier) fault(format string, args ...any) {
	if len(v.found.Faults) < maxFaults {
		v.found.Faults = append(v.found.Faults, fmt.Sprintf(format, args...))
	}
}

// take checks and replays the next record.
func (v *verifier) take(rec Record) error {
	if e, err := rec.Event(); err == nil {
		rec.event = &e // read it once
		v.sums.add(e.Before, minus)
		v.sums.add(e.After, plus)
	}
	if fault := rec.fault(v.found.Head); fault != "" {
		v.fault("%s", fault)
	}
	v.found.Head = rec.Head()
	if _, ok := v.hashes[rec.Seq]; ok {
		v.hashes[rec.Seq] = rec.Hash
	}
	if v.progress != nil {
		v.progress(rec.Seq)
	}
	return nil
}

// readJournal takes all records and checks that they end with the head. It reads the
// head after the last record, and then the records that were added in between.
func (v *verifier) readJournal(ctx context.Context) error {
	if err := v.registry.EachRecord(ctx, 0, v.take); err != nil {
		return err
	}
	end, err := v.registry.store.JournalHead(ctx)
	if errors.Is(err, ErrNoHead) {
		v.fault("The journal head is missing, so rows after row %d may be missing too. Without the head, nothing can be changed: restore a backup.", v.found.Head.Seq)
		return nil
	}
	if err == nil {
		err = v.registry.eachUpTo(ctx, v.found.Head.Seq, end.Seq, v.take)
	}
	switch {
	case err != nil:
		return err
	case end.Seq < v.found.Head.Seq:
		v.fault("The journal continues to row %d, but its head is row %d.", v.found.Head.Seq, end.Seq)
	case end != v.found.Head:
		v.fault("The journal head is row %d, but that row is missing or another.", end.Seq)
	}
	return nil
}

// compareState compares the registry with the journal, which has been read. It takes a
// snapshot of the registry, and reads the journal on up to the same moment.
func (v *verifier) compareState(ctx context.Context) error {
	head, err := v.registry.store.Snapshot(ctx, func(s State) error {
		v.sums.add(s, minus)
		return nil
	})
	if err == nil {
		err = v.registry.eachUpTo(ctx, v.found.Head.Seq, head.Seq, v.take)
	}
	if err != nil || len(v.found.Faults) > 0 {
		return err
	}
	if some := v.sums.unequal(); len(some) > 0 {
		if v.found.Differences, err = v.registry.differences(ctx, some); err != nil {
			return err
		}
	}
	v.found.Orphans, err = v.registry.store.Orphans(ctx, maxFaults)
	return err
}
