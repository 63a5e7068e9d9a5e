package postgres

import (
	"context"
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
	presumes bool // Lock did, and does not have the lock
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
	queueSelection(b, sel, &found)
	err = tx.SendBatch(ctx, b).Close()
	if promised && err == nil {
		tx.doubts.note(head == sel.CheckedAt)
	}
	return head, found, err
}

// Write implements registry.Tx. What a program that does not take the lock did
// to the book meanwhile makes it fail: the database does not take a row twice,
// and whether those to be removed were still there is looked at before the
// commit.
func (tx *transaction) Write(ctx context.Context, c registry.Changes) error {
	const commit = `COMMIT`
	b := tx.batch()
	atOnce := true // to be committed
	for _, s := range statements(c) {
		q := b.Queue(s.query, s.args...)
		if s.removes > 0 {
			atOnce = false
			q.Exec(func(tag pgconn.CommandTag) error {
				if tag.RowsAffected() != int64(s.removes) {
					return errAgain
				}
				return nil
			})
		}
	}
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
	case isMoved(err) && !tx.presumes: // under the lock, nothing has moved it
		return fmt.Errorf("the journal does not end with what its head says (%v): %w", err, registry.ErrNoHead)
	}
	return err
}

// A statement changes something.
type statement struct {
	query   string
	args    []any
	removes int // so many rows, or somebody else was there before
}

func newStatement(query string, args ...any) statement { return statement{query: query, args: args} }

// removal returns a statement that removes the rows with these keys.
func removal(query string, keys []string) statement {
	return statement{query: query, args: []any{keys}, removes: len(keys)}
}

// statements returns how c is written.
func statements(c registry.Changes) []statement {
	var all []statement
	if len(c.Records) > 0 { // first, for it takes the lock, if nothing has
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
		all = append(all, addPets(c.AddPets))
	}
	for _, r := range c.PutRulings {
		all = append(all, newStatement(
			`INSERT INTO rulings (name_key, lookalike_key, kind, name, reason, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			r.NameKey, r.LookalikeKey, string(r.Kind), r.Name, r.Reason, r.At, timeOrNull(r.Until)))
	}
	if len(c.Answers) > 0 {
		all = append(all, recordAnswers(c.Answers))
	}
	return all
}

func addPets(pets []*registry.PetState) statement {
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
		SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::bigint[])`,
		keys, lookalikes, exempt, names, colors, categories, registered, entered)
}

// addRecords returns a statement that adds records to the journal. If it does not
// end with head, the statement fails: it divides by zero.
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
	return newStatement(`
		WITH head AS (UPDATE journal_head SET seq = $7, hash = $8 WHERE seq = $9 AND hash = $10 RETURNING seq),
		added AS (
			INSERT INTO journal (seq, name_key, former_key, entry, hash, by_pet)
			SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::boolean[]))
		SELECT 1 / count(*) FROM head`,
		seqs, keys, former, entries, hashes, byPet, last.Seq, last.Hash[:], head.Seq, head.Hash[:])
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
