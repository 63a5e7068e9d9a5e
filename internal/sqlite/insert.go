package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"nametag"
	"nametag/internal/batch"
)

// Insert implements nametag.Store.
func (s *Store) Insert(ctx context.Context, entries []nametag.Entry) ([]nametag.Result, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	b := batch.New(entries)
	err := s.write(ctx, "insert", func(tx *sql.Tx) error { return insert(ctx, tx, b) })
	if err != nil {
		return nil, err
	}
	return b.Results(), nil
}

func insert(ctx context.Context, tx *sql.Tx, b *batch.Batch) error {
	if err := replayAnswers(ctx, tx, b); err != nil {
		return err
	}
	registered, err := insertPets(ctx, tx, b.Candidates())
	if err != nil {
		return err
	}
	var holders map[string]nametag.Pet
	if losers := b.Losers(registered); len(losers) > 0 {
		if holders, err = findPets(ctx, tx, losers); err != nil {
			return err
		}
	}
	b.Settle(registered, holders)
	return recordAnswers(ctx, tx, b.Answers())
}

// insertPets enters the pets whose names nobody has, and returns their keys.
//
// It runs one statement a pet. One statement for all of them takes a third
// longer: SQLite then keeps a journal so as to undo the statement alone.
func insertPets(ctx context.Context, tx *sql.Tx, pets []nametag.Pet) (map[string]bool, error) {
	stmt, err := tx.PrepareContext(ctx, `
		INSERT INTO pets (name_key, name, favorite_color, category, registered_at_us)
		VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`)
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	registered := make(map[string]bool, len(pets))
	brief := context.WithoutCancel(ctx) // a statement takes microseconds; watching the context, as long again
	for _, p := range pets {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		res, err := stmt.ExecContext(brief, p.Name.Key(), p.Name.String(), string(p.FavoriteColor),
			string(p.Category), p.RegisteredAt.UnixMicro())
		if err != nil {
			return nil, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return nil, err
		}
		if n == 1 {
			registered[p.Name.Key()] = true
		}
	}
	return registered, nil
}

// write runs f in a transaction that is on disk when write returns nil, and
// undone otherwise.
func (s *Store) write(ctx context.Context, doing string, f func(*sql.Tx) error) error {
	if !s.calls.enter() {
		return nametag.Unavailable(errClosed)
	}
	defer s.calls.leave()
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return failure(ctx, doing, err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return failure(ctx, doing, err)
	}
	if err := tx.Commit(); err != nil {
		return failure(ctx, doing, fmt.Errorf("commit: %w", err))
	}
	return nil
}

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
