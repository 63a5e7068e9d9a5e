package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// LoadACME returns the data that was last saved under name, or nil for none.
func (s *Store) LoadACME(ctx context.Context, name string) (data []byte, err error) {
	err = s.read(ctx, "load from the ACME cache", func() error {
		err := s.reader.QueryRowContext(ctx, `SELECT data FROM acme_cache WHERE name = ?`, name).Scan(&data)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return data, err
}

// SaveACME saves data, which is not empty, under name, and replaces older data.
func (s *Store) SaveACME(ctx context.Context, name string, data []byte) error {
	return s.write(ctx, "save to the ACME cache", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO acme_cache (name, data, updated_at_us) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET data = excluded.data, updated_at_us = excluded.updated_at_us`,
			name, data, time.Now().UnixMicro())
		return err
	})
}

// DeleteACME deletes the data that was saved under name, if any.
func (s *Store) DeleteACME(ctx context.Context, name string) error {
	return s.write(ctx, "delete from the ACME cache", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM acme_cache WHERE name = ?`, name)
		return err
	})
}

// LockACME takes a lock among the goroutines of this process, the only one that
// serves the file, and waits for it as long as ctx allows.
func (s *Store) LockACME(ctx context.Context) (unlock func(), err error) {
	select {
	case s.ordering <- struct{}{}:
		return func() { <-s.ordering }, nil
	case <-ctx.Done():
		return nil, failure(ctx, "wait for the ACME lock", ctx.Err())
	}
}
