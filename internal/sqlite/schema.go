package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	sqlite3 "modernc.org/sqlite/lib"

	"nametag/internal/migrate"
	"nametag/internal/registry"
)

//go:embed migrations/*.sql
var migrations embed.FS

func newMigrator() (*migrate.Migrator, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return migrate.New(migrate.SQLite, files, registry.LookalikeKeyVersion)
}

// settleSchema checks or migrates the schema, as opts say.
func (s *Store) settleSchema(ctx context.Context, opts Options) error {
	if err := s.refuseForeign(ctx, s.writer); err != nil {
		return err
	}
	switch {
	case opts.Migrate:
		_, _, err := s.migrate(ctx)
		return err
	case opts.SkipSchemaCheck:
		return nil
	default:
		return s.schema.Check(ctx, s.writer)
	}
}

// look refuses a file that the program must not open, before anything is written in it or next to it. It reads without
// the lock for starting, so a file that it accepts is checked again under that lock.
func (s *Store) look(ctx context.Context, opts Options) error {
	info, err := os.Stat(s.file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil // there is nothing to refuse
	}
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	file, err := openReadOnly(s.file)
	if err != nil {
		return err
	}
	defer file.Close()
	err = file.snapshot(ctx, func(tx *sql.Tx) error {
		if err := s.refuseForeign(ctx, tx); err != nil || opts.SkipSchemaCheck && !opts.Migrate {
			return err
		}
		return s.schema.NotNewer(ctx, tx)
	})
	switch {
	case errors.Is(err, errMoved):
		return nil // another process is creating it
	case resultCode(err) == sqlite3.SQLITE_READONLY, resultCode(err) == sqlite3.SQLITE_CANTOPEN:
		return nil // a crash left a journal that only a writer can roll back
	}
	return explain(ctx, s.file, err)
}

// refuseForeign returns an error if the file is another program's database.
func (s *Store) refuseForeign(ctx context.Context, db migrate.Querier) error {
	version, err := s.schema.Version(ctx, db)
	if err != nil || version > 0 {
		return err
	}
	var tables int
	err = db.QueryRowContext(ctx,
		`SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> 'goose_db_version'`).Scan(&tables)
	if err != nil {
		return err
	}
	if tables > 0 {
		return fmt.Errorf("%s is another program's database: choose another file with --database", s.file)
	}
	return nil
}

// Migrate brings the file to the schema and the lookalike keys that the program needs, and returns the schema versions
// before and after. It may run alongside a server, and in several processes at once. A file that is newer than the
// program is a *migrate.SchemaError.
func (s *Store) Migrate(ctx context.Context) (from, to int64, err error) {
	if !s.calls.enter() {
		return 0, 0, registry.Unavailable(errClosed)
	}
	defer s.calls.leave()
	if s.writer == nil {
		return 0, 0, errReadOnly
	}
	lock, err := lockForStarting(ctx, s.file)
	if err != nil {
		return 0, 0, err
	}
	defer lock.Unlock()
	from, to, err = s.migrate(ctx)
	return from, to, failure(ctx, "migrate", err)
}

// migrate does the work of Migrate under the lock for starting.
func (s *Store) migrate(ctx context.Context) (from, to int64, err error) {
	from, to, err = s.schema.Up(ctx, s.writer)
	if err == nil {
		err = s.rekey(ctx, registry.LookalikeKeyVersion, registry.Name.LookalikeKey)
	}
	return from, to, err
}

// Ready implements registry.Store. Like every write, it notices that the file was
// deleted or replaced while it was open: later writes would be lost.
func (s *Store) Ready(ctx context.Context) error {
	return s.read(ctx, "check the schema", func() error {
		if err := s.isThere(); err != nil {
			return err
		}
		return s.schema.Ready(ctx, s.reader)
	})
}

// isThere returns an error if the file was deleted or replaced.
func (s *Store) isThere() error {
	now, err := os.Stat(s.file)
	if err == nil && os.SameFile(now, s.inode) {
		return nil
	}
	return registry.Unavailable(errors.Join(fmt.Errorf("%s was deleted or replaced while it was open: start nametag again", s.file), err))
}
