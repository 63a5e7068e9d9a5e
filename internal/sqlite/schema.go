package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"nametag"
	"nametag/internal/migrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

func newMigrator() (*migrate.Migrator, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return migrate.New(migrate.SQLite, files)
}

// settleSchema does with the schema what opts ask for.
func (s *Store) settleSchema(ctx context.Context, opts Options) error {
	if err := s.refuseForeign(ctx); err != nil {
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

// refuseForeign returns an error if the file is another program's database.
func (s *Store) refuseForeign(ctx context.Context) error {
	version, err := s.schema.Version(ctx, s.writer)
	if err != nil || version > 0 {
		return err
	}
	var tables int
	err = s.writer.QueryRowContext(ctx,
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
		return 0, 0, nametag.Unavailable(errClosed)
	}
	defer s.calls.leave()
	lock, err := lockForStarting(ctx, s.file)
	if err != nil {
		return 0, 0, err
	}
	defer lock.Unlock()
	from, to, err = s.schema.Up(ctx, s.writer)
	return from, to, failure(ctx, "migrate", err)
}

// Ready implements nametag.Store. It also notices when the file was deleted or
// replaced under the program, whose writes would then be lost.
func (s *Store) Ready(ctx context.Context) error {
	if !s.calls.enter() {
		return nametag.Unavailable(errClosed)
	}
	defer s.calls.leave()
	if now, err := os.Stat(s.file); err != nil || !os.SameFile(now, s.inode) {
		return nametag.Unavailable(errors.Join(
			fmt.Errorf("sqlite: %s was deleted or replaced while it was open: start nametag again", s.file), err))
	}
	return failure(ctx, "check the schema", s.schema.Ready(ctx, s.reader))
}
