package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"nametag"
	"nametag/internal/storekit"
)

// Insert implements nametag.Store.
func (s *Store) Insert(ctx context.Context, entries []nametag.Entry) (results []nametag.Result, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	err = s.change(ctx, "insert", func(ctx context.Context, tx storekit.Tx) error {
		results, err = storekit.Insert(ctx, tx, entries)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// Apply implements nametag.Store.
func (s *Store) Apply(ctx context.Context, c nametag.Change) (res nametag.Result, err error) {
	err = s.change(ctx, string(c.Action), func(ctx context.Context, tx storekit.Tx) error {
		res, err = storekit.Apply(ctx, tx, c)
		return err
	})
	if err != nil {
		return nametag.Result{}, err
	}
	return res, nil
}

// change runs f in a transaction, and again if others got in its way.
func (s *Store) change(ctx context.Context, doing string, f func(context.Context, storekit.Tx) error) error {
	if s.readOnly {
		return errReadOnly
	}
	return s.call(ctx, doing, func(ctx context.Context) error {
		return pgx.BeginTxFunc(ctx, s.pool, lockable, func(tx pgx.Tx) error { return f(ctx, transaction{tx}) })
	})
}

// lockable has each statement see what was committed before it, and so what
// those did who had the lock.
var lockable = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}

// A transaction implements storekit.Tx.
type transaction struct{ pgx.Tx }

// Lock implements storekit.Tx. The second query begins when the first has the
// lock, so it sees all that was committed before.
func (tx transaction) Lock(ctx context.Context, w storekit.Wanted) (head nametag.Head, found storekit.Found, err error) {
	b := &pgx.Batch{}
	b.Queue(`SELECT seq, hash FROM journal_head FOR UPDATE`).QueryRow(func(row pgx.Row) (err error) {
		head, err = scanHead(row)
		return err
	})
	queueWanted(b, w, &found)
	err = tx.SendBatch(ctx, b).Close()
	return head, found, err
}

// Write implements storekit.Tx. What others did to the book meanwhile, though
// the head was locked, makes it fail.
func (tx transaction) Write(ctx context.Context, c storekit.Changes) error {
	b := &pgx.Batch{}
	for _, s := range statements(c) {
		q := b.Queue(s.query, s.args...)
		if s.rows > 0 {
			q.Exec(func(tag pgconn.CommandTag) error { return s.check(tag.RowsAffected()) })
		}
	}
	return tx.SendBatch(ctx, b).Close()
}

// A statement changes something.
type statement struct {
	query string
	args  []any
	rows  int // how many it must change; 0 for any number
}

// check returns errAgain if the database knew better, as when a program that
// does not take the lock has changed the book.
func (s statement) check(changed int64) error {
	if s.rows > 0 && changed != int64(s.rows) {
		return errAgain
	}
	return nil
}

// statements returns how c is written.
func statements(c storekit.Changes) []statement {
	var all []statement
	if len(c.RemovePets) > 0 {
		all = append(all, statement{`DELETE FROM pets WHERE name_key = ANY($1::text[])`, []any{c.RemovePets}, len(c.RemovePets)})
	}
	if len(c.RemoveRulings) > 0 {
		all = append(all, statement{`DELETE FROM rulings WHERE name_key = ANY($1::text[])`, []any{c.RemoveRulings}, len(c.RemoveRulings)})
	}
	if len(c.AddPets) > 0 {
		all = append(all, addPets(c.AddPets))
	}
	for _, r := range c.PutRulings {
		all = append(all, statement{`
			INSERT INTO rulings (name_key, lookalike_key, kind, name, reason, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			[]any{r.NameKey, r.LookalikeKey, string(r.Kind), r.Name, r.Reason, r.At, timeOrNull(r.Until)}, 1})
	}
	if len(c.Records) > 0 {
		all = append(all, addRecords(c.Records)...)
	}
	if len(c.Answers) > 0 {
		all = append(all, recordAnswers(c.Answers))
	}
	return all
}

func addPets(pets []*nametag.PetState) statement {
	n := len(pets)
	keys, lookalikes, letPass := make([]string, n), make([]string, n), make([]bool, n)
	names, colors, categories, registered := make([]string, n), make([]string, n), make([]string, n), make([]time.Time, n)
	for i, p := range pets {
		keys[i], lookalikes[i], letPass[i] = p.NameKey, p.LookalikeKey, p.LetPass
		names[i], colors[i], categories[i], registered[i] = p.Name, string(p.FavoriteColor), string(p.Category), p.RegisteredAt
	}
	return statement{`
		INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at)
		SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
		ON CONFLICT DO NOTHING`,
		[]any{keys, lookalikes, letPass, names, colors, categories, registered}, n}
}

func addRecords(records []nametag.Record) []statement {
	n := len(records)
	seqs, keys, former := make([]int64, n), make([]string, n), make([]*string, n)
	entries, hashes := make([]string, n), make([][]byte, n)
	for i, r := range records {
		seqs[i], keys[i], entries[i], hashes[i] = r.Seq, r.Key, string(r.Entry), r.Hash[:]
		if r.FormerKey != "" {
			former[i] = &r.FormerKey
		}
	}
	last := records[n-1]
	return []statement{
		{`INSERT INTO journal (seq, name_key, former_key, entry, hash)
			SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bytea[])`,
			[]any{seqs, keys, former, entries, hashes}, n},
		{`UPDATE journal_head SET seq = $1, hash = $2`, []any{last.Seq, last.Hash[:]}, 1},
	}
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
