package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"nametag/internal/registry"
)

const petColumns = `name_key, name, favorite_color, category, registered_at_us`

// Find implements registry.Store.
func (s *Store) Find(ctx context.Context, keys []string) (map[string]registry.Pet, error) {
	var pets map[string]registry.Pet
	err := s.read(ctx, "find", func() (err error) {
		pets, err = findPets(ctx, s.reader, keys)
		return err
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
	const columns = `name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at_us, entered_by`
	keys, lookalikes := jsonArray(s.Keys), jsonArray(s.Lookalikes)
	rows, err := db.QueryContext(ctx, `
		SELECT `+columns+` FROM pets WHERE name_key IN (SELECT value FROM json_each(?))
		UNION ALL
		SELECT `+columns+` FROM pets WHERE lookalike_key IN (SELECT value FROM json_each(?)) AND let_pass = 0`, keys, lookalikes)
	if err != nil {
		return found, err
	}
	defer rows.Close()
	for rows.Next() {
		var p registry.PetState
		var registered int64
		if err := rows.Scan(&p.NameKey, &p.LookalikeKey, &p.LookalikeExempt, &p.Name, &p.FavoriteColor, &p.Category, &registered, &p.EnteredBy); err != nil {
			return found, err
		}
		p.RegisteredAt = timeOf(registered)
		found.AddPet(&p)
	}
	if err := rows.Err(); err != nil {
		return found, err
	}
	const query = `SELECT ` + rulingColumns + ` FROM rulings WHERE name_key IN (SELECT value FROM json_each(?))
		UNION SELECT ` + rulingColumns + ` FROM rulings WHERE lookalike_key IN (SELECT value FROM json_each(?))`
	return found, eachRuling(ctx, db, found.AddRuling, query, keys, lookalikes)
}

const rulingColumns = `name_key, lookalike_key, kind, name, reason, at_us, until_us`

func eachRuling(ctx context.Context, db querier, visit func(*registry.RulingState), query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r registry.RulingState
		var at int64
		var until sql.Null[int64]
		if err := rows.Scan(&r.NameKey, &r.LookalikeKey, &r.Kind, &r.Name, &r.Reason, &at, &until); err != nil {
			return err
		}
		r.At = timeOf(at)
		if until.Valid {
			r.Until = timeOf(until.V)
		}
		visit(&r)
	}
	return rows.Err()
}

// Rulings implements registry.Store.
func (s *Store) Rulings(ctx context.Context, after string, limit int) (rulings []*registry.RulingState, err error) {
	err = s.read(ctx, "list rulings", func() error {
		return eachRuling(ctx, s.reader, func(r *registry.RulingState) { rulings = append(rulings, r) },
			`SELECT `+rulingColumns+` FROM rulings WHERE name_key > ? ORDER BY name_key LIMIT ?`, after, limit)
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
		records, err = collectRecords(ctx, s.reader, query+` ORDER BY seq LIMIT ?`, append(args, q.Limit)...)
		return err
	})
	return records, err
}

// Orphans implements registry.Store.
func (s *Store) Orphans(ctx context.Context, limit int) (orphans []registry.Record, err error) {
	err = s.read(ctx, "look for orphans", func() (err error) {
		orphans, err = collectRecords(ctx, s.reader, `
			SELECT `+recordColumns+` FROM journal WHERE by_pet
			AND NOT EXISTS (SELECT 1 FROM pets WHERE name_key = journal.name_key AND entered_by = journal.seq)
			ORDER BY seq LIMIT ?`, limit)
		return err
	})
	return orphans, err
}

const recordColumns = `seq, name_key, former_key, entry, hash`

func collectRecords(ctx context.Context, db querier, query string, args ...any) (records []registry.Record, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r registry.Record
		var former sql.Null[string]
		var hash []byte
		if err := rows.Scan(&r.Seq, &r.Key, &former, &r.Entry, &hash); err != nil {
			return nil, err
		}
		r.FormerKey, r.Hash = former.V, registry.HashOf(hash)
		records = append(records, r)
	}
	return records, rows.Err()
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

// List implements registry.Store. A search reads the index from the newest pet
// on until it has enough.
func (s *Store) List(ctx context.Context, q registry.ListQuery) ([]registry.Pet, error) {
	return s.searches.List(ctx, q, s.list)
}

func (s *Store) list(ctx context.Context, q registry.ListQuery) ([]registry.Pet, error) {
	query, args := listQuery(q)
	var pets []registry.Pet
	err := s.read(ctx, "list", func() error {
		return eachPet(ctx, s.reader, query, args, func(p registry.Pet) { pets = append(pets, p) })
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

func findPets(ctx context.Context, db querier, keys []string) (map[string]registry.Pet, error) {
	pets := make(map[string]registry.Pet, len(keys))
	if len(keys) == 0 {
		return pets, nil
	}
	const query = `SELECT ` + petColumns + ` FROM pets WHERE name_key IN (SELECT value FROM json_each(?))`
	err := eachPet(ctx, db, query, []any{jsonArray(keys)}, func(p registry.Pet) { pets[p.Name.Key()] = p })
	if err != nil {
		return nil, err
	}
	return pets, nil
}

func eachPet(ctx context.Context, db querier, query string, args []any, visit func(registry.Pet)) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, name, color, category string
		var registered int64
		if err := rows.Scan(&key, &name, &color, &category, &registered); err != nil {
			return err
		}
		visit(registry.Pet{
			Name:          registry.RestoreName(name, key),
			FavoriteColor: registry.Color(color),
			Category:      registry.Category(category),
			RegisteredAt:  timeOf(registered),
		})
	}
	return rows.Err()
}

// jsonArray passes any number of keys in one parameter, for json_each.
func jsonArray(keys []string) string {
	text, err := json.Marshal(keys)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}
