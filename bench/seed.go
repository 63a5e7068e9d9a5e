package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite"

	"nametag/internal/registry"
)

// seedTime is when the first pet of a book was registered; each of the others
// came a second after the one before.
var seedTime = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// seedPet returns the entry of pet number i.
func seedPet(i int) *registry.PetState {
	text := nameOf(uint64(i))
	return registry.NewPetState(registry.Pet{
		Name:          registry.RestoreName(text, strings.ToLower(text)),
		FavoriteColor: "blue",
		Category:      registry.Cat,
		RegisteredAt:  seedTime.Add(time.Duration(i) * time.Second),
	}, false)
}

// insertedPet returns the entry of pet number i in a table for pgbench, as its script
// would have made it: of a number at random.
func insertedPet(i int) *registry.PetState {
	p := seedPet(i)
	p.Name = insertedName(rand.New(rand.NewPCG(uint64(i), 1)).Int64())
	p.NameKey, p.LookalikeKey = p.Name, p.Name
	return p
}

// insertedName returns the name that pgbench's script makes of a number.
func insertedName(n int64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// seedRecord returns the row of the journal that follows head and enters pet.
func seedRecord(head registry.Head, pet *registry.PetState) registry.Record {
	origin := registry.Origin{At: pet.RegisteredAt, Via: registry.ViaImport, Policy: registry.Open.Version()}
	return head.Append(registry.NewEvent(registry.ActionImported, origin, registry.State{}, registry.State{Pet: pet}))
}

// fillPostgres puts n names into an empty book on PostgreSQL: the first ones with their
// journal, or those that pgbench's inserts are to come among, without.
func fillPostgres(ctx context.Context, url string, n int, journal bool) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rebuild, err := dropIndexes(ctx, conn)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	pet := insertedPet
	if journal {
		pet = seedPet
		g.Go(func() error { return copyJournal(gctx, url, n) })
	}
	g.Go(func() error { return copyPets(gctx, url, n, pet) })
	if err := g.Wait(); err != nil {
		return err
	}
	statements := append([]string{`SET maintenance_work_mem = '1GB'`}, rebuild...)
	for _, s := range append(statements, `VACUUM ANALYZE`, `CHECKPOINT`) {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// dropIndexes drops the indexes that no constraint needs, and returns the
// statements that make them again.
func dropIndexes(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `
		SELECT indexname, indexdef FROM pg_indexes
		WHERE schemaname = 'public' AND tablename IN ('pets', 'journal')
		AND indexname NOT IN (SELECT conname FROM pg_constraint)`)
	if err != nil {
		return nil, err
	}
	var names, definitions []string
	var name, definition string
	_, err = pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		names, definitions = append(names, name), append(definitions, definition)
		return nil
	})
	for _, name := range names {
		if err == nil {
			_, err = conn.Exec(ctx, `DROP INDEX `+pgx.Identifier{name}.Sanitize())
		}
	}
	return definitions, err
}

func copyPets(ctx context.Context, url string, n int, pet func(i int) *registry.PetState) error {
	columns := []string{"name_key", "lookalike_key", "let_pass", "name", "favorite_color", "category", "registered_at", "entered_by"}
	return copyRows(ctx, url, "pets", columns, n, func(i int) []any {
		p := pet(i)
		return []any{p.NameKey, p.LookalikeKey, p.LetPass, p.Name, string(p.FavoriteColor), string(p.Category), p.RegisteredAt, i + 1}
	})
}

func copyJournal(ctx context.Context, url string, n int) error {
	var head registry.Head
	err := copyRows(ctx, url, "journal", []string{"seq", "name_key", "entry", "hash", "by_pet"}, n, func(i int) []any {
		r := seedRecord(head, seedPet(i))
		head = r.Head()
		return []any{r.Seq, r.Key, string(r.Entry), r.Hash[:], true}
	})
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `UPDATE journal_head SET seq = $1, hash = $2`, head.Seq, head.Hash[:])
	return err
}

func copyRows(ctx context.Context, url, table string, columns []string, n int, row func(int) []any) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	i := 0
	_, err = conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if i == n {
			return nil, nil
		}
		i++
		return row(i - 1), nil
	}))
	return err
}

// fillSQLite puts the first n names into an empty book in an SQLite file that
// nobody has open.
func fillSQLite(ctx context.Context, file string, n int) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	pets, err := tx.PrepareContext(ctx, `
		INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at_us, entered_by)
		VALUES (?, ?, 0, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	journal, err := tx.PrepareContext(ctx, `INSERT INTO journal (seq, name_key, entry, hash, by_pet) VALUES (?, ?, ?, ?, 1)`)
	if err != nil {
		return err
	}
	var head registry.Head
	for i := range n {
		p := seedPet(i)
		_, err := pets.ExecContext(ctx, p.NameKey, p.LookalikeKey, p.Name, string(p.FavoriteColor), string(p.Category), p.RegisteredAt.UnixMicro(), i+1)
		if err != nil {
			return err
		}
		r := seedRecord(head, p)
		head = r.Head()
		if _, err := journal.ExecContext(ctx, r.Seq, r.Key, string(r.Entry), r.Hash[:]); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE journal_head SET seq = ?, hash = ?`, head.Seq, head.Hash[:]); err != nil {
		return err
	}
	return tx.Commit()
}
