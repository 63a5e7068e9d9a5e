package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"nametag/internal/sqlite"
	"nametag/internal/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, newDatabase) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, newDatabase) }

// A database is a file for the conformance suite.
type database struct{ path string }

func newDatabase(t testing.TB) storetest.Database {
	return database{filepath.Join(t.TempDir(), "new", "book.db")}
}

func (d database) Open(ctx context.Context, opts storetest.Options) (storetest.Store, error) {
	return sqlite.Open(ctx, d.path, sqlite.Options{
		ReadOnly: opts.ReadOnly, Migrate: opts.Migrate, SkipSchemaCheck: opts.SkipSchemaCheck, Logger: opts.Logger})
}

func (d database) Execute(t testing.TB, statement string) {
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		t.Fatal(err)
	}
	execute(t, raw(t, d.path), statement)
}

func (d database) Schema(t testing.TB) (schema string) {
	err := raw(t, d.path).QueryRowContext(t.Context(), `
		SELECT group_concat(name || ': ' || sql, char(10)) FROM (SELECT name, sql FROM sqlite_schema ORDER BY name)`).Scan(&schema)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func (d database) Protect(t testing.TB, key string) (lift func()) {
	d.Execute(t, `CREATE TRIGGER protect BEFORE DELETE ON idempotency_keys WHEN old.key = '`+key+`'
		BEGIN SELECT RAISE(ABORT, 'protected'); END`)
	return func() { d.Execute(t, `DROP TRIGGER protect`) }
}

func open(t testing.TB, path string, opts sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts)
	return storetest.Opened(t, s, err)
}

// refused sees that path is not opened, and returns what is said.
func refused(t testing.TB, path string, opts sqlite.Options) string {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts)
	return storetest.Refused(t, s, err)
}

// raw opens the file behind the store's back.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
