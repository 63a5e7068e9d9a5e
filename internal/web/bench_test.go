package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/index"
	"nametag/internal/registry"
	"nametag/internal/sqlite"
	"nametag/internal/web"
)

// A sink discards an answer.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkHandler measures the handling of a request without net/http's reading and writing.
func BenchmarkHandler(b *testing.B) {
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "nametag.db"), sqlite.Options{Serve: true, Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	x := index.New(store, slog.New(slog.DiscardHandler))
	go x.Run(b.Context())
	<-x.Filled()
	reg := registry.New(x, nil)
	if _, err := reg.Register(b.Context(), registry.Application{Name: "Bella", FavoriteColor: "blue", Category: "cat"}); err != nil {
		b.Fatal(err)
	}
	site := web.New(web.Config{
		Registry: reg,
		Log:      slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Metrics:  prometheus.NewRegistry(),
	})
	for _, c := range []struct{ name, target string }{
		{"CheckFree", "/check_pet_name?pet_name=Zorro"},
		{"CheckTaken", "/check_pet_name?pet_name=Bella"},
		{"Home", "/"},
		{"Pet", "/pets/Bella"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequest("GET", c.target, nil)
			for b.Loop() {
				site.ServeHTTP(&sink{http.Header{}}, r)
			}
		})
	}
}
