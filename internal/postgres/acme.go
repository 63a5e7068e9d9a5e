package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// LoadACME returns what was saved last under name, or nil if there is nothing.
func (s *Store) LoadACME(ctx context.Context, name string) (data []byte, err error) {
	err = s.call(ctx, "load from the ACME cache", func(ctx context.Context) error {
		err := s.pool.QueryRow(ctx, `SELECT data FROM acme_cache WHERE name = $1`, name).Scan(&data)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return data, err
}

// SaveACME saves data, which is not empty, under name, in place of what was
// there.
func (s *Store) SaveACME(ctx context.Context, name string, data []byte) error {
	if s.readOnly {
		return errReadOnly
	}
	return s.call(ctx, "save to the ACME cache", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, `
			INSERT INTO acme_cache (name, data) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at`, name, data)
		return err
	})
}

// DeleteACME deletes what was saved under name, if there is anything.
func (s *Store) DeleteACME(ctx context.Context, name string) error {
	if s.readOnly {
		return errReadOnly
	}
	return s.call(ctx, "delete from the ACME cache", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, `DELETE FROM acme_cache WHERE name = $1`, name)
		return err
	})
}
