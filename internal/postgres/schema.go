package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgconn"

	"nametag/internal/migrate"
	"nametag/internal/registry"
)

//go:embed migrations/*.sql
var migrations embed.FS

func newMigrator() (*migrate.Migrator, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return migrate.New(migrate.PostgreSQL, files, registry.LookalikeKeyVersion)
}

// Migrate brings the database to the schema and the lookalike keys that the program needs, and returns the schema
// versions before and after. It may run alongside servers, and in several processes at once. A database that is newer
// than the program is a *migrate.SchemaError.
func (s *Store) Migrate(ctx context.Context) (from, to int64, err error) {
	if s.readOnly {
		return 0, 0, errReadOnly
	}
	from, to, err = s.schema.Up(ctx, s.db)
	if err == nil {
		err = s.rekey(ctx, registry.LookalikeKeyVersion, registry.Name.LookalikeKey)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case "42P07": // duplicate_table
			return from, to, fmt.Errorf("the database has tables that nametag did not create (%s): "+
				"give it a database of its own, and import the pets: %w", e.Message, err)
		case "42501": // insufficient_privilege
			return from, to, fmt.Errorf("the user of the database may not create tables in it: "+
				"make that user its owner: %w", err)
		}
	}
	return from, to, failure(ctx, "migrate", err)
}

// Ready implements registry.Store.
func (s *Store) Ready(ctx context.Context) error {
	return s.call(ctx, "check the schema", func(ctx context.Context) error { return s.schema.Ready(ctx, s.db) })
}
