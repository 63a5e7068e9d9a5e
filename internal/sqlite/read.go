package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"nametag"
)

const petColumns = `name_key, name, favorite_color, category, registered_at_us`

// Find implements nametag.Store.
func (s *Store) Find(ctx context.Context, keys []string) (map[string]nametag.Pet, error) {
	var pets map[string]nametag.Pet
	err := s.read(ctx, "find", func() (err error) {
		pets, err = findPets(ctx, s.reader, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pets, nil
}

// List implements nametag.Store. A search reads the index from the newest pet
// on until it has enough.
func (s *Store) List(ctx context.Context, q nametag.ListQuery) ([]nametag.Pet, error) {
	return s.searches.List(ctx, q, s.list)
}

func (s *Store) list(ctx context.Context, q nametag.ListQuery) ([]nametag.Pet, error) {
	query, args := listQuery(q)
	var pets []nametag.Pet
	err := s.read(ctx, "list", func() error {
		return eachPet(ctx, s.reader, query, args, func(p nametag.Pet) { pets = append(pets, p) })
	})
	if err != nil {
		return nil, err
	}
	return pets, nil
}

// read runs f, which reads from s.reader under ctx.
func (s *Store) read(ctx context.Context, doing string, f func() error) error {
	if !s.calls.enter() {
		return nametag.Unavailable(errClosed)
	}
	defer s.calls.leave()
	err := f()
	if s.reader.moved() {
		err = errMoved
	}
	return failure(ctx, doing, err)
}

func listQuery(q nametag.ListQuery) (query string, args []any) {
	var where []string
	and := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	if !q.After.IsZero() {
		at := q.After.RegisteredAt.UnixMicro()
		and(`registered_at_us <= ?`, at) // says what the next one does, in a form that an index can use
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
}

func findPets(ctx context.Context, db querier, keys []string) (map[string]nametag.Pet, error) {
	pets := make(map[string]nametag.Pet, len(keys))
	if len(keys) == 0 {
		return pets, nil
	}
	const query = `SELECT ` + petColumns + ` FROM pets WHERE name_key IN (SELECT value FROM json_each(?))`
	err := eachPet(ctx, db, query, []any{jsonArray(keys)}, func(p nametag.Pet) { pets[p.Name.Key()] = p })
	if err != nil {
		return nil, err
	}
	return pets, nil
}

func eachPet(ctx context.Context, db querier, query string, args []any, visit func(nametag.Pet)) error {
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
		visit(nametag.Pet{
			Name:          nametag.RestoreName(name, key),
			FavoriteColor: nametag.Color(color),
			Category:      nametag.Category(category),
			RegisteredAt:  timeOf(registered),
		})
	}
	return rows.Err()
}

// jsonArray passes any number of strings in one parameter, for json_each.
func jsonArray(s []string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}
