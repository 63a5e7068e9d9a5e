package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"nametag/internal/registry"
)

// Snapshot implements registry.Store. It is not bound by CallTimeout.
func (s *Store) Snapshot(ctx context.Context, visit func(registry.State) error) (head registry.Head, err error) {
	var stopped error // by visit
	err = pgx.BeginTxFunc(ctx, s.pool, repeatableRead, func(tx pgx.Tx) error {
		if head, err = scanHead(tx.QueryRow(ctx, `SELECT seq, hash FROM journal_head`)); err != nil && !errors.Is(err, registry.ErrNoHead) {
			return err
		}
		return eachState(ctx, tx, func(state registry.State) error {
			stopped = visit(state)
			return stopped
		})
	})
	if stopped != nil {
		return head, stopped
	}
	return head, failure(ctx, "take a snapshot", err)
}

// repeatableRead makes all statements see the database as it is at the first one.
var repeatableRead = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// An executor is a transaction.
type executor interface {
	querier
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
}

// eachState visits all pets, oldest first, and then all rulings, by the keys of their
// names. It reads the pets through a cursor, so that visit can use tx.
func eachState(ctx context.Context, tx executor, visit func(registry.State) error) error {
	_, err := tx.Exec(ctx, `
		DECLARE all_pets NO SCROLL CURSOR FOR
		SELECT `+petColumns+` FROM pets ORDER BY registered_at, name_key`)
	if err != nil {
		return err
	}
	for {
		pets, err := collect(ctx, tx, scanPet, `FETCH 1000 FROM all_pets`)
		if err != nil {
			return err
		}
		if len(pets) == 0 {
			break
		}
		for _, p := range pets {
			p.EnteredBy = 0 // not part of the state
			if err := visit(registry.State{Pet: p}); err != nil {
				return err
			}
		}
	}
	rulings, err := collect(ctx, tx, scanRuling, `SELECT `+rulingColumns+` FROM rulings ORDER BY name_key`)
	if err != nil {
		return err
	}
	for _, r := range rulings {
		if err := visit(registry.State{Ruling: r}); err != nil {
			return err
		}
	}
	return nil
}
