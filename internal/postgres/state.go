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
	var stopped error
	err = pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) error {
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

// oneMoment has all statements see the database as it was at the first.
var oneMoment = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// An executor is a transaction.
type executor interface {
	querier
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
}

// eachState visits all pets, oldest first, and then all rulings, by the keys of
// their names. It reads the pets through a cursor, so that visit may use tx.
func eachState(ctx context.Context, tx executor, visit func(registry.State) error) error {
	_, err := tx.Exec(ctx, `
		DECLARE all_pets NO SCROLL CURSOR FOR
		SELECT name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at FROM pets
		ORDER BY registered_at, name_key`)
	if err != nil {
		return err
	}
	for {
		pets, err := fetchPets(ctx, tx)
		if err != nil {
			return err
		}
		if len(pets) == 0 {
			break
		}
		for _, p := range pets {
			if err := visit(registry.State{Pet: p}); err != nil {
				return err
			}
		}
	}
	rows, err := tx.Query(ctx, `SELECT `+rulingColumns+` FROM rulings ORDER BY name_key`)
	if err != nil {
		return err
	}
	var rulings []*registry.RulingState
	if err := eachRuling(rows, func(r *registry.RulingState) { rulings = append(rulings, r) }); err != nil {
		return err
	}
	for _, r := range rulings {
		if err := visit(registry.State{Ruling: r}); err != nil {
			return err
		}
	}
	return nil
}

// fetchPets returns the next pets of the cursor; none at its end.
func fetchPets(ctx context.Context, tx executor) ([]*registry.PetState, error) {
	rows, err := tx.Query(ctx, `FETCH 1000 FROM all_pets`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*registry.PetState, error) {
		var p registry.PetState
		err := row.Scan(&p.NameKey, &p.LookalikeKey, &p.LookalikeExempt, &p.Name, &p.FavoriteColor, &p.Category, &p.RegisteredAt)
		p.RegisteredAt = p.RegisteredAt.UTC()
		return &p, err
	})
}
