// Package storetest is the conformance suite of registry.Store, and of what both stores
// promise beyond it. The tests of each store run it.
package storetest

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"nametag/internal/registry"
)

// A Database is a database for one test. It begins empty.
type Database interface {
	// Open opens the database. The suite closes the store.
	Open(ctx context.Context, opts Options) (Store, error)

	// Execute runs a statement without a store.
	Execute(t testing.TB, statement string)

	// Schema returns the definition of every table, column, constraint and index.
	Schema(t testing.TB) string

	// Protect makes deleting an idempotency key fail until lift is called.
	Protect(t testing.TB, key string) (lift func())
}

// A Store is a registry.Store with what both stores have beyond it.
type Store interface {
	registry.Store
	Migrate(ctx context.Context) (from, to int64, err error)

	// Rekey recomputes the lookalike keys as Migrate does in a program with another algorithm.
	Rekey(ctx context.Context, version int64, keyOf func(registry.Name) string) error

	// LoadACME, SaveACME and DeleteACME are the cache of an ACME client. Saving and deleting are atomic, and saved data
	// is on disk. Their errors are those of the methods of registry.Store.
	LoadACME(ctx context.Context, name string) ([]byte, error)
	SaveACME(ctx context.Context, name string, data []byte) error
	DeleteACME(ctx context.Context, name string) error

	// LockACME waits for a lock that only one process or goroutine holds at a time.
	LockACME(ctx context.Context) (unlock func(), err error)
}

// Options are the options that both stores have.
type Options struct {
	ReadOnly        bool
	Migrate         bool
	SkipSchemaCheck bool
	Logger          *slog.Logger
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
	t.Run("Upgrade", func(t *testing.T) {
		for schema, want := range upgrades {
			t.Run(fmt.Sprint("Schema", schema), func(t *testing.T) {
				t.Parallel()
				upgraded(t, create, schema, want)
			})
		}
	})
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
