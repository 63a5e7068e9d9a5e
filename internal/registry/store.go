package registry

import (
	"context"
	"time"
)

// A Store keeps the book. Every method may be called by several goroutines at
// once, and several processes may use one database.
//
// Whatever changes the book adds to the journal in the same transaction. Who
// changes it holds the journal's head, so changes happen one after another, and
// the numbers of the journal have no gaps and are in the order of the commits.
//
// Errors: a database that can't be reached or is too busy is an *Error with
// CodeUnavailable; a context that ended is the context's error, wrapped; any
// other failure has no code and is a defect.
type Store interface {
	// Insert enters pets into the book in one transaction, in as many statements
	// for one pet as for a thousand, and tells of each, in the order given, what
	// became of it. The unique constraints on the name's key and on its lookalike key
	// decide: of any number of entries for one of them, here and in other
	// processes, exactly one is registered, and within one call it is the first.
	// A ruling in force keeps its name and its lookalikes from everybody. A pet
	// that is let pass, by its entry or by a ruling, has no part in the
	// constraint on lookalikes; it uses up the ruling. An entry that loses does
	// not hinder the others. When Insert returns without an error, everything
	// that it reports as registered is on disk. When it fails, nothing was
	// entered, unless the connection broke while it was committing: an
	// idempotency key tells.
	//
	// An entry with an idempotency key that was used before, in this call or
	// earlier, is not entered: it gets the first answer again if its
	// fingerprint is the same, and InsertKeyReused if not.
	Insert(ctx context.Context, entries []Entry) ([]Result, error)

	// Apply makes one change that is not the entering of a pet.
	Apply(ctx context.Context, c Change) (Result, error)

	// Look returns, in the order given, what stands in the way of whoever wants
	// these names.
	Look(ctx context.Context, at time.Time, names []Name) ([]Obstacle, error)

	// Find returns the pets that have these keys, by key. A key that nobody has
	// is absent from the map.
	Find(ctx context.Context, keys []string) (map[string]Pet, error)

	// EachKey visits the keys of all pets, in any order, as they are at one
	// moment after it was called: the comparison key, and the lookalike key that
	// the pet holds against others, empty if it was let pass. The slices are
	// valid until visit returns. With millions of pets it takes seconds.
	EachKey(ctx context.Context, visit func(key, lookalike []byte)) error

	// EachState visits every pet, oldest first, by RegisteredAt and then by key,
	// and after them every ruling, by the key of its name, all as they are at one
	// moment after it was called, until visit returns an error, which it returns.
	// The head is where the journal ended at that moment, the zero Head if that is
	// missing. With millions of pets it takes minutes, and nobody waits for it.
	EachState(ctx context.Context, visit func(State) error) (Head, error)

	// List returns at most q.Limit pets, newest first: by RegisteredAt
	// descending, then by key ascending. Searches, by name or by category, may
	// have to read the whole book: only a few run at once and none for long, and
	// one that gets no turn is an *Error with CodeUnavailable.
	List(ctx context.Context, q ListQuery) ([]Pet, error)

	// Rulings returns at most limit rulings, as the book has them, by the keys of
	// their names, after the one with this key. Those whose time is over may be
	// among them.
	Rulings(ctx context.Context, after string, limit int) ([]*RulingState, error)

	// Journal returns at most q.Limit records, by their numbers.
	Journal(ctx context.Context, q JournalQuery) ([]Record, error)

	// Strays returns at most limit records, by their numbers, that Journal does not
	// find by the keys that they have: the pets that they entered should lead to
	// them, and do not. There are none unless somebody changed the database past
	// nametag. With millions of records it takes minutes, and nobody waits for it.
	Strays(ctx context.Context, limit int) ([]Record, error)

	// JournalHead returns where the journal ends. The error wraps ErrNoHead if
	// that is missing; so does that of whatever changes the book.
	JournalHead(ctx context.Context) (Head, error)

	// ForgetKeys deletes what is remembered of idempotency keys used before t,
	// and returns how many there were, also when it failed half-way.
	ForgetKeys(ctx context.Context, t time.Time) (int64, error)

	// Ready returns nil when the database answers and its schema is one that
	// this program can work with.
	Ready(ctx context.Context) error

	// Close waits for calls under way and releases the database.
	Close() error
}

