package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"nametag"
	"nametag/internal/storekit"
)

// Insert implements nametag.Store.
func (s *Store) Insert(ctx context.Context, entries []nametag.Entry) ([]nametag.Result, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	b := storekit.NewBatch(entries)
	err := s.write(ctx, "insert", func(tx *sql.Tx) error { return insert(ctx, tx, b) })
	if err != nil {
		return nil, err
	}
	return b.Results(), nil
}

func insert(ctx context.Context, tx *sql.Tx, b *storekit.Batch) error {
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

// insertPets enters the pets whose names nobody has, in one statement, and
// returns their keys.
//
// OR FAIL spares the journal that SQLite would keep to undo the statement
// alone: when it fails, the transaction is undone.
func insertPets(ctx context.Context, tx *sql.Tx, pets []nametag.Pet) (map[string]bool, error) {
	rows := make([][5]any, len(pets))
	for i, p := range pets {
		rows[i] = [5]any{p.Name.Key(), p.Name.String(), p.FavoriteColor, p.Category, p.RegisteredAt.UnixMicro()}
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	won, err := tx.QueryContext(ctx, `
		INSERT OR FAIL INTO pets (name_key, name, favorite_color, category, registered_at_us)
		SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
		WHERE true
		ON CONFLICT (name_key) DO NOTHING
		RETURNING name_key`, string(list))
	if err != nil {
		return nil, err
	}
	defer won.Close()
	registered := make(map[string]bool, len(pets))
	for won.Next() {
		var key string
		if err := won.Scan(&key); err != nil {
			return nil, err
		}
		registered[key] = true
	}
	return registered, won.Err()
}

// write runs f in a transaction that is on disk when write returns nil, and
// undone otherwise.
func (s *Store) write(ctx context.Context, doing string, f func(*sql.Tx) error) error {
	if !s.calls.enter() {
		return nametag.Unavailable(errClosed)
	}
	defer s.calls.leave()
	if s.writer == nil {
		return errReadOnly
	}
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
