package registry

import (
	"context"
	"time"
)

// A Store keeps the pets, the rulings and the journal. Its methods may be called
// by several goroutines at once, and several processes may use one database.
//
// A change to the registry and its journal rows are one transaction. A transaction that changes the registry locks the
// journal head, so changes happen one after another, and the numbers of the journal's rows have no gaps and are in the
// order of the commits.
//
// Errors: if the database cannot be reached or is too busy, the error is an *Error with CodeUnavailable. If a context
// ended, it wraps the context's error. Any other failure has no code and is a defect.
type Store interface {
	// Insert registers pets in one transaction, as InsertTx decides. The unique constraints on the comparison key and
	// on the lookalike key are the final safeguard: of any number of entries for one of them, here and in other
	// processes, exactly one is registered, and within one call it is the first. When Insert returns without an error,
	// everything that it reports as registered is on disk. When it fails, nothing was registered, unless the connection
	// broke during the commit: then an idempotency key tells.
	Insert(ctx context.Context, entries []Entry) ([]Decision, error)

	// Apply makes one change that does not register a pet, as ApplyTx decides.
	Apply(ctx context.Context, c Change) (Decision, error)

	// Lookup decides on names, in the order given, by what the registry has. A Store that answers from memory leaves
	// the rivals out unless q wants them, and sets AsOf if what it knows may be out of date.
	Lookup(ctx context.Context, q Inquiry) ([]Decision, error)

	// Find returns the pets that have these keys, by key. A key that no pet has is absent from the map.
	Find(ctx context.Context, keys []string) (map[string]Pet, error)

	// EachKey visits the keys of all pets, in any order, as they are at one moment: the comparison key, and the
	// lookalike key, empty if the pet is exempt. The slices are valid until visit returns. With millions of pets it
	// takes seconds.
	EachKey(ctx context.Context, visit func(key, lookalike []byte)) error

	// Snapshot visits every pet, oldest first, by RegisteredAt and then by key, and then every ruling, by the key of
	// its name, all as they are at one moment, until visit returns an error, which it returns. The head is where the
	// journal ended at that moment, the zero Head if it is missing. With millions of pets it takes minutes and blocks
	// nobody.
	Snapshot(ctx context.Context, visit func(State) error) (Head, error)

	// List returns at most q.Limit pets, newest first: by RegisteredAt descending, then by key ascending. A search, by
	// name or by category, may read all pets: only a few run at once, each for a bounded time, and one that gets no
	// turn is an *Error with CodeUnavailable.
	List(ctx context.Context, q ListQuery) ([]Pet, error)

	// Rulings returns at most limit rulings, by the keys of their names, after the
	// one with this key. Some may have expired.
	Rulings(ctx context.Context, after string, limit int) ([]*RulingState, error)

	// Journal returns at most q.Limit records, by their numbers.
	Journal(ctx context.Context, q JournalQuery) ([]Record, error)

	// Orphans returns at most limit records, by their numbers, that Journal does not find by their keys, because the
	// pets that should lead to them do not. There are none unless the database was changed without nametag. With
	// millions of records it takes minutes and blocks nobody.
	Orphans(ctx context.Context, limit int) ([]Record, error)

	// JournalHead returns where the journal ends. If the head is missing, its
	// error wraps ErrNoHead, and so does that of every change.
	JournalHead(ctx context.Context) (Head, error)

	// ForgetKeys deletes the idempotency keys that were used before t, and returns
	// how many it deleted, also with an error.
	ForgetKeys(ctx context.Context, t time.Time) (int64, error)

	// Ready returns nil when the database answers and its schema is one that this program can work with.
	Ready(ctx context.Context) error

	// Close waits for calls under way and releases the database.
	Close() error
}

// An Entry is a pet that Insert is to register.
type Entry struct {
	Pet             Pet
	AllowLookalike  bool // the name may look like another, and like a name with a ruling
	LookalikeExempt bool // other names may look like it, too
	Action          Action
	Origin          Origin
	IdempotencyKey  string   // UTF-8 without NUL; "" for none
	Fingerprint     [32]byte // tells apart registrations with one idempotency key

	// CheckedAt, if it is not zero, is where the journal ended when the registry had no pet and no ruling on the name
	// or on a lookalike of it. If the journal still ends there, the Store need not read.
	CheckedAt Head
}

// A Change is what Apply is to do.
//
//   - ActionRenamed: the pet that has Key gets Name, if Insert would register it;
//     its old name is in quarantine until Until.
//   - ActionCorrected: the pet that has Key gets FavoriteColor and Category,
//     where they are not empty.
//   - ActionReleased: the pet that has Key is removed; its name is in quarantine
//     until Until.
//   - ActionReserved: Name, which no pet has, gets a ruling, in place of the one
//     that it had.
//   - ActionAllowLookalike: the same, unless a ruling in force reserves Name.
//   - ActionUnreserved: the ruling on Key is taken back.
//
// A quarantine that would end at once is none.
type Change struct {
	Action         Action
	Key            string
	Name           Name
	AllowLookalike bool // with ActionRenamed, as in an Entry
	Until          time.Time
	Origin         Origin

	FavoriteColor Color    // with ActionCorrected; "" keeps the pet's
	Category      Category // the same
}

// An Inquiry asks whether names are available at a time.
type Inquiry struct {
	Names          []Name
	At             time.Time
	AllowLookalike bool // as in an Entry
	WithRivals     bool // the decisions must have the rivals, so the database must be asked
}

// A ListQuery says which pets List is to return.
type ListQuery struct {
	Contains string   // the pet's key contains this; "" for all
	Category Category // "" for all
	After    Cursor   // only pets that come after this place; the zero Cursor for all
	Limit    int      // at least 1
}
