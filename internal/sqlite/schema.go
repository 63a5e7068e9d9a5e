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

//go:embed migrations/*.sql migrations/steps/*.sql
var migrations embed.FS

func newMigrator() (*migrate.Migrator, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return migrate.New(migrate.SQLite, files, map[int64]migrate.Step{4: addNames, 5: addByPet})
}

// settleSchema does with the schema what opts ask for.
func (s *Store) settleSchema(ctx context.Context, opts Options) error {
	if err := s.refuseForeign(ctx, s.writer); err != nil {
		return err
	}
	switch {
	case opts.Migrate:
		_, _, err := s.schema.Up(ctx, s.writer)
		return err
	case opts.SkipSchemaCheck:
		return nil
	default:
		return s.schema.Check(ctx, s.writer)
	}
}

// look refuses a file that no program of ours may open, before anything is
// written, in it or beside it. It reads without the lock for starting, so what
// it lets pass is judged again under that lock.
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
		return nil // somebody is making it
	case resultCode(err) == sqlite3.SQLITE_READONLY, resultCode(err) == sqlite3.SQLITE_CANTOPEN:
		return nil // a crash left something that only a writer can undo
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

// Migrate brings the file to the schema that the program needs, and returns
// the schema that it had and the one that it has. It may run beside a server,
// and in several processes at once. A file that is newer than the program is a
// *migrate.SchemaError.
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
	from, to, err = s.schema.Up(ctx, s.writer)
	return from, to, failure(ctx, "migrate", err)
}

// Ready implements registry.Store. Like whatever writes, it notices when the file
// was deleted or replaced under the program: what is written then would be lost.
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

// addNames is the migration that gave names a lookalike key and the book a
// journal.
func addNames(ctx context.Context, tx *sql.Tx) error {
	if err := migrate.RunScript(ctx, tx, migrations, "migrations/steps/00004_names.sql"); err != nil {
		return err
	}
	if err := addByPet(ctx, tx); err != nil {
		return err
	}
	fill := registry.Backfill{Write: func(c registry.Changes) error { return (&transaction{Tx: tx}).Write(ctx, c) }}
	const before = `SELECT ` + petColumns + ` FROM pets_before ORDER BY registered_at_us, name_key`
	var failed error
	err := eachPet(ctx, tx, before, nil, func(p registry.Pet) {
		if failed == nil {
			failed = fill.Add(p)
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if err := fill.Flush(); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DROP TABLE pets_before`)
	return err
}

// addByPet is the migration that took most rows of the journal out of the index of
// names. addNames does it already, where there was no journal before.
func addByPet(ctx context.Context, tx *sql.Tx) error {
	var done bool
	err := tx.QueryRowContext(ctx, `SELECT count(*) > 0 FROM pragma_table_info('pets') WHERE name = 'entered_by'`).Scan(&done)
	if err != nil || done {
		return err
	}
	return migrate.RunScript(ctx, tx, migrations, "migrations/steps/00005_by_pet.sql")
}
