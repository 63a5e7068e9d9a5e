package postgres_test

import (
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"nametag/internal/migrate"
	"nametag/internal/pgtest"
	"nametag/internal/postgres"
	"nametag/internal/storetest"
)

func TestABookFromBeforeTheJournalGetsOne(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	m, err := migrate.New(migrate.PostgreSQL, os.DirFS("migrations"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, to, err := m.Up(t.Context(), stdlib.OpenDBFromPool(pool)); err != nil || to != 3 {
		t.Fatalf("Up: to %d, %v", to, err)
	}
	storetest.FillBefore(t, func(key, name string, at int64) {
		if _, err := pool.Exec(t.Context(), `INSERT INTO pets VALUES ($1, $2, 'red', 'cat', $3)`, key, name, time.UnixMicro(at)); err != nil {
			t.Fatal(err)
		}
	})
	storetest.HasJournal(t, open(t, url, postgres.Options{Migrate: true, MaxConns: 1}))
}
