package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag/internal/registry"
)

// Snapshot implements registry.Store. It is not bound by CallTimeout.
func (s *Store) Snapshot(ctx context.Context, visit func(registry.State) error) (head registry.Head, err error) {
	var stopped error
	see := func(state registry.State) error {
		stopped = visit(state)
		return stopped
	}
	err = pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) error {
		if head, err = scanHead(tx.QueryRow(ctx, `SELECT seq, hash FROM journal_head`)); err != nil && !errors.Is(err, registry.ErrNoHead) {
			return err
		}
		if err := eachPetState(ctx, tx, func(p *registry.PetState) error { return see(registry.State{Pet: p}) }); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+rulingColumns+` FROM rulings ORDER BY name_key`)
		if err != nil {
			return err
		}
		err = eachRuling(rows, func(r *registry.RulingState) {
			if stopped == nil {
				_ = see(registry.State{Ruling: r}) // kept in stopped
			}
		})
		if stopped != nil {
			return stopped
		}
		return err
	})
	if stopped != nil {
		return head, stopped
	}
	return head, failure(ctx, "take a snapshot", err)
}

// oneMoment has all statements see the database as it was at the first.
var oneMoment = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

func eachPetState(ctx context.Context, db querier, visit func(*registry.PetState) error) error {
	rows, err := db.Query(ctx, `
		SELECT name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at FROM pets
		ORDER BY registered_at, name_key`)
	if err != nil {
		return err
	}
	var key, lookalike, name, color, category string
	var exempt bool
	var registered time.Time
	_, err = pgx.ForEachRow(rows, []any{&key, &lookalike, &exempt, &name, &color, &category, &registered}, func() error {
		return visit(&registry.PetState{Name: name, NameKey: key, LookalikeKey: lookalike, LookalikeExempt: exempt,
			FavoriteColor: registry.Color(color), Category: registry.Category(category), RegisteredAt: registered.UTC()})
	})
	return err
}
