package nametag

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An Action is a kind of change to the book.
type Action string

// The actions.
const (
	ActionRegistered Action = "registered" // a pet was entered
	ActionImported   Action = "imported"   // a pet was brought over from an older book
	ActionRenamed    Action = "renamed"    // a pet got another name
	ActionReleased   Action = "released"   // a pet gave up its name and left the book
	ActionReserved   Action = "reserved"   // a name was reserved
	ActionUnreserved Action = "unreserved" // a ruling on a name was taken back
	ActionLetPass    Action = "let_pass"   // a name may be registered though it looks like another
)

// A Via is a way by which changes come.
type Via string

// The ways.
const (
	ViaWeb       Via = "web"
	ViaAPI       Via = "api"
	ViaImport    Via = "import"
	ViaRegistrar Via = "registrar" // who has access to the database
	ViaMigration Via = "migration" // the change made the book's older entries part of the journal
)

// An Origin says where a change comes from.
type Origin struct {
	At     time.Time // UTC, to the microsecond
	Via    Via
	Who    string // the registrar's name; "" for visitors
	Reason string // in the registrar's words
	Policy string // the version of the policy that it was judged by
}

// An Event is one change to the book, as the journal tells it: Before is what
// there was of the names concerned, After what there is since.
type Event struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Action Action    `json:"action"`
	Via    Via       `json:"via"`
	Who    string    `json:"who,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Policy string    `json:"policy,omitempty"`
	Before State     `json:"before,omitzero"`
	After  State     `json:"after,omitzero"`
}

// A State is a pet and a ruling, where there are such.
type State struct {
	Pet    *PetState    `json:"pet,omitempty"`
	Ruling *RulingState `json:"ruling,omitempty"`
}

// A PetState is an entry of the book.
type PetState struct {
	Name          string    `json:"name"`
	NameKey       string    `json:"name_key"`
	LookalikeKey  string    `json:"lookalike_key"`
	LetPass       bool      `json:"let_pass,omitempty"` // it holds no lookalike key against others
	FavoriteColor Color     `json:"favorite_color"`
	Category      Category  `json:"category"`
	RegisteredAt  time.Time `json:"registered_at"`
}

// A RulingState is a Ruling.
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
func NewPetState(p Pet, letPass bool) *PetState {
	return &PetState{p.Name.display, p.Name.key, p.Name.LookalikeKey(), letPass, p.FavoriteColor, p.Category, p.RegisteredAt.UTC()}
}

// Pet returns the pet that s is the state of.
func (s *PetState) Pet() Pet {
	return Pet{Name{s.Name, s.NameKey}, s.FavoriteColor, s.Category, s.RegisteredAt.UTC()}
}

// NewRulingState returns the state of r.
func NewRulingState(r Ruling) *RulingState {
	return &RulingState{r.Kind, r.Name.display, r.Name.key, r.Name.LookalikeKey(), r.Reason, r.At.UTC(), r.Until.UTC()}
}

// Ruling returns the ruling that s is the state of.
func (s *RulingState) Ruling() Ruling {
	return Ruling{s.Kind, Name{s.Name, s.NameKey}, s.Reason, s.At.UTC(), s.Until.UTC()}
}

// NewEvent returns an Event without a number: Head.Append gives it one.
func NewEvent(a Action, o Origin, before, after State) Event {
	return Event{At: o.At.UTC(), Action: a, Via: o.Via, Who: o.Who, Reason: o.Reason, Policy: o.Policy, Before: before, After: after}
}

// Key returns the comparison key of the name that e is about, and that of the
// name before, if that was another.
func (e Event) Key() (key, former string) {
	key = e.After.key()
	if before := e.Before.key(); key == "" {
		key = before
	} else if before != key {
		former = before
	}
	return key, former
}

// key prefers the pet: a renamed pet leaves a ruling on its old name.
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

// A Head is where a journal ends. The zero Head is that of an empty journal.
type Head struct {
	Seq  int64
	Hash [sha256.Size]byte
}

// String returns h in the form that ParseHead reads: "7:" and 64 hexadecimal
// digits.
func (h Head) String() string { return fmt.Sprintf("%d:%x", h.Seq, h.Hash) }

// ParseHead reads what String has written.
func ParseHead(s string) (Head, error) {
	var h Head
	seq, hash, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	b, hexErr := hex.DecodeString(hash)
	if err != nil || n < 0 || hexErr != nil || len(b) != len(h.Hash) {
		return h, fmt.Errorf("%q is no head of a journal: that is a number, a colon and 64 hexadecimal digits, as “nametag journal verify” prints it", s)
	}
	h.Seq = n
	copy(h.Hash[:], b)
	return h, nil
}

// A Record is an Event as the journal has it: the text of the event, and the
// SHA-256 over the hash of the record before (32 zero bytes for the first) and
// that text.
type Record struct {
	Seq            int64
	Key, FormerKey string // as Event.Key returns them
	Entry          []byte // the Event in JSON, one line
	Hash           [sha256.Size]byte
}

// Append returns e as the record that follows h.
func (h Head) Append(e Event) Record {
	e.Seq = h.Seq + 1
	key, former := e.Key()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		panic(err) // such values always marshal
	}
	entry := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return Record{e.Seq, key, former, entry, h.hash(entry)}
}

func (h Head) hash(entry []byte) (sum [sha256.Size]byte) {
	d := sha256.New()
	d.Write(h.Hash[:])
	d.Write(entry)
	d.Sum(sum[:0])
	return sum
}

// Head returns the head of a journal that ends with r.
func (r Record) Head() Head { return Head{r.Seq, r.Hash} }

// Event reads the event.
func (r Record) Event() (Event, error) {
	var e Event
	if err := json.Unmarshal(r.Entry, &e); err != nil {
		return e, fmt.Errorf("row %d of the journal can't be read: %w", r.Seq, err)
	}
	return e, nil
}

// fault says what is wrong with r as the record after h; "" for nothing.
func (r Record) fault(h Head) string {
	switch {
	case r.Seq <= h.Seq:
		return fmt.Sprintf("Row %d stands twice.", r.Seq)
	case r.Seq == h.Seq+2:
		return fmt.Sprintf("Row %d is missing.", h.Seq+1)
	case r.Seq > h.Seq+1:
		return fmt.Sprintf("Rows %d to %d are missing.", h.Seq+1, r.Seq-1)
	case r.Hash != h.hash(r.Entry) && h.Seq == 0:
		return fmt.Sprintf("Row %d is not what was written.", r.Seq)
	case r.Hash != h.hash(r.Entry):
		return fmt.Sprintf("Row %d is not what was written, or row %d before it is not.", r.Seq, h.Seq)
	}
	e, err := r.Event()
	if err != nil {
		return fmt.Sprintf("Row %d was never written by nametag: its hash is right, but its entry is not.", r.Seq)
	}
	if key, former := e.Key(); e.Seq != r.Seq || key != r.Key || former != r.FormerKey {
		return fmt.Sprintf("Row %d is filed under other names than its entry says.", r.Seq)
	}
	return ""
}

// A JournalQuery says which records are wanted: all of them, or those about one
// name.
type JournalQuery struct {
	After int64  // only those with higher numbers
	Key   string // only those that have this Key or FormerKey; "" for all
	Limit int    // at least 1
}

// journalPage is how many records are read at once.
const journalPage = 1000

// EachRecord visits the records after a number, in their order, until visit
// returns an error.
func (r *Registry) EachRecord(ctx context.Context, after int64, visit func(Record) error) error {
	for {
		page, err := r.store.Journal(ctx, JournalQuery{After: after, Limit: journalPage})
		if err != nil {
			return err
		}
		for _, rec := range page {
			if err := visit(rec); err != nil {
				return err
			}
			after = rec.Seq
		}
		if len(page) < journalPage {
			return nil
		}
	}
}

// A Verification is what VerifyJournal found.
type Verification struct {
	Head   Head     // where the journal ends
	Faults []string // a sentence each; none if all is well
}

// maxFaults is how many faults are told of.
const maxFaults = 100

// VerifyJournal reads the whole journal and finds rows that were altered,
// removed or inserted. Whoever alters a row and writes all rows after it anew
// leaves no trace in the journal itself: that takes a head that was noted
// elsewhere, before. progress, if not nil, hears of each row's number.
func (r *Registry) VerifyJournal(ctx context.Context, noted []Head, progress func(int64)) (Verification, error) {
	end, err := r.store.JournalHead(ctx)
	if err != nil {
		return Verification{}, err
	}
	var v Verification
	fault := func(s string) {
		if s != "" && len(v.Faults) < maxFaults {
			v.Faults = append(v.Faults, s)
		}
	}
	hashes := make(map[int64][sha256.Size]byte, len(noted)+1)
	keep := map[int64]bool{end.Seq: true}
	for _, h := range noted {
		keep[h.Seq] = true
	}
	hashes[0] = v.Head.Hash
	err = r.EachRecord(ctx, 0, func(rec Record) error {
		fault(rec.fault(v.Head))
		v.Head = rec.Head()
		if keep[rec.Seq] {
			hashes[rec.Seq] = rec.Hash
		}
		if progress != nil {
			progress(rec.Seq)
		}
		return nil
	})
	if err != nil {
		return v, err
	}
	for _, h := range noted {
		if hash, ok := hashes[h.Seq]; !ok {
			fault(fmt.Sprintf("Row %d was noted, but is not there: the journal ends with row %d.", h.Seq, v.Head.Seq))
		} else if hash != h.Hash {
			fault(fmt.Sprintf("Row %d is not the one that was noted: it, or rows before it, were written anew.", h.Seq))
		}
	}
	if hash, ok := hashes[end.Seq]; !ok || hash != end.Hash {
		fault(fmt.Sprintf("The journal should end with row %d, but that row is not there or is another.", end.Seq))
	}
	return v, nil
}
