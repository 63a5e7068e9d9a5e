package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"nametag/internal/migrate"
	"nametag/internal/registry"
)

//go:embed migrations/*.sql migrations/steps/*.sql
var migrations embed.FS

func newMigrator() (*migrate.Migrator, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return migrate.New(migrate.PostgreSQL, files, map[int64]migrate.Step{4: addNames, 5: addByPet})
}

// Migrate brings the database to the schema that the program needs, and returns
// the schema that it had and the one that it has. It may run beside servers, and
// in several processes at once. A database that is newer than the program is a
// *migrate.SchemaError.
func (s *Store) Migrate(ctx context.Context) (from, to int64, err error) {
	if s.readOnly {
		return 0, 0, errReadOnly
	}
	from, to, err = s.schema.Up(ctx, s.db)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case "42P07": // duplicate_table
			return from, to, fmt.Errorf("the database has tables that this nametag did not make (%s): "+
				"give it a database of its own, and import the old book: %w", e.Message, err)
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

// addNames is the migration that gave names a lookalike key and the book a
// journal.
func addNames(ctx context.Context, tx *sql.Tx) error {
	if err := migrate.RunScript(ctx, tx, migrations, "migrations/steps/00004_names.sql"); err != nil {
		return err
	}
	if err := addByPet(ctx, tx); err != nil {
		return err
	}
	if err := fillNames(ctx, tx); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DROP TABLE pets_before`)
	return err
}

// fillNames reads through a cursor, for a connection does one thing at a time.
func fillNames(ctx context.Context, tx *sql.Tx) error {
	fill := registry.Backfill{Write: func(c registry.Changes) error {
		for _, s := range statements(c) {
			if _, err := tx.ExecContext(ctx, s.query, s.args...); err != nil {
				return err
			}
		}
		return nil
	}}
	_, err := tx.ExecContext(ctx, `
		DECLARE before NO SCROLL CURSOR FOR
		SELECT name_key, name, favorite_color, category, registered_at FROM pets_before ORDER BY registered_at, name_key`)
	for more := true; err == nil && more; {
		more = false
		var pets []registry.Pet
		if pets, err = fetch(ctx, tx); err != nil {
			break
		}
		for _, p := range pets {
			more = true
			if err = fill.Add(p); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	if err := fill.Flush(); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `CLOSE before`)
	return err
}

func fetch(ctx context.Context, tx *sql.Tx) (pets []registry.Pet, err error) {
	rows, err := tx.QueryContext(ctx, `FETCH 1000 FROM before`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key, name, color, category string
		var registered time.Time
		if err := rows.Scan(&key, &name, &color, &category, &registered); err != nil {
			return nil, err
		}
		pets = append(pets, petOf(key, name, color, category, registered))
	}
	return pets, rows.Err()
}

// addByPet is the migration that took most rows of the journal out of the index of
// names. addNames does it already, where there was no journal before.
func addByPet(ctx context.Context, tx *sql.Tx) error {
	var done bool
	err := tx.QueryRowContext(ctx, `
		SELECT count(*) > 0 FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = 'pets' AND column_name = 'entered_by'`).Scan(&done)
	if err != nil || done {
		return err
	}
	return migrate.RunScript(ctx, tx, migrations, "migrations/steps/00005_by_pet.sql")
}
