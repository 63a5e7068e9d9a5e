package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"nametag/internal/registry"
)

// Insert implements registry.Store.
func (s *Store) Insert(ctx context.Context, entries []registry.Entry) (decisions []registry.Decision, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	err = s.change(ctx, "insert", func(ctx context.Context, tx registry.Tx) error {
		if decisions, err = registry.InsertTx(ctx, tx, entries); isLostRace(err) {
			entries = registry.Unchecked(entries)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return decisions, nil
}

// Apply implements registry.Store.
func (s *Store) Apply(ctx context.Context, c registry.Change) (d registry.Decision, err error) {
	err = s.change(ctx, string(c.Action), func(ctx context.Context, tx registry.Tx) error {
		d, err = registry.ApplyTx(ctx, tx, c)
		return err
	})
	if err != nil {
		return registry.Decision{}, err
	}
	return d, nil
}

// change runs f in a transaction, which is rolled back and retried after a lost race.
func (s *Store) change(ctx context.Context, doing string, f func(context.Context, registry.Tx) error) error {
	return s.write(ctx, doing, func(ctx context.Context) error {
		return s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
			tx := &transaction{Conn: conn.Conn(), optimism: &s.optimism}
			defer tx.end(ctx)
			return f(ctx, tx)
		})
	})
}

// A transaction implements registry.Tx. BEGIN is sent with the first statements and COMMIT with the last, because all
// other writers wait during each round trip under the lock.
type transaction struct {
	*pgx.Conn
	begun      bool
	optimistic bool     // Lock has not taken the lock
	unused     []string // the idempotency keys that Claim did not find
	optimism   *optimism
}

// optimism decides whether the next insert is optimistic. That pays if one server writes. If several do, the journal
// head has usually moved, and the round trip was in vain.
type optimism struct{ pause atomic.Int32 } // transactions that would have won, until the next optimistic one

// pauseAfterLoss is the number of transactions that must win in a row after a lost race, before one is optimistic
// again.
const pauseAfterLoss = 16

func (o *optimism) allowed() bool { return o.pause.Load() <= 0 }

// record records whether an optimistic insert succeeded, or would have.
func (o *optimism) record(won bool) {
	switch {
	case !won:
		o.pause.Store(pauseAfterLoss)
	case !o.allowed():
		o.pause.Add(-1)
	}
}

// batch returns a batch for the next statements.
func (tx *transaction) batch() *pgx.Batch {
	b := &pgx.Batch{}
	if !tx.begun {
		// Each statement sees what was committed before it, and so the changes of transactions that held the lock.
		b.Queue(`BEGIN ISOLATION LEVEL READ COMMITTED`)
		tx.begun = true
	}
	return b
}

// end rolls the transaction back unless it is committed.
func (tx *transaction) end(ctx context.Context) {
	if !tx.IsClosed() && tx.PgConn().TxStatus() != 'I' {
		_, _ = tx.Exec(ctx, `ROLLBACK`) // if it fails, the pool closes the connection
	}
}

// Lock implements registry.Tx. The second query begins when the first has the
// lock, so it sees everything that was committed before.
//
// In an optimistic transaction, Write takes the lock.
func (tx *transaction) Lock(ctx context.Context, sel registry.Selection) (head registry.Head, found registry.Found, err error) {
	checked := sel.CheckedAt != registry.Head{}
	if checked && tx.optimism.allowed() {
		tx.optimistic = true
		return sel.CheckedAt, found, nil
	}
	b := tx.batch()
	b.Queue(`SELECT seq, hash FROM journal_head FOR UPDATE`).QueryRow(func(row pgx.Row) (err error) {
		head, err = scanHead(row)
		return err
	})
	if len(tx.unused) > 0 {
		b.Queue(`SELECT FROM idempotency_keys WHERE key = ANY($1::text[])`, tx.unused).Exec(countRows(0, errAgain))
	}
	queueSelection(b, sel, &found)
	err = tx.SendBatch(ctx, b).Close()
	if checked && err == nil {
		tx.optimism.record(head == sel.CheckedAt)
	}
	return head, found, err
}

// Write implements registry.Tx. The first statement moves the journal's head. The others in the same round trip write
// only if it did, so a lost race changes nothing and logs no error. Removals are committed after their rows are
// counted, because a program that ignores the lock may have removed them before.
func (tx *transaction) Write(ctx context.Context, c registry.Changes) error {
	const commit = `COMMIT`
	b := tx.batch()
	queueChanges(b, c)
	atOnce := len(c.RemovePets) == 0 && len(c.RemoveRulings) == 0
	if atOnce {
		b.Queue(commit)
	}
	err := tx.SendBatch(ctx, b).Close()
	if err == nil && !atOnce {
		_, err = tx.Exec(ctx, commit)
	}
	switch {
	case tx.optimistic && isLostRace(err):
		tx.optimism.record(false)
	case errors.Is(err, errHeadMoved) && !tx.optimistic: // the lock keeps others from moving it
		return errWrongHead
	}
	return err
}

var errWrongHead = fmt.Errorf("the journal does not end with what its head says: %w", registry.ErrNoHead)

func queueChanges(b *pgx.Batch, c registry.Changes) {
	for _, s := range statements(c) {
		q := b.Queue(s.query, s.args...)
		if s.rows > 0 {
			q.Exec(countRows(s.rows, s.err))
		}
	}
}

// countRows returns a function that returns err unless a statement read or wrote n rows.
func countRows(n int, err error) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(n) {
			return err
		}
		return nil
	}
}

