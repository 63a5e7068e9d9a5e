package sqlite_test

import (
	"path/filepath"
	"testing"

	"nametag"
	"nametag/internal/sqlite"
	"nametag/internal/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, fresh) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, fresh) }

func fresh(t testing.TB) nametag.Store {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "book.db"), sqlite.Options{Migrate: true})
}

func open(t testing.TB, path string, opts sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
