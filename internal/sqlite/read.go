package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"nametag/internal/registry"
)

// Find implements registry.Store.
func (s *Store) Find(ctx context.Context, keys []string) (map[string]registry.Pet, error) {
	pets := make(map[string]registry.Pet, len(keys))
	err := s.read(ctx, "find", func() error {
		return each(ctx, s.reader, scanPet, func(p *registry.PetState) error {
			pets[p.NameKey] = p.Pet()
			return nil
		}, `SELECT `+petColumns+` FROM pets WHERE name_key IN (SELECT value FROM json_each(?))`, jsonArray(keys))
	})
	if err != nil {
		return nil, err
	}
	return pets, nil
}

// EachKey implements registry.Store.
func (s *Store) EachKey(ctx context.Context, visit func(key, lookalike []byte)) error {
	return s.read(ctx, "read the keys", func() error {
		rows, err := s.reader.QueryContext(ctx, `SELECT name_key, iif(let_pass, '', lookalike_key) FROM pets`)
		if err != nil {
			return err
		}
		defer rows.Close()
		var key, lookalike sql.RawBytes
		for rows.Next() {
			if err := rows.Scan(&key, &lookalike); err != nil {
				return err
			}
			visit(key, lookalike)
		}
		return rows.Err()
	})
}

// Lookup implements registry.Store.
func (s *Store) Lookup(ctx context.Context, q registry.Inquiry) ([]registry.Decision, error) {
	if len(q.Names) == 0 {
		return nil, nil
	}
	var decisions []registry.Decision
	err := s.read(ctx, "look up names", func() error {
		found, err := findSelection(ctx, s.reader, q.Selection())
		decisions = found.Decide(q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return decisions, nil
}

func findSelection(ctx context.Context, db querier, s registry.Selection) (found registry.Found, err error) {
	keys, lookalikes := jsonArray(s.Keys), jsonArray(s.Lookalikes)
	pets, err := collect(ctx, db, scanPet, `
		SELECT `+petColumns+` FROM pets WHERE name_key IN (SELECT value FROM json_each(?))
		UNION ALL
		SELECT `+petColumns+` FROM pets WHERE lookalike_key IN (SELECT value FROM json_each(?)) AND let_pass = 0`, keys, lookalikes)
	if err != nil {
		return found, err
	}
	for _, p := range pets {
		found.AddPet(p)
	}
	rulings, err := collect(ctx, db, scanRuling, `
		SELECT `+rulingColumns+` FROM rulings WHERE name_key IN (SELECT value FROM json_each(?))
		UNION
		SELECT `+rulingColumns+` FROM rulings WHERE lookalike_key IN (SELECT value FROM json_each(?))`, keys, lookalikes)
	for _, r := range rulings {
		found.AddRuling(r)
	}
	return found, err
}

// Rulings implements registry.Store.
func (s *Store) Rulings(ctx context.Context, after string, limit int) (rulings []*registry.RulingState, err error) {
	err = s.read(ctx, "list rulings", func() (err error) {
		rulings, err = collect(ctx, s.reader, scanRuling,
			`SELECT `+rulingColumns+` FROM rulings WHERE name_key > ? ORDER BY name_key LIMIT ?`, after, limit)
		return err
	})
	return rulings, err
}

// Journal implements registry.Store.
func (s *Store) Journal(ctx context.Context, q registry.JournalQuery) (records []registry.Record, err error) {
	const all = `SELECT ` + recordColumns + ` FROM journal WHERE seq > ?`
	query, args := all, []any{q.After}
	if q.Key != "" { // one query for each way to find a row
		query = all + ` AND name_key = ? AND by_pet IS NULL` +
			` UNION ALL ` + all + ` AND former_key = ?` +
			` UNION ALL ` + all + ` AND name_key = ? AND by_pet AND seq = (SELECT entered_by FROM pets WHERE name_key = ?)`
		args = []any{q.After, q.Key, q.After, q.Key, q.After, q.Key, q.Key}
	}
	err = s.read(ctx, "read the journal", func() (err error) {
		records, err = collect(ctx, s.reader, scanRecord, query+` ORDER BY seq LIMIT ?`, append(args, q.Limit)...)
		return err
	})
	return records, err
}

// Orphans implements registry.Store.
func (s *Store) Orphans(ctx context.Context, limit int) (orphans []registry.Record, err error) {
	err = s.read(ctx, "look for orphans", func() (err error) {
		orphans, err = collect(ctx, s.reader, scanRecord, `
			SELECT `+recordColumns+` FROM journal WHERE by_pet
			AND NOT EXISTS (SELECT 1 FROM pets WHERE name_key = journal.name_key AND entered_by = journal.seq)
			ORDER BY seq LIMIT ?`, limit)
		return err
	})
	return orphans, err
}

// JournalHead implements registry.Store.
func (s *Store) JournalHead(ctx context.Context) (head registry.Head, err error) {
	err = s.read(ctx, "read the journal's head", func() (err error) {
		head, err = journalHead(ctx, s.reader)
		return err
	})
	return head, err
}

func journalHead(ctx context.Context, db querier) (head registry.Head, err error) {
	return scanHead(db.QueryRowContext(ctx, readHead))
}

func scanHead(row *sql.Row) (head registry.Head, err error) {
	var hash []byte
	err = row.Scan(&head.Seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = registry.ErrNoHead
	}
	head.Hash = registry.HashOf(hash)
	return head, err
}

// List implements registry.Store. A search reads the index from the newest pet on until it has enough.
func (s *Store) List(ctx context.Context, q registry.ListQuery) ([]registry.Pet, error) {
	return s.searches.List(ctx, q, s.list)
}

func (s *Store) list(ctx context.Context, q registry.ListQuery) ([]registry.Pet, error) {
	query, args := listQuery(q)
	var pets []registry.Pet
	err := s.read(ctx, "list", func() error {
		return each(ctx, s.reader, scanPet, func(p *registry.PetState) error {
			pets = append(pets, p.Pet())
			return nil
		}, query, args...)
	})
	if err != nil {
		return nil, err
	}
	return pets, nil
}

// read runs f, which reads from s.reader under ctx.
func (s *Store) read(ctx context.Context, doing string, f func() error) error {
	if !s.calls.enter() {
		return registry.Unavailable(errClosed)
	}
	defer s.calls.leave()
	err := f()
	if s.reader.moved() {
		err = errMoved
	}
	return failure(ctx, doing, err)
}

func listQuery(q registry.ListQuery) (query string, args []any) {
	var where []string
	and := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	if !q.After.IsZero() {
		at := q.After.RegisteredAt.UnixMicro()
		and(`registered_at_us <= ?`, at) // implied by the next condition, in a form that an index can use
		and(`(registered_at_us < ? OR name_key > ?)`, at, q.After.Key)
	}
	if q.Contains != "" {
		and(`instr(name_key, ?) > 0`, q.Contains)
	}
	if q.Category != "" {
		and(`category = ?`, string(q.Category))
	}
	query = `SELECT ` + petColumns + ` FROM pets INDEXED BY pets_newest_first`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	return query + ` ORDER BY registered_at_us DESC, name_key LIMIT ?`, append(args, q.Limit)
}

// A querier is a database or a transaction in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// each visits the rows of a query until visit returns an error.
func each[T any](ctx context.Context, db querier, scan func(*sql.Rows) (T, error), visit func(T) error, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err == nil {
			err = visit(row)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// collect returns the rows of a query.
func collect[T any](ctx context.Context, db querier, scan func(*sql.Rows) (T, error), query string, args ...any) (all []T, err error) {
	err = each(ctx, db, scan, func(row T) error {
		all = append(all, row)
		return nil
	}, query, args...)
	return all, err
}

// The columns of each table, for its scan function.
const (
	petColumns    = `name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at_us, entered_by`
	rulingColumns = `name_key, lookalike_key, kind, name, reason, at_us, until_us`
	recordColumns = `seq, name_key, coalesce(former_key, ''), entry, hash`
)

func scanPet(rows *sql.Rows) (*registry.PetState, error) {
	var p registry.PetState
	var registered int64
	err := rows.Scan(&p.NameKey, &p.LookalikeKey, &p.LookalikeExempt, &p.Name, &p.FavoriteColor, &p.Category, &registered, &p.EnteredBy)
	p.RegisteredAt = timeOf(registered)
	return &p, err
}

func scanRuling(rows *sql.Rows) (*registry.RulingState, error) {
	var r registry.RulingState
	var at int64
	var until sql.Null[int64]
	err := rows.Scan(&r.NameKey, &r.LookalikeKey, &r.Kind, &r.Name, &r.Reason, &at, &until)
	r.At = timeOf(at)
	if until.Valid {
		r.Until = timeOf(until.V)
	}
	return &r, err
}

func scanRecord(rows *sql.Rows) (r registry.Record, err error) {
	var hash []byte
	err = rows.Scan(&r.Seq, &r.Key, &r.FormerKey, &r.Entry, &hash)
	r.Hash = registry.HashOf(hash)
	return r, err
}

// jsonArray passes any number of keys in one parameter, for json_each.
func jsonArray(keys []string) string {
	text, err := json.Marshal(keys)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}