// An Entry is what Insert is to enter into the book.
type Entry struct {
	Pet            Pet
	LetPass        bool // though it looks like another, or like a name with a ruling
	HoldsNoKey     bool // and keeps nobody away who looks like it: it was let pass in an older book
	Action         Action
	Origin         Origin
	IdempotencyKey string   // UTF-8 without NUL; "" for none
	Fingerprint    [32]byte // tells registrations apart that come with one idempotency key

	// FreeAt, if it is not zero, is where the journal ended when nothing in the
	// book had to do with the name: no pet and no ruling, on it or on one that
	// looks like it. Where the journal ends there still, the Store need not look.
	FreeAt Head
}

// A Change is what Apply is to do.
//
//   - ActionRenamed: the pet that has Key gets Name, as Insert would give it;
//     its old name is in quarantine until Until.
//   - ActionCorrected: the pet that has Key gets FavoriteColor and Category,
//     where they are not empty.
//   - ActionReleased: the pet that has Key leaves the book; its name is in
//     quarantine until Until.
//   - ActionReserved: Name, which no pet has, gets a ruling, in place of the one
//     that it had.
//   - ActionLetPass: the same, unless a ruling in force keeps Name from people.
//   - ActionUnreserved: the ruling on Key is taken back.
//
// A quarantine that would end at once is none.
type Change struct {
	Action  Action
	Key     string
	Name    Name
	LetPass bool // with ActionRenamed, as in an Entry
	Until   time.Time
	Origin  Origin

	FavoriteColor Color    // with ActionCorrected; "" for what the pet has
	Category      Category // the same
}

// A ResultStatus says what became of an Entry or a Change.
type ResultStatus int

// What may become of an Entry or a Change.
const (
	InsertRegistered ResultStatus = iota + 1 // the pet is in the book
	InsertTaken                              // another pet has the name
	InsertSimilar                            // another pet has a name that looks like it
	InsertReserved                           // a ruling is in the way
	InsertKeyReused                          // the idempotency key belongs to another registration
	ChangeDone                               // the change was made
	ChangeNotFound                           // there is no such pet, or no such ruling
)

// A Result tells what became of an Entry or a Change.
type Result struct {
	Status ResultStatus

	// Pet is the pet as registered, with InsertRegistered; the pet that is in
	// the way, with InsertTaken and InsertSimilar (the zero Pet if it lost the
	// name meanwhile); the pet as it is since, or was before it was released,
	// with ChangeDone; and the zero Pet otherwise.
	Pet Pet

	// Ruling is the one that is in the way, with InsertReserved; the one that
	// was made, a quarantine too, or taken back, with ChangeDone; and the zero
	// Ruling otherwise.
	Ruling Ruling

	// Record is what the journal has of it, if this call changed the book, and
	// the zero Record otherwise.
	Record Record
}

// An Obstacle is what stands in the way of whoever wants a name: nothing, or
// the first of these that there is.
type Obstacle struct {
	Holder  *Pet    // has the name
	Ruling  *Ruling // in force, on the name or on one that looks like it
	Similar *Pet    // has a name that looks like it, and no ruling lets this one pass
}

// An Index knows which names are to be had without asking a Store. Its methods
// may be called by several goroutines at once.
type Index interface {
	// Glance does for one name what Store.Look does, from memory. It knows whether
	// there is a pet in the way, but not which: it is a zero Pet, which nobody may
	// change. asOf is when what it knows was last known to be all that there is; ok
	// is false, and nothing is known, until it is ready.
	Glance(at time.Time, name Name) (o Obstacle, asOf time.Time, ok bool)

	// GlanceAll is Glance for several names, in the order given. What it looks at
	// comes from memory at once.
	GlanceAll(at time.Time, names []Name) (obstacles []Obstacle, asOf time.Time, ok bool)
}

// A ListQuery says which pets List is to return.
type ListQuery struct {
	Contains string   // the pet's key contains this; "" for all
	Category Category // "" for all
	After    Cursor   // only pets that come after this place; the zero Cursor for all
	Limit    int      // at least 1
}
