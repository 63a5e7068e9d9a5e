package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag/internal/sleep"
)

// LoadACME returns the data that was last saved under name, or nil for none.
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

// SaveACME saves data, which is not empty, under name, and replaces older data.
func (s *Store) SaveACME(ctx context.Context, name string, data []byte) error {
	return s.write(ctx, "save to the ACME cache", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, `
			INSERT INTO acme_cache (name, data) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at`, name, data)
		return err
	})
}

// DeleteACME deletes the data that was saved under name, if any.
func (s *Store) DeleteACME(ctx context.Context, name string) error {
	return s.write(ctx, "delete from the ACME cache", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, `DELETE FROM acme_cache WHERE name = $1`, name)
		return err
	})
}

// LockACME takes an advisory lock on a connection of its own, so that an order does not use the pool. PostgreSQL
// releases the lock when that connection ends, and so when the process dies.
func (s *Store) LockACME(ctx context.Context) (unlock func(), err error) {
	if s.readOnly {
		return nil, errReadOnly
	}
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, failure(ctx, "take the ACME lock", err)
	}
	unlock = func() {
		brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.callTimeout)
		defer cancel()
		_ = conn.Close(brief) // it is closed even after an error
	}
	// Poll: a statement that waited for the lock would log an error in PostgreSQL if ctx ended.
	for locked := false; !locked && err == nil; {
		err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, acmeLock).Scan(&locked)
		if err == nil && !locked {
			err = sleep.For(ctx, time.Second)
		}
	}
	if err != nil {
		unlock()
		return nil, failure(ctx, "take the ACME lock", err)
	}
	return unlock, nil
}

// acmeLock is the number of the advisory lock: "nametag" in ASCII.
const acmeLock = 0x6e616d65746167
