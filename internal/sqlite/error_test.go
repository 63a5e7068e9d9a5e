package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"nametag/internal/registry"
)

func database(t *testing.T, path, pragma string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma="+pragma)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, statement string) error {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	return err
}

func TestWhatMayPassIsUnavailable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	holder := database(t, path, "journal_mode(WAL)")
	if err := execute(t, holder, `BEGIN IMMEDIATE; CREATE TABLE x (y)`); err != nil {
		t.Fatal(err)
	}
	busy := execute(t, database(t, path, "busy_timeout(0)"), `CREATE TABLE z (y)`)

	small := database(t, filepath.Join(t.TempDir(), "y.db"), "max_page_count(2)")
	full := execute(t, small, `CREATE TABLE x (y); INSERT INTO x VALUES (zeroblob(100000))`)

	missing := execute(t, database(t, filepath.Join(path, "none", "z.db"), "busy_timeout(0)"), `SELECT 1`)
	readOnly := execute(t, database(t, path, "query_only(1)"), `CREATE TABLE z (y)`)

	for name, err := range map[string]error{"busy": busy, "full": full, "missing": missing, "read-only": readOnly} {
		if got := failure(t.Context(), "test", err); registry.ErrorCode(got) != registry.CodeUnavailable || !errors.Is(got, err) {
			t.Errorf("%s: %v becomes %v, want CodeUnavailable", name, err, got)
		}
	}
}

func TestADefectHasNoCode(t *testing.T) {
	t.Parallel()
	err := execute(t, database(t, filepath.Join(t.TempDir(), "x.db"), "busy_timeout(0)"), `SELECT * FROM nowhere`)
	if got := failure(t.Context(), "test", err); registry.ErrorCode(got) != registry.CodeInternal || !errors.Is(got, err) {
		t.Errorf("%v becomes %v, want no code", err, got)
	}
}

func TestAContextThatEndedIsItsError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := failure(ctx, "test", sql.ErrTxDone); !errors.Is(got, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", got)
	}
}

// Every page of the list and of a search is read in the order of the index.
func TestPagesAreReadAlongTheIndex(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "book.db"), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	cursor := registry.Cursor{Key: "rex"}
	for _, q := range []registry.ListQuery{
		{Limit: 1}, {Limit: 1, After: cursor}, {Limit: 1, Contains: "x"}, {Limit: 1, Category: registry.Cat},
		{Limit: 1, After: cursor, Contains: "x", Category: registry.Cat},
	} {
		query, args := listQuery(q)
		rows, err := s.reader.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, step)
		}
		if len(plan) != 1 || !strings.Contains(plan[0], "USING INDEX pets_newest_first") {
			t.Errorf("%+v is read by %q", q, plan)
		}
	}
}
