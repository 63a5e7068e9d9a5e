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

const petColumns = `name_key, name, favorite_color, category, registered_at`

// Find implements registry.Store.
func (s *Store) Find(ctx context.Context, keys []string) (pets map[string]registry.Pet, err error) {
	err = s.call(ctx, "find", func(ctx context.Context) error {
		pets, err = findPets(ctx, s.pool, keys)
		return err
	})
	return pets, err
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

// queueSelection queues the queries for s; the answers go into found.
func queueSelection(b *pgx.Batch, s registry.Selection, found *registry.Found) {
	const columns = `name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at, entered_by`
	b.Queue(`
		SELECT `+columns+` FROM pets WHERE name_key = ANY($1::text[])
		UNION ALL
		SELECT `+columns+` FROM pets WHERE lookalike_key = ANY($2::text[]) AND NOT let_pass`,
		s.Keys, s.Lookalikes).Query(func(rows pgx.Rows) error {
		var key, lookalike, name, color, category string
		var exempt bool
		var registered time.Time
		var entered int64
		_, err := pgx.ForEachRow(rows, []any{&key, &lookalike, &exempt, &name, &color, &category, &registered, &entered}, func() error {
			found.AddPet(&registry.PetState{Name: name, NameKey: key, LookalikeKey: lookalike, LookalikeExempt: exempt,
				FavoriteColor: registry.Color(color), Category: registry.Category(category), RegisteredAt: registered.UTC(), EnteredBy: entered})
			return nil
		})
		return err
	})
	b.Queue(`SELECT `+rulingColumns+` FROM rulings WHERE name_key = ANY($1::text[]) OR lookalike_key = ANY($2::text[])`,
		s.Keys, s.Lookalikes).Query(func(rows pgx.Rows) error { return eachRuling(rows, found.AddRuling) })
}

const rulingColumns = `name_key, lookalike_key, kind, name, reason, at, until`

func eachRuling(rows pgx.Rows, visit func(*registry.RulingState)) error {
	var key, lookalike, kind, name, reason string
	var at time.Time
	var until *time.Time
	_, err := pgx.ForEachRow(rows, []any{&key, &lookalike, &kind, &name, &reason, &at, &until}, func() error {
		r := &registry.RulingState{Kind: registry.RulingKind(kind), Name: name, NameKey: key, LookalikeKey: lookalike, Reason: reason, At: at.UTC()}
		if until != nil {
			r.Until = until.UTC()
		}
		visit(r)
		return nil
	})
	return err
}

// Rulings implements registry.Store.
func (s *Store) Rulings(ctx context.Context, after string, limit int) (rulings []*registry.RulingState, err error) {
	err = s.call(ctx, "list rulings", func(ctx context.Context) error {
		rulings = nil
		rows, err := s.pool.Query(ctx, `SELECT `+rulingColumns+` FROM rulings WHERE name_key > $1 ORDER BY name_key LIMIT $2`, after, limit)
		if err != nil {
			return err
		}
		return eachRuling(rows, func(r *registry.RulingState) { rulings = append(rulings, r) })
	})
	return rulings, err
}

// Journal implements registry.Store.
func (s *Store) Journal(ctx context.Context, q registry.JournalQuery) (records []registry.Record, err error) {
	const all = `SELECT ` + recordColumns + ` FROM journal WHERE seq > $1`
	query, args := all, []any{q.After, q.Limit}
	if q.Key != "" { // a question for each way to find a row
		query, args = all+` AND name_key = $3 AND by_pet IS NULL`+
			` UNION ALL `+all+` AND former_key = $3`+
			` UNION ALL `+all+` AND name_key = $3 AND by_pet AND seq = (SELECT entered_by FROM pets WHERE name_key = $3)`, append(args, q.Key)
	}
	err = s.call(ctx, "read the journal", func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, query+` ORDER BY seq LIMIT $2`, args...)
		if err != nil {
			return err
		}
		records, err = collectRecords(rows)
		return err
	})
	return records, err
}

// Orphans implements registry.Store. It is not bound by CallTimeout.
func (s *Store) Orphans(ctx context.Context, limit int) ([]registry.Record, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT `+recordColumns+` FROM journal WHERE by_pet
		AND NOT EXISTS (SELECT FROM pets WHERE name_key = journal.name_key AND entered_by = journal.seq)
		ORDER BY seq LIMIT $1`, limit)
	if err != nil {
		return nil, failure(ctx, "look for orphans", err)
	}
	orphans, err := collectRecords(rows)
	return orphans, failure(ctx, "look for orphans", err)
}

const recordColumns = `seq, name_key, former_key, entry, hash`

func collectRecords(rows pgx.Rows) (records []registry.Record, err error) {
	var seq int64
	var key, entry string
	var former *string
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &key, &former, &entry, &hash}, func() error {
		r := registry.Record{Seq: seq, Key: key, Entry: []byte(entry), Hash: registry.HashOf(hash)}
		if former != nil {
			r.FormerKey = *former
		}
		records = append(records, r)
		return nil
	})
	return records, err
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

// A querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// List implements registry.Store. A search reads the index from the newest pet
// on until it has enough.
func (s *Store) List(ctx context.Context, q registry.ListQuery) ([]registry.Pet, error) {
	return s.searches.List(ctx, q, s.list)
}

func (s *Store) list(ctx context.Context, q registry.ListQuery) (pets []registry.Pet, err error) {
	query, args := listQuery(q)
	err = s.call(ctx, "list", func(ctx context.Context) error {
		pets = nil
		return eachPet(ctx, s.pool, query, args, func(p registry.Pet) { pets = append(pets, p) })
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
			`registered_at <= `+at, // says what the next one does, in a form that an index can use
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

func findPets(ctx context.Context, db querier, keys []string) (map[string]registry.Pet, error) {
	pets := make(map[string]registry.Pet, len(keys))
	if len(keys) == 0 {
		return pets, nil
	}
	const query = `SELECT ` + petColumns + ` FROM pets WHERE name_key = ANY($1::text[])`
	err := eachPet(ctx, db, query, []any{keys}, func(p registry.Pet) { pets[p.Name.Key()] = p })
	if err != nil {
		return nil, err
	}
	return pets, nil
}

func eachPet(ctx context.Context, db querier, query string, args []any, visit func(registry.Pet)) error {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	var key, name, color, category string
	var registered time.Time
	_, err = pgx.ForEachRow(rows, []any{&key, &name, &color, &category, &registered}, func() error {
		visit(petOf(key, name, color, category, registered))
		return nil
	})
	return err
}

func petOf(key, name, color, category string, registered time.Time) registry.Pet {
	return registry.Pet{
		Name:          registry.RestoreName(name, key),
		FavoriteColor: registry.Color(color),
		Category:      registry.Category(category),
		RegisteredAt:  registered.UTC(),
	}
}
