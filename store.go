package nametag

import (
	"context"
	"time"
)

// A Store keeps the book. Every method may be called by several goroutines at
// once, and several processes may use one database.
//
// Errors: a database that can't be reached or is too busy is an *Error with
// CodeUnavailable; a context that ended is the context's error, wrapped; any
// other failure has no code and is a defect.
type Store interface {
	// Insert enters pets into the book in one transaction, in one statement for
	// one pet or a thousand, and tells of each, in the order given, what became
	// of it. The unique constraint on the name's key decides: of any number of
	// entries for one key, here and in other processes, exactly one is
	// registered, and within one call it is the first. An entry that loses does
	// not hinder the others. When Insert returns without an error, everything
	// that it reports as registered is on disk. When it fails, nothing was
	// entered, unless the connection broke while it was committing: an
	// idempotency key tells.
	//
	// An entry with an idempotency key that was used before, in this call or
	// earlier, is not entered: it gets the first answer again if its
	// fingerprint is the same, and InsertKeyReused if not.
	Insert(ctx context.Context, entries []Entry) ([]Result, error)

	// Find returns the pets that have these keys, by key. A key that nobody has
	// is absent from the map.
	Find(ctx context.Context, keys []string) (map[string]Pet, error)

	// List returns at most q.Limit pets, newest first: by RegisteredAt
	// descending, then by key ascending. Searches, by name or by category, may
	// have to read the whole book: only a few run at once and none for long, and
	// one that gets no turn is an *Error with CodeUnavailable.
	List(ctx context.Context, q ListQuery) ([]Pet, error)

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
	IdempotencyKey string   // UTF-8 without NUL; "" for none
	Fingerprint    [32]byte // tells registrations apart that come with one idempotency key
}

// InsertStatus says what became of an Entry.
type InsertStatus int

// What may become of an Entry.
const (
	InsertRegistered InsertStatus = iota + 1 // the pet is in the book
	InsertTaken                              // another pet has the name
	InsertKeyReused                          // the idempotency key belongs to another registration
)

// A Result tells what became of an Entry.
type Result struct {
	Status InsertStatus

	// Pet is the pet as registered, with InsertRegistered; the pet that has the
	// name, with InsertTaken (the zero Pet if it lost the name meanwhile); and
	// the zero Pet with InsertKeyReused.
	Pet Pet
}

// A ListQuery says which pets List is to return.
type ListQuery struct {
	Contains string   // the pet's key contains this; "" for all
	Category Category // "" for all
	After    Cursor   // only pets that come after this place; the zero Cursor for all
	Limit    int      // at least 1
}
