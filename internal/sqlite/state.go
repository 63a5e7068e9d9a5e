package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"nametag/internal/registry"
)

// Snapshot implements registry.Store.
func (s *Store) Snapshot(ctx context.Context, visit func(registry.State) error) (head registry.Head, err error) {
	var stopped error
	see := func(state registry.State) error {
		stopped = visit(state)
		return stopped
	}
	err = s.read(ctx, "take a snapshot", func() error {
		return s.reader.snapshot(ctx, func(tx *sql.Tx) error {
			if head, err = journalHead(ctx, tx); err != nil && !errors.Is(err, registry.ErrNoHead) {
				return err
			}
			if err := eachPetState(ctx, tx, func(p *registry.PetState) error { return see(registry.State{Pet: p}) }); err != nil {
				return err
			}
			return eachRuling(ctx, tx, func(r *registry.RulingState) {
				if stopped == nil {
					_ = see(registry.State{Ruling: r}) // kept in stopped
				}
			}, `SELECT `+rulingColumns+` FROM rulings ORDER BY name_key`)
		})
	})
	if stopped != nil {
		return head, stopped
	}
	return head, err
}

func eachPetState(ctx context.Context, db querier, visit func(*registry.PetState) error) error {
	rows, err := db.QueryContext(ctx, `
		SELECT name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at_us
		FROM pets INDEXED BY pets_newest_first ORDER BY registered_at_us, name_key`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p registry.PetState
		var registered int64
		if err := rows.Scan(&p.NameKey, &p.LookalikeKey, &p.LookalikeExempt, &p.Name, &p.FavoriteColor, &p.Category, &registered); err != nil {
			return err
		}
		p.RegisteredAt = timeOf(registered)
		if err := visit(&p); err != nil {
			return err
		}
	}
	return rows.Err()
}
