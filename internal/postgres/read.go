package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag/internal/registry"
)

// Find implements registry.Store.
func (s *Store) Find(ctx context.Context, keys []string) (pets map[string]registry.Pet, err error) {
	err = s.call(ctx, "find", func(ctx context.Context) error {
		found, err := collect(ctx, s.pool, scanPet, `SELECT `+petColumns+` FROM pets WHERE name_key = ANY($1::text[])`, keys)
		pets = make(map[string]registry.Pet, len(found))
		for _, p := range found {
			pets[p.NameKey] = p.Pet()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return pets, nil
}

// EachKey implements registry.Store. It is not bound by CallTimeout.
func (s *Store) EachKey(ctx context.Context, visit func(key, lookalike []byte)) error {
	rows, err := s.pool.Query(ctx, `SELECT name_key, CASE WHEN let_pass THEN '' ELSE lookalike_key END FROM pets`)
	if err != nil {
		return failure(ctx, "read the keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		v := rows.RawValues()
		visit(v[0], v[1])
	}
	return failure(ctx, "read the keys", rows.Err())
}

// Lookup implements registry.Store.
func (s *Store) Lookup(ctx context.Context, q registry.Inquiry) (decisions []registry.Decision, err error) {
	if len(q.Names) == 0 {
		return nil, nil
	}
	err = s.call(ctx, "look up names", func(ctx context.Context) error {
		var found registry.Found
		b := &pgx.Batch{}
		queueSelection(b, q.Selection(), &found)
		if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		decisions = found.Decide(q)
		return nil
	})
	return decisions, err
}

// queueSelection queues the queries for s; their results are added to found.
func queueSelection(b *pgx.Batch, s registry.Selection, found *registry.Found) {
	b.Queue(`
		SELECT `+petColumns+` FROM pets WHERE name_key = ANY($1::text[])
		UNION ALL
		SELECT `+petColumns+` FROM pets WHERE lookalike_key = ANY($2::text[]) AND NOT let_pass`,
		s.Keys, s.Lookalikes).Query(addRows(scanPet, found.AddPet))
	b.Queue(`SELECT `+rulingColumns+` FROM rulings WHERE name_key = ANY($1::text[]) OR lookalike_key = ANY($2::text[])`,
		s.Keys, s.Lookalikes).Query(addRows(scanRuling, found.AddRuling))
}

// addRows returns a function that scans rows and adds each.
func addRows[T any](scan pgx.RowToFunc[T], add func(T)) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		all, err := pgx.CollectRows(rows, scan)
		for _, v := range all {
			add(v)
		}
		return err
	}
}

// Rulings implements registry.Store.
func (s *Store) Rulings(ctx context.Context, after string, limit int) (rulings []*registry.RulingState, err error) {
	err = s.call(ctx, "list rulings", func(ctx context.Context) (err error) {
		rulings, err = collect(ctx, s.pool, scanRuling,
			`SELECT `+rulingColumns+` FROM rulings WHERE name_key > $1 ORDER BY name_key LIMIT $2`, after, limit)
		return err
	})
	return rulings, err
}

// Journal implements registry.Store.
func (s *Store) Journal(ctx context.Context, q registry.JournalQuery) (records []registry.Record, err error) {
	const all = `SELECT ` + recordColumns + ` FROM journal WHERE seq > $1`
	query, args := all, []any{q.After, q.Limit}
	if q.Key != "" { // one query for each way to find a row
		query, args = all+` AND name_key = $3 AND by_pet IS NULL`+
			` UNION ALL `+all+` AND former_key = $3`+
			` UNION ALL `+all+` AND name_key = $3 AND by_pet AND seq = (SELECT entered_by FROM pets WHERE name_key = $3)`, append(args, q.Key)
	}
	err = s.call(ctx, "read the journal", func(ctx context.Context) (err error) {
		records, err = collect(ctx, s.pool, scanRecord, query+` ORDER BY seq LIMIT $2`, args...)
		return err
	})
	return records, err
}

// Orphans implements registry.Store. It is not bound by CallTimeout.
func (s *Store) Orphans(ctx context.Context, limit int) ([]registry.Record, error) {
	orphans, err := collect(ctx, s.pool, scanRecord, `
		SELECT `+recordColumns+` FROM journal WHERE by_pet
		AND NOT EXISTS (SELECT FROM pets WHERE name_key = journal.name_key AND entered_by = journal.seq)
		ORDER BY seq LIMIT $1`, limit)
	return orphans, failure(ctx, "look for orphans", err)
}

// JournalHead implements registry.Store.
func (s *Store) JournalHead(ctx context.Context) (head registry.Head, err error) {
	err = s.call(ctx, "read the journal's head", func(ctx context.Context) (err error) {
		head, err = scanHead(s.pool.QueryRow(ctx, `SELECT seq, hash FROM journal_head`))
		return err
	})
	return head, err
}

func scanHead(row pgx.Row) (head registry.Head, err error) {
	var hash []byte
	err = row.Scan(&head.Seq, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		err = registry.ErrNoHead
	}
	head.Hash = registry.HashOf(hash)
	return head, err
}

// List implements registry.Store. A search reads the index from the newest pet on until it has enough.
func (s *Store) List(ctx context.Context, q registry.ListQuery) ([]registry.Pet, error) {
	return s.searches.List(ctx, q, s.list)
}

func (s *Store) list(ctx context.Context, q registry.ListQuery) (pets []registry.Pet, err error) {
	query, args := listQuery(q)
	err = s.call(ctx, "list", func(ctx context.Context) error {
		found, err := collect(ctx, s.pool, scanPet, query, args...)
		pets = nil
		for _, p := range found {
			pets = append(pets, p.Pet())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return pets, nil
}

func listQuery(q registry.ListQuery) (query string, args []any) {
	arg := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	var where []string
	if !q.After.IsZero() {
		at, key := arg(q.After.RegisteredAt), arg(q.After.Key)
		where = append(where,
			`registered_at <= `+at, // implied by the next condition, in a form that an index can use
			`(registered_at < `+at+` OR name_key > `+key+`)`)
	}
	if q.Contains != "" {
		where = append(where, `strpos(name_key, `+arg(q.Contains)+`) > 0`)
	}
	if q.Category != "" {
		where = append(where, `category = `+arg(string(q.Category)))
	}
	query = `SELECT ` + petColumns + ` FROM pets`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	return query + ` ORDER BY registered_at DESC, name_key LIMIT ` + arg(q.Limit), args
}

// A querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// collect returns the rows of a query.
func collect[T any](ctx context.Context, db querier, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.AppendRows([]T(nil), rows, scan)
}

// The columns of each table, for its scan function.
const (
	petColumns    = `name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at, entered_by`
	rulingColumns = `name_key, lookalike_key, kind, name, reason, at, until`
	recordColumns = `seq, name_key, coalesce(former_key, ''), entry, hash`
)

func scanPet(row pgx.CollectableRow) (*registry.PetState, error) {
	var p registry.PetState
	err := row.Scan(&p.NameKey, &p.LookalikeKey, &p.LookalikeExempt, &p.Name, &p.FavoriteColor, &p.Category, &p.RegisteredAt, &p.EnteredBy)
	p.RegisteredAt = p.RegisteredAt.UTC()
	return &p, err
}

func scanRuling(row pgx.CollectableRow) (*registry.RulingState, error) {
	var r registry.RulingState
	var until *time.Time
	err := row.Scan(&r.NameKey, &r.LookalikeKey, &r.Kind, &r.Name, &r.Reason, &r.At, &until)
	r.At = r.At.UTC()
	if until != nil {
		r.Until = until.UTC()
	}
	return &r, err
}

func scanRecord(row pgx.CollectableRow) (r registry.Record, err error) {
	var hash []byte
	err = row.Scan(&r.Seq, &r.Key, &r.FormerKey, &r.Entry, &hash)
	r.Hash = registry.HashOf(hash)
	return r, err
}
