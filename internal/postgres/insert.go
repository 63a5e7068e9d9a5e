package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"nametag"
	"nametag/internal/storekit"
)

// Insert implements nametag.Store. One pet without an idempotency key is one
// statement, and needs no transaction about it: if a second statement has to
// ask who has its name, the first has entered nothing.
func (s *Store) Insert(ctx context.Context, entries []nametag.Entry) ([]nametag.Result, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	if s.readOnly {
		return nil, errReadOnly
	}
	var b *storekit.Batch
	err := s.call(ctx, "insert", func(ctx context.Context) error {
		b = storekit.NewBatch(entries)
		claims := b.Claims()
		if len(entries) == 1 && len(claims) == 0 {
			return insert(ctx, s.pool, b)
		}
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if len(claims) == 0 {
				return insert(ctx, tx, b)
			}
			return insertWithKeys(ctx, tx, b, claims)
		})
	})
	if err != nil {
		return nil, err
	}
	return b.Results(), nil
}

// A querier is the pool or a transaction.
type querier interface {
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// insert enters b's candidates and settles b.
func insert(ctx context.Context, db querier, b *storekit.Batch) error {
	registered, err := insertPets(ctx, db, b.Candidates())
	if err != nil {
		return err
	}
	holders, err := findPets(ctx, db, b.Losers(registered))
	if err != nil {
		return err
	}
	b.Settle(registered, holders)
	return nil
}

// insertPets enters the pets whose names nobody has, in one statement, and
// returns their keys. It waits for others who are about to enter one of them.
func insertPets(ctx context.Context, db querier, pets []nametag.Pet) (map[string]bool, error) {
	registered := make(map[string]bool, len(pets))
	if len(pets) == 0 {
		return registered, nil
	}
	c := columnsOf(pets)
	rows, err := db.Query(ctx, `
		INSERT INTO pets (name_key, name, favorite_color, category, registered_at)
		SELECT name_key, name, favorite_color, category, registered_at
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
		     AS pet (name_key, name, favorite_color, category, registered_at)
		ON CONFLICT (name_key) DO NOTHING
		RETURNING name_key`,
		c.keys, c.names, c.colors, c.categories, c.registered)
	if err != nil {
		return nil, err
	}
	var key string
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error {
		registered[key] = true
		return nil
	})
	return registered, err
}

// columns are pets as arrays, one a column, the form in which a statement takes
// any number of rows.
type columns struct {
	keys, names, colors, categories []string
	registered                      []time.Time
}

func columnsOf(pets []nametag.Pet) columns {
	n := len(pets)
	c := columns{make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]time.Time, n)}
	for i, p := range pets {
		c.keys[i], c.names[i] = p.Name.Key(), p.Name.String()
		c.colors[i], c.categories[i] = string(p.FavoriteColor), string(p.Category)
		c.registered[i] = p.RegisteredAt
	}
	return c
}
