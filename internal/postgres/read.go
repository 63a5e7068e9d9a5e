package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag"
)

const petColumns = `name_key, name, favorite_color, category, registered_at`

// Find implements nametag.Store.
func (s *Store) Find(ctx context.Context, keys []string) (pets map[string]nametag.Pet, err error) {
	err = s.call(ctx, "find", func(ctx context.Context) error {
		pets, err = findPets(ctx, s.pool, keys)
		return err
	})
	return pets, err
}

// List implements nametag.Store. A search reads the index from the newest pet
// on until it has enough.
func (s *Store) List(ctx context.Context, q nametag.ListQuery) ([]nametag.Pet, error) {
	return s.searches.List(ctx, q, s.list)
}

func (s *Store) list(ctx context.Context, q nametag.ListQuery) (pets []nametag.Pet, err error) {
	query, args := listQuery(q)
	err = s.call(ctx, "list", func(ctx context.Context) error {
		pets = nil
		return eachPet(ctx, s.pool, query, args, func(p nametag.Pet) { pets = append(pets, p) })
	})
	if err != nil {
		return nil, err
	}
	return pets, nil
}

func listQuery(q nametag.ListQuery) (query string, args []any) {
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

func findPets(ctx context.Context, db querier, keys []string) (map[string]nametag.Pet, error) {
	pets := make(map[string]nametag.Pet, len(keys))
	if len(keys) == 0 {
		return pets, nil
	}
	const query = `SELECT ` + petColumns + ` FROM pets WHERE name_key = ANY($1::text[])`
	err := eachPet(ctx, db, query, []any{keys}, func(p nametag.Pet) { pets[p.Name.Key()] = p })
	if err != nil {
		return nil, err
	}
	return pets, nil
}

func eachPet(ctx context.Context, db querier, query string, args []any, visit func(nametag.Pet)) error {
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

func petOf(key, name, color, category string, registered time.Time) nametag.Pet {
	return nametag.Pet{
		Name:          nametag.RestoreName(name, key),
		FavoriteColor: nametag.Color(color),
		Category:      nametag.Category(category),
		RegisteredAt:  registered.UTC(),
	}
}
