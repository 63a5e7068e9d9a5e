package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"nametag/internal/registry"
)

// Insert implements registry.Store.
func (s *Store) Insert(ctx context.Context, entries []registry.Entry) (decisions []registry.Decision, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	decisions, err = s.insert(ctx, entries)
	if resultCode(err) == sqlite3.SQLITE_CONSTRAINT { // the database was changed without the journal, so CheckedAt was wrong
		decisions, err = s.insert(ctx, registry.Unchecked(entries))
	}
	if err != nil {
		return nil, err
	}
	return decisions, nil
}

func (s *Store) insert(ctx context.Context, entries []registry.Entry) (decisions []registry.Decision, err error) {
	err = s.write(ctx, "insert", func(tx *transaction) error {
		decisions, err = registry.InsertTx(ctx, tx, entries)
		return err
	})
	return decisions, err
}

// Apply implements registry.Store.
func (s *Store) Apply(ctx context.Context, c registry.Change) (d registry.Decision, err error) {
	err = s.write(ctx, string(c.Action), func(tx *transaction) error {
		d, err = registry.ApplyTx(ctx, tx, c)
		return err
	})
	if err != nil {
		return registry.Decision{}, err
	}
	return d, nil
}

// The statements of every registration. They are compiled once and run once for each row: for one statement with all
// rows, SQLite would keep a statement journal of each page, and the rows would have to be passed as JSON.
const (
	readHead  = `SELECT seq, hash FROM journal_head`
	moveHead  = `UPDATE journal_head SET seq = ?, hash = ? WHERE seq = ? AND hash = ?`
	addRecord = `INSERT INTO journal (seq, name_key, former_key, entry, hash, by_pet) VALUES (?, ?, ?, ?, ?, ?)`
	addPet    = `INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at_us, entered_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
)

// keepStatements compiles these statements.
func (s *Store) keepStatements(ctx context.Context) (err error) {
	s.kept = make(map[string]*sql.Stmt)
	for _, query := range []string{readHead, moveHead, addRecord, addPet} {
		if s.kept[query], err = s.writer.PrepareContext(ctx, query); err != nil {
			return err // closing the writer closes them
		}
	}
	return nil
}

// A transaction implements registry.Tx. It holds SQLite's one write lock from its beginning.
type transaction struct {
	*sql.Tx
	kept map[string]*sql.Stmt // by their text; nil for none
	rows int                  // written by Write
}

// prepare returns a statement for this transaction, which is closed with it.
func (tx *transaction) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := tx.kept[query]; stmt != nil {
		return tx.StmtContext(ctx, stmt), nil
	}
	return tx.PrepareContext(ctx, query)
}

// Lock implements registry.Tx.
func (tx *transaction) Lock(ctx context.Context, sel registry.Selection) (head registry.Head, found registry.Found, err error) {
	stmt, err := tx.prepare(ctx, readHead)
	if err != nil {
		return head, found, err
	}
	defer stmt.Close()
	head, err = scanHead(stmt.QueryRowContext(ctx))
	if err == nil && (sel.CheckedAt == registry.Head{} || sel.CheckedAt != head) {
		found, err = findSelection(ctx, tx, sel)
	}
	return head, found, err
}

// Write implements registry.Tx.
func (tx *transaction) Write(ctx context.Context, c registry.Changes) error {
	records := make([][]any, len(c.Records))
	for i, r := range c.Records {
		records[i] = []any{r.Seq, r.Key, sql.Null[string]{V: r.FormerKey, Valid: r.FormerKey != ""}, string(r.Entry), r.Hash[:],
			sql.Null[int64]{V: 1, Valid: r.IsByPet()}}
	}
	pets := make([][]any, len(c.AddPets))
	for i, p := range c.AddPets {
		pets[i] = []any{p.NameKey, p.LookalikeKey, intOf(p.LookalikeExempt), p.Name, string(p.FavoriteColor), string(p.Category), p.RegisteredAt.UnixMicro(), p.EnteredBy}
	}
	rulings := make([][]any, len(c.PutRulings))
	for i, r := range c.PutRulings {
		rulings[i] = []any{r.NameKey, r.LookalikeKey, string(r.Kind), r.Name, r.Reason, r.At.UnixMicro(),
			sql.Null[int64]{V: r.Until.UnixMicro(), Valid: !r.Until.IsZero()}}
	}
	var end [][]any
	if n := len(c.Records); n > 0 {
		last := c.Records[n-1]
		end = [][]any{{last.Seq, last.Hash[:], c.Head.Seq, c.Head.Hash[:]}}
	}
	for _, s := range []struct {
		query string
		rows  [][]any
	}{
		{addRecord, records},
		{moveHead, end},
		{`UPDATE journal SET by_pet = NULL WHERE seq = ?`, rowsOf(c.ByName)},
		{`DELETE FROM pets WHERE name_key = ?`, rowsOf(c.RemovePets)},
		{`DELETE FROM rulings WHERE name_key = ?`, rowsOf(c.RemoveRulings)},
		{addPet, pets},
		{`INSERT INTO rulings (name_key, lookalike_key, kind, name, reason, at_us, until_us) VALUES (?, ?, ?, ?, ?, ?, ?)`, rulings},
		{`INSERT INTO idempotency_keys (key, fingerprint, outcome, name_key, name, favorite_color, category, registered_at_us, created_at_us)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, answerRows(c.Answers)},
	} {
		if err := tx.each(ctx, s.query, s.rows); err != nil {
			return err
		}
	}
	return nil
}

// each runs a statement once for each of the rows. Each run must change one row.
func (tx *transaction) each(ctx context.Context, query string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return err
	}
	defer stmt.Close()
	uncancelled := context.WithoutCancel(ctx) // a context that can end costs a goroutine each time
	for _, args := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		res, err := stmt.ExecContext(uncancelled, args...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		switch {
		case err != nil:
			return err
		case n != 1 && query == moveHead:
			return fmt.Errorf("the journal does not end with what its head says: %w", registry.ErrNoHead)
		case n != 1:
			return fmt.Errorf("%d rows were written, not one", n)
		}
	}
	tx.rows += len(rows)
	return nil
}

// rowsOf returns rows of one value each.
func rowsOf[T any](values []T) [][]any {
	rows := make([][]any, len(values))
	for i, v := range values {
		rows[i] = []any{v}
	}
	return rows
}

func intOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// write runs f in a transaction that is on disk when write returns nil, and rolled back otherwise.
func (s *Store) write(ctx context.Context, doing string, f func(*transaction) error) error {
	if !s.calls.enter() {
		return registry.Unavailable(errClosed)
	}
	defer s.calls.leave()
	if s.writer == nil {
		return errReadOnly
	}
	if err := s.isThere(); err != nil {
		return err
	}
	begun, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return failure(ctx, doing, err)
	}
	tx := &transaction{Tx: begun, kept: s.kept}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return failure(ctx, doing, err)
	}
	if err := tx.Commit(); err != nil {
		return failure(ctx, doing, fmt.Errorf("commit: %w", err))
	}
	if s.behind != nil {
		s.behind.wrote(tx.rows)
	}
	return nil
}

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
