package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"nametag/internal/registry"
)

// Snapshot implements registry.Store.
func (s *Store) Snapshot(ctx context.Context, visit func(registry.State) error) (head registry.Head, err error) {
	var stopped error // by visit
	see := func(state registry.State) error {
		stopped = visit(state)
		return stopped
	}
	err = s.read(ctx, "take a snapshot", func() error {
		return s.reader.snapshot(ctx, func(tx *sql.Tx) error {
			if head, err = journalHead(ctx, tx); err != nil && !errors.Is(err, registry.ErrNoHead) {
				return err
			}
			err := each(ctx, tx, scanPet, func(p *registry.PetState) error {
				p.EnteredBy = 0 // not part of the state
				return see(registry.State{Pet: p})
			}, `SELECT `+petColumns+` FROM pets INDEXED BY pets_newest_first ORDER BY registered_at_us, name_key`)
			if err != nil {
				return err
			}
			return each(ctx, tx, scanRuling, func(r *registry.RulingState) error { return see(registry.State{Ruling: r}) },
				`SELECT `+rulingColumns+` FROM rulings ORDER BY name_key`)
		})
	})
	if stopped != nil {
		return head, stopped
	}
	return head, err
}
