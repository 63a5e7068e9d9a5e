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

// change runs f in a transaction, and again if others got in its way.
func (s *Store) change(ctx context.Context, doing string, f func(context.Context, registry.Tx) error) error {
	if s.readOnly {
		return errReadOnly
	}
	return s.call(ctx, doing, func(ctx context.Context) error {
		return s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
			tx := &transaction{Conn: conn.Conn(), doubts: &s.doubts}
			defer tx.end(ctx)
			return f(ctx, tx)
		})
	})
}

// A transaction implements registry.Tx. It begins with the first thing that it
// sends and is committed with the last, for each way to the database and back is
// time in which nobody else can change the book.
type transaction struct {
	*pgx.Conn
	begun    bool
	presumes bool     // Lock did, and does not have the lock
	unused   []string // the idempotency keys that Claim found nothing of
	doubts   *doubts
}

// doubts say whether what Selection.CheckedAt promises is worth relying on. It is where
// one server changes the book. Where several do, the journal mostly has moved on
// when it is written, and all that was sent was in vain.
type doubts struct{ left atomic.Int32 }

// asLongAs is for how many transactions a broken promise is remembered.
const asLongAs = 16

// none reports whether there are none: the next promise is relied on.
func (d *doubts) none() bool { return d.left.Load() <= 0 }

// note learns whether a promise was kept.
func (d *doubts) note(kept bool) {
	switch {
	case !kept:
		d.left.Store(asLongAs)
	case !d.none():
		d.left.Add(-1)
	}
}

// batch returns a batch for the next things to send.
func (tx *transaction) batch() *pgx.Batch {
	b := &pgx.Batch{}
	if !tx.begun {
		// Each statement sees what was committed before it, and so what those did
		// who had the lock.
		b.Queue(`BEGIN ISOLATION LEVEL READ COMMITTED`)
		tx.begun = true
	}
	return b
}

// end undoes the transaction, unless it is committed.
func (tx *transaction) end(ctx context.Context) {
	if !tx.IsClosed() && tx.PgConn().TxStatus() != 'I' {
		_, _ = tx.Exec(ctx, `ROLLBACK`) // if it fails, the pool closes the connection
	}
}

// Lock implements registry.Tx. The second query begins when the first has the
// lock, so it sees all that was committed before.
//
// If it presumes where the journal ends, it is Write that takes the lock.
func (tx *transaction) Lock(ctx context.Context, sel registry.Selection) (head registry.Head, found registry.Found, err error) {
	promised := sel.CheckedAt != registry.Head{}
	if promised && tx.doubts.none() {
		tx.presumes = true
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
	if promised && err == nil {
		tx.doubts.note(head == sel.CheckedAt)
	}
	return head, found, err
}

// Write implements registry.Tx. The first statement moves the journal's head, and what is committed in the same round
// trip is written only if it did: a lost race is no error, and changes nothing. Removals are committed after their rows
// are counted, because a program that ignores the lock may have removed them before.
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
	case tx.presumes && isLostRace(err):
		tx.doubts.note(false)
	case errors.Is(err, errHeadMoved) && !tx.presumes: // the lock keeps others from moving it
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

// countRows returns a check that a statement read or wrote n rows; err says that it did not.
func countRows(n int, err error) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(n) {
			return err
		}
		return nil
	}
}

// A statement changes something.
type statement struct {
	query string
	args  []any
	rows  int   // how many it must write; 0 for any number
	err   error // of another number
}

func newStatement(query string, args ...any) statement { return statement{query: query, args: args} }

// removal returns a statement that removes the rows with these keys.
func removal(query string, keys []string) statement {
	return statement{query, []any{keys}, len(keys), errAgain}
}

// ifMoved is a condition that holds if the record $1 with the hash $2, the last one of this transaction, is in the journal,
// and so if addRecords moved the head. $1 is 0 if the transaction adds no record.
const ifMoved = `($1::bigint = 0 OR EXISTS (SELECT FROM journal WHERE seq = $1 AND hash = $2::bytea))`

// statements returns how c is written.
func statements(c registry.Changes) []statement {
	var all []statement
	var last registry.Record
	if n := len(c.Records); n > 0 { // first, for it takes the lock, if nothing has
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

// addRecords returns a statement that adds records to the journal if it ends with head, and otherwise does nothing. It
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
