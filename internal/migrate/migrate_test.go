package migrate_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"testing/fstest"

	_ "modernc.org/sqlite"

	"nametag/internal/migrate"
)

var files = fstest.MapFS{
	"00001_one.sql": {Data: []byte("-- +goose Up\nCREATE TABLE one (x INTEGER);\n")},
	"00002_two.sql": {Data: []byte("-- +goose Up\nCREATE TABLE two (x INTEGER);\n")},
}

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "book.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func migrator(t *testing.T) *migrate.Migrator {
	t.Helper()
	m, err := migrate.New(migrate.SQLite, files, 0)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestUpBringsADatabaseToTheTargetOnce(t *testing.T) {
	t.Parallel()
	db, m := open(t), migrator(t)
	for _, want := range [][2]int64{{0, 2}, {2, 2}} {
		from, to, err := m.Up(t.Context(), db)
		if err != nil || from != want[0] || to != want[1] {
			t.Fatalf("Up: from %d to %d, %v; want from %d to %d", from, to, err, want[0], want[1])
		}
	}
	if err := m.Check(t.Context(), db); err != nil {
		t.Errorf("Check after Up: %v", err)
	}
}

func TestVersionChangesNothing(t *testing.T) {
	t.Parallel()
	db := open(t)
	if v, err := migrator(t).Version(t.Context(), db); v != 0 || err != nil {
		t.Fatalf("Version of an empty database: %d, %v", v, err)
	}
	var tables int
	if err := db.QueryRow(`SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables afterwards (%v), want none", tables, err)
	}
}

func TestAnOlderDatabaseIsNotReady(t *testing.T) {
	t.Parallel()
	db, m := open(t), migrator(t)
	for name, err := range map[string]error{"Check": m.Check(t.Context(), db), "Ready": m.Ready(t.Context(), db)} {
		e, ok := errors.AsType[*migrate.SchemaError](err)
		if !ok || e.Database != 0 || e.Program != 2 {
			t.Errorf("%s of an empty database: %v", name, err)
		}
	}
}

func TestANewerDatabaseSaysWhichProgramsMayStart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		floor   string
		refused bool
	}{
		"no table":               {``, true},
		"no row":                 {`CREATE TABLE schema_floor (version INTEGER)`, true},
		"newer than the program": {`CREATE TABLE schema_floor AS SELECT 3 AS version`, true},
		"as old as the program":  {`CREATE TABLE schema_floor AS SELECT 2 AS version`, false},
		"older than the program": {`CREATE TABLE schema_floor AS SELECT 1 AS version`, false},
	} {
		t.Run(name, func(t *testing.T) {
			db, m := open(t), migrator(t)
			if _, _, err := m.Up(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, true);` + test.floor); err != nil {
				t.Fatal(err)
			}
			if err := m.Ready(t.Context(), db); err != nil {
				t.Errorf("Ready: %v", err)
			}
			from, to, up := m.Up(t.Context(), db)
			if from != 7 || to != 7 {
				t.Errorf("Up: from %d to %d, want 7 twice", from, to)
			}
			const refusal = "The database is at schema 7, this nametag knows 2: use a newer nametag"
			for name, err := range map[string]error{"Up": up, "Check": m.Check(t.Context(), db), "NotNewer": m.NotNewer(t.Context(), db)} {
				if test.refused && (err == nil || err.Error() != refusal) || !test.refused && err != nil {
					t.Errorf("%s: %v; to be refused: %t", name, err, test.refused)
				}
			}
		})
	}
}
