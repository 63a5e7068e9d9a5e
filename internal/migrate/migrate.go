// Package migrate brings a database to the schema that the program needs, and reports
// which schema it has. Both stores use it.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// A Dialect is a kind of database.
type Dialect struct {
	goose  goose.Dialect
	exists string // a query for whether a table exists
	locks  bool   // whether there are advisory locks that belong to a session
}

// The dialects. SQLite has no advisory locks, so the caller of Up must keep other processes out.
var (
	SQLite = Dialect{
		goose:  goose.DialectSQLite3,
		exists: `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1)`,
	}
	PostgreSQL = Dialect{
		goose:  goose.DialectPostgres,
		exists: `SELECT to_regclass($1) IS NOT NULL`,
		locks:  true,
	}
)

// A SchemaError means that the program cannot use the database, which has another
// schema than the program or an older version of lookalike keys.
type SchemaError struct {
	Database int64 // the version of the database; 0 for none
	Program  int64 // the version that the program needs
	Keys     bool  // whether these are versions of lookalike keys, not of schemas
}

// Error returns a message that says what to do.
func (e *SchemaError) Error() string {
	switch {
	case e.Keys:
		return fmt.Sprintf("The database has lookalike keys of version %d, this nametag needs version %d: run “nametag migrate”",
			e.Database, e.Program)
	case e.Database > e.Program:
		return fmt.Sprintf("The database is at schema %d, this nametag knows %d: use a newer nametag",
			e.Database, e.Program)
	default:
		return fmt.Sprintf("The database is at schema %d, this nametag needs %d: run “nametag migrate”",
			e.Database, e.Program)
	}
}

// A Migrator applies the migrations of one kind of database. Its methods may be called by several goroutines at once.
type Migrator struct {
	dialect Dialect
	files   fs.FS
	target  int64
	keys    int64
}

// New returns a Migrator for the goose migrations in files: 00001_name.sql and so on, without gaps. keys is the version
// of the lookalike keys that the program computes.
func New(d Dialect, files fs.FS, keys int64) (*Migrator, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	m := &Migrator{dialect: d, files: files, keys: keys}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, fmt.Errorf("migrate: %w", err)
		}
		m.target = max(m.target, version)
	}
	return m, nil
}

// A Querier is a database or a transaction in it.
type Querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Version returns the schema version of db, 0 for none. It changes nothing. It runs
// two queries, which see the same state only in a transaction.
func (m *Migrator) Version(ctx context.Context, db Querier) (int64, error) {
	return m.highest(ctx, db, "goose_db_version", "version_id")
}

// highest returns the highest number in a column, 0 without the table or a row.
func (m *Migrator) highest(ctx context.Context, db Querier, table, column string) (n int64, err error) {
	var exists bool
	if err := db.QueryRowContext(ctx, m.dialect.exists, table).Scan(&exists); err != nil || !exists {
		return 0, err
	}
	err = db.QueryRowContext(ctx, fmt.Sprintf(`SELECT coalesce(max(%s), 0) FROM %s`, column, table)).Scan(&n)
	return n, err
}

// Check returns a *SchemaError unless the program may use db: db has the schema that
// the program needs, or a newer one that allows it.
func (m *Migrator) Check(ctx context.Context, db Querier) error {
	if err := m.Ready(ctx, db); err != nil {
		return err
	}
	return m.NotNewer(ctx, db)
}

// Ready returns a *SchemaError if db has an older schema than the program needs, or
// older lookalike keys. It accepts a newer schema: during a rolling upgrade the
// replicas of the old version continue to serve while those of the new one start.
func (m *Migrator) Ready(ctx context.Context, db Querier) error {
	version, err := m.Version(ctx, db)
	if err == nil && version < m.target {
		err = &SchemaError{Database: version, Program: m.target}
	}
	if err != nil {
		return err
	}
	keys, err := m.highest(ctx, db, "lookalike_keys", "version")
	if err == nil && keys < m.keys {
		err = &SchemaError{Database: keys, Program: m.keys, Keys: true}
	}
	return err
}

// NotNewer returns a *SchemaError if db has a newer schema than the program knows,
// unless its schema_floor allows the program.
func (m *Migrator) NotNewer(ctx context.Context, db Querier) error {
	version, err := m.Version(ctx, db)
	if err != nil || version <= m.target {
		return err
	}
	floor, err := m.highest(ctx, db, "schema_floor", "version")
	if err == nil && (floor == 0 || floor > m.target) {
		err = &SchemaError{Database: version, Program: m.target}
	}
	return err
}

// Up applies the pending migrations, and returns the schema versions before and after; after an error, both are the one
// before. It refuses a database that NotNewer refuses, and does not change any other newer one. If the dialect has
// advisory locks, several processes may call Up at once: one migrates, the others wait and then find nothing to do.
func (m *Migrator) Up(ctx context.Context, db *sql.DB) (from, to int64, err error) {
	from, err = m.Version(ctx, db)
	switch {
	case err != nil:
		return 0, 0, err
	case from >= m.target:
		return from, from, m.NotNewer(ctx, db)
	}
	provider, err := m.provider(db)
	if err != nil {
		return from, from, err
	}
	applied := false
	for version := from + 1; version <= m.target; version++ {
		// Not provider.Up: it creates goose's table before it has the lock, which fails if another process does the
		// same.
		_, err := provider.ApplyVersion(ctx, version, true)
		switch {
		case err == nil:
			applied = true
		case !errors.Is(err, goose.ErrAlreadyApplied):
			return from, from, fmt.Errorf("migrate: %w", err)
		}
	}
	// Other processes, even of newer programs, may have migrated while this one waited.
	if to, err = m.Version(ctx, db); err != nil {
		return from, from, err
	}
	if !applied {
		from = to
	}
	return from, to, m.NotNewer(ctx, db)
}

func (m *Migrator) provider(db *sql.DB) (*goose.Provider, error) {
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if m.dialect.locks {
		const attempts = 300 // one a second
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, attempts))
		if err != nil {
			return nil, fmt.Errorf("migrate: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(m.dialect.goose, db, m.files, options...)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	return provider, nil
}
