package pgtest_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"nametag/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m.Run)) }

func TestEachURLIsOfAnotherDatabase(t *testing.T) {
	a, b := pgtest.URL(t), pgtest.URL(t)
	exec(t, a, `CREATE TABLE pets (x int)`)
	exec(t, b, `CREATE TABLE pets (x int)`)
}

func TestADatabaseIsRemovedAfterItsTest(t *testing.T) {
	var url string
	t.Run("inner", func(t *testing.T) { url = pgtest.URL(t) })
	if url == "" {
		t.Skip("PostgreSQL tests left out: the test above was")
	}
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		conn.Close(t.Context())
		t.Error("the database is still there")
	}
}

func TestAKilledClusterKeepsCommittedRows(t *testing.T) {
	c := pgtest.Start(t)
	exec(t, c.URL(), `CREATE TABLE pets (x int)`)
	for name, end := range map[string]func() error{"Kill": c.Kill, "Stop": c.Stop} {
		exec(t, c.URL(), `INSERT INTO pets VALUES (1)`)
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if conn, err := pgx.Connect(t.Context(), c.URL()); err == nil {
			conn.Close(t.Context())
			t.Fatalf("the server answers after %s", name)
		}
		if err := c.Restart(); err != nil {
			t.Fatalf("Restart after %s: %v", name, err)
		}
	}
	conn := connect(t, c.URL())
	var n int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pets`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows (%v), want 2", n, err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func exec(t *testing.T, url, statement string) {
	t.Helper()
	if _, err := connect(t, url).Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
