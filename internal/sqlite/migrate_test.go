package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"nametag/internal/migrate"
	"nametag/internal/storetest"
)

func TestABookFromBeforeTheJournalGetsOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "book.db")
	db := raw(t, path)
	m, err := migrate.New(migrate.SQLite, os.DirFS("migrations"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, to, err := m.Up(t.Context(), db); err != nil || to != 3 {
		t.Fatalf("Up: to %d, %v", to, err)
	}
	storetest.FillBefore(t, func(key, name string, at int64) {
		_, err := db.Exec(`INSERT INTO pets VALUES (?, ?, 'red', 'cat', ?)`, key, name, at)
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.HasJournal(t, open(t, path, serve))
}
