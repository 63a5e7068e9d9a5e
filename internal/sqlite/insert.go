package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"nametag"
	"nametag/internal/storekit"
)

// Insert implements nametag.Store.
func (s *Store) Insert(ctx context.Context, entries []nametag.Entry) (results []nametag.Result, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	results, err = s.insert(ctx, entries)
	if doubted, changed := storekit.Doubted(entries); changed && resultCode(err) == sqlite3.SQLITE_CONSTRAINT {
		results, err = s.insert(ctx, doubted)
	}
	if err != nil {
		return nil, err
	}
	return results, nil
}

func (s *Store) insert(ctx context.Context, entries []nametag.Entry) (results []nametag.Result, err error) {
	err = s.write(ctx, "insert", func(tx *sql.Tx) error {
		results, err = storekit.Insert(ctx, transaction{tx}, entries)
		return err
	})
	return results, err
}

// Apply implements nametag.Store.
func (s *Store) Apply(ctx context.Context, c nametag.Change) (res nametag.Result, err error) {
	err = s.write(ctx, string(c.Action), func(tx *sql.Tx) error {
		res, err = storekit.Apply(ctx, transaction{tx}, c)
		return err
	})
	if err != nil {
		return nametag.Result{}, err
	}
	return res, nil
}

// A transaction implements storekit.Tx. It has SQLite's one lock for writing
// from its beginning.
type transaction struct{ *sql.Tx }

// Lock implements storekit.Tx.
func (tx transaction) Lock(ctx context.Context, w storekit.Wanted) (head nametag.Head, found storekit.Found, err error) {
	head, err = journalHead(ctx, tx)
	if err == nil && (w.FreeAt == nametag.Head{} || w.FreeAt != head) {
		found, err = findWanted(ctx, tx, w)
	}
	return head, found, err
}

// Write implements storekit.Tx.
func (tx transaction) Write(ctx context.Context, c storekit.Changes) error {
	for _, s := range statements(c) {
		res, err := tx.ExecContext(ctx, s.query, s.args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != int64(s.rows) {
			return fmt.Errorf("%d rows were written, not %d: %w", n, s.rows, err)
		}
	}
	return recordAnswers(ctx, tx.Tx, c.Answers)
}

// A statement changes some rows.
type statement struct {
	query string
	args  []any
	rows  int // how many it must change
}

// statements returns how c is written, but for the answers.
//
// OR FAIL spares the journal that SQLite would keep to undo the statement
// alone: when it fails, the transaction is undone.
func statements(c storekit.Changes) []statement {
	var all []statement
	if n := len(c.RemovePets); n > 0 {
		all = append(all, statement{`DELETE FROM pets WHERE name_key IN (SELECT value FROM json_each(?))`, []any{jsonArray(c.RemovePets)}, n})
	}
	if n := len(c.RemoveRulings); n > 0 {
		all = append(all, statement{`DELETE FROM rulings WHERE name_key IN (SELECT value FROM json_each(?))`, []any{jsonArray(c.RemoveRulings)}, n})
	}
	if n := len(c.AddPets); n > 0 {
		rows := make([][7]any, n)
		for i, p := range c.AddPets {
			rows[i] = [7]any{p.NameKey, p.LookalikeKey, intOf(p.LetPass), p.Name, p.FavoriteColor, p.Category, p.RegisteredAt.UnixMicro()}
		}
		all = append(all, statement{`
			INSERT OR FAIL INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at_us)
			SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?)`,
			[]any{jsonArray(rows)}, n})
	}
	for _, r := range c.PutRulings {
		all = append(all, statement{
			`INSERT OR FAIL INTO rulings (name_key, lookalike_key, kind, name, reason, at_us, until_us) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			[]any{r.NameKey, r.LookalikeKey, string(r.Kind), r.Name, r.Reason, r.At.UnixMicro(),
				sql.Null[int64]{V: r.Until.UnixMicro(), Valid: !r.Until.IsZero()}}, 1})
	}
	if n := len(c.Records); n > 0 {
		all = append(all, addRecords(c.Records)...)
	}
	return all
}

func addRecords(records []nametag.Record) []statement {
	rows := make([][5]any, len(records))
	for i, r := range records {
		rows[i] = [5]any{r.Seq, r.Key, nil, string(r.Entry), hex.EncodeToString(r.Hash[:])}
		if r.FormerKey != "" {
			rows[i][2] = r.FormerKey
		}
	}
	last := records[len(records)-1]
	return []statement{
		{`INSERT OR FAIL INTO journal (seq, name_key, former_key, entry, hash)
			SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4) FROM json_each(?)`,
			[]any{jsonArray(rows)}, len(records)},
		{`UPDATE journal_head SET seq = ?, hash = ?`, []any{last.Seq, last.Hash[:]}, 1},
	}
}

func intOf(b bool) int {
	if b {
		return 1
	}
	return 0
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