// A statement writes rows.
type statement struct {
	query string
	args  []any
	rows  int   // the number that it must write; 0 for any
	err   error // for another number
}

func newStatement(query string, args ...any) statement { return statement{query: query, args: args} }

// removal returns a statement that removes the rows with these keys.
func removal(query string, keys []string) statement {
	return statement{query, []any{keys}, len(keys), errAgain}
}

// ifMoved is a condition that is true if addRecords moved the head to $1, the number of the last record of this
// transaction, and $2, its hash. $1 is 0 if the transaction adds no record.
const ifMoved = `($1::bigint = 0 OR EXISTS (SELECT FROM journal_head WHERE seq = $1 AND hash = $2::bytea))`

// statements returns the statements that write c.
func statements(c registry.Changes) []statement {
	var all []statement
	var last registry.Record
	if n := len(c.Records); n > 0 { // first: in an optimistic transaction it takes the lock
		last = c.Records[n-1]
		all = append(all, addRecords(c.Head, c.Records))
	}
	if len(c.ByName) > 0 {
		all = append(all, newStatement(`UPDATE journal SET by_pet = NULL WHERE seq = ANY($1::bigint[])`, c.ByName))
	}
	if len(c.RemovePets) > 0 {
		all = append(all, removal(`DELETE FROM pets WHERE name_key = ANY($1::text[])`, c.RemovePets))
	}
	if len(c.RemoveRulings) > 0 {
		all = append(all, removal(`DELETE FROM rulings WHERE name_key = ANY($1::text[])`, c.RemoveRulings))
	}
	if len(c.AddPets) > 0 {
		all = append(all, addPets(last, c.AddPets))
	}
	for _, r := range c.PutRulings {
		all = append(all, newStatement(`
			INSERT INTO rulings (name_key, lookalike_key, kind, name, reason, at, until)
			SELECT $3, $4, $5, $6, $7, $8::timestamptz, $9::timestamptz WHERE `+ifMoved,
			last.Seq, last.Hash[:], r.NameKey, r.LookalikeKey, string(r.Kind), r.Name, r.Reason, r.At, timeOrNull(r.Until)))
	}
	if len(c.Answers) > 0 {
		all = append(all, addAnswers(last, c.Answers))
	}
	return all
}

func addPets(last registry.Record, pets []*registry.PetState) statement {
	n := len(pets)
	keys, lookalikes, exempt := make([]string, n), make([]string, n), make([]bool, n)
	names, colors, categories, registered := make([]string, n), make([]string, n), make([]string, n), make([]time.Time, n)
	entered := make([]int64, n)
	for i, p := range pets {
		keys[i], lookalikes[i], exempt[i] = p.NameKey, p.LookalikeKey, p.LookalikeExempt
		names[i], colors[i], categories[i], registered[i] = p.Name, string(p.FavoriteColor), string(p.Category), p.RegisteredAt
		entered[i] = p.EnteredBy
	}
	return newStatement(`
		INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at, entered_by)
		SELECT * FROM unnest($3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::bigint[])
		WHERE `+ifMoved,
		last.Seq, last.Hash[:], keys, lookalikes, exempt, names, colors, categories, registered, entered)
}

// addRecords returns a statement that adds records to the journal if it ends with head, and does nothing otherwise. It
// waits for another transaction that is moving the head.
func addRecords(head registry.Head, records []registry.Record) statement {
	n := len(records)
	seqs, keys, former := make([]int64, n), make([]string, n), make([]*string, n)
	entries, hashes, byPet := make([]string, n), make([][]byte, n), make([]*bool, n)
	for i, r := range records {
		if r.IsByPet() {
			byPet[i] = new(true)
		}
		seqs[i], keys[i], entries[i], hashes[i] = r.Seq, r.Key, string(r.Entry), r.Hash[:]
		if r.FormerKey != "" {
			former[i] = &r.FormerKey
		}
	}
	last := records[n-1]
	s := newStatement(`
		WITH head AS (UPDATE journal_head SET seq = $7, hash = $8 WHERE seq = $9 AND hash = $10 RETURNING seq)
		INSERT INTO journal (seq, name_key, former_key, entry, hash, by_pet)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::boolean[])
		WHERE EXISTS (SELECT FROM head)`,
		seqs, keys, former, entries, hashes, byPet, last.Seq, last.Hash[:], head.Seq, head.Hash[:])
	s.rows, s.err = n, errHeadMoved
	return s
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
