package postgres_test

import (
	"os"
	"testing"

	"nametag"
	"nametag/internal/pgtest"
	"nametag/internal/postgres"
	"nametag/internal/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m.Run)) }

func TestStore(t *testing.T) { storetest.Run(t, fresh) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, fresh) }

func fresh(t testing.TB) nametag.Store {
	t.Helper()
	return open(t, pgtest.URL(t), postgres.Options{Migrate: true, MaxConns: 8})
}

func open(t testing.TB, url string, opts postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, opts)
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
