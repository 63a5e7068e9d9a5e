// Package storetest holds every promise that registry.Store makes, and what
// both stores promise beyond it, against a store: each store's own tests run
// it.
package storetest

import (
	"context"
	"testing"

	"nametag/internal/registry"
)

// A Database is a database for one test. It begins empty.
type Database interface {
	// Open opens it. The suite closes what it gets.
	Open(ctx context.Context, opts Options) (Store, error)

	// Execute runs a statement behind the back of the stores.
	Execute(t testing.TB, statement string)

	// Protect makes deleting an idempotency key fail until lift is called.
	Protect(t testing.TB, key string) (lift func())
}

// A Store is a registry.Store as both of ours are.
type Store interface {
	registry.Store
	Migrate(ctx context.Context) (from, to int64, err error)

	// What is kept of getting certificates, each under a name. Saving and
	// deleting are atomic, and what was saved is on disk. They fail as the
	// methods of registry.Store do.
	LoadACME(ctx context.Context, name string) ([]byte, error)
	SaveACME(ctx context.Context, name string, data []byte) error
	DeleteACME(ctx context.Context, name string) error

	// LockACME waits for a lock that many on the database hold one after another.
	LockACME(ctx context.Context) (unlock func(), err error)
}

// Options are the options that both stores have.
type Options struct {
	ReadOnly        bool
	Migrate         bool
	SkipSchemaCheck bool
}

// Run tests the store on the databases that create returns.
func Run(t *testing.T, create func(testing.TB) Database) {
	for _, group := range []struct {
		name  string
		tests map[string]func(*testing.T, registry.Store)
	}{
		{"Insert", insertTests},
		{"Race", raceTests},
		{"IdempotencyKey", keyTests},
		{"Find", findTests},
		{"List", listTests},
		{"Life", lifeTests},
		{"Law", lawTests},
		{"Free", freeTests},
		{"State", stateTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, openNew(t, create(t)))
				})
			}
		})
	}
	for _, group := range []struct {
		name  string
		tests map[string]func(*testing.T, Database)
	}{
		{"Database", databaseTests},
		{"ACME", acmeTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, create(t))
				})
			}
		})
	}
	t.Run("AgreesWithTheModel", func(t *testing.T) {
		t.Parallel()
		agreesWithModel(t, openNew(t, create(t)))
	})
}

// openNew opens a database that has no schema yet.
func openNew(t testing.TB, db Database) Store {
	t.Helper()
	return open(t, db, Options{Migrate: true})
}

func open(t testing.TB, db Database, opts Options) Store {
	t.Helper()
	s, err := db.Open(t.Context(), opts)
	return Opened(t, s, err)
}

func refused(t testing.TB, db Database, opts Options) string {
	t.Helper()
	s, err := db.Open(t.Context(), opts)
	return Refused(t, s, err)
}
