package index_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"nametag/internal/index"
	"nametag/internal/registry"
	"nametag/internal/sqlite"
)

// A listener records the entries that reach a store.
type listener struct {
	registry.Store
	heard []registry.Entry
}

func (l *listener) Insert(ctx context.Context, entries []registry.Entry) ([]registry.Decision, error) {
	l.heard = append(l.heard, entries...)
	return l.Store.Insert(ctx, entries)
}

// TestTheStoreIsToldWhatIsFree expects CheckedAt only for a name that no pet and no
// ruling concerns, and as the head that the index has applied.
func TestTheStoreIsToldWhatIsFree(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	at := time.Now()
	desk := registry.New(store, func() time.Time { return at }).WithOrigin(registry.ViaRegistrar, "Ada", "a test")
	register(t, store, "Bella", "McIntosh", "Max", "Rex", "Ida")
	if d, err := desk.AllowLookalike(t.Context(), "M-a-x"); err != nil || d.Code != "" {
		t.Fatal(err)
	}
	register(t, store, "M-a-x")
	if d, err := desk.Reserve(t.Context(), "King"); err != nil || d.Code != "" {
		t.Fatal(err)
	}
	if d, err := desk.AllowLookalike(t.Context(), "B-ella"); err != nil || d.Code != "" {
		t.Fatal(err)
	}
	at = time.Now().AddDate(-10, 0, 0) // the quarantine ended long ago
	if d, err := desk.Release(t.Context(), "Rex"); err != nil || d.Code != "" {
		t.Fatal(err)
	}
	l := &listener{Store: store}
	x := index.New(l, slog.New(slog.DiscardHandler))
	register(t, x, "Luna") // it is not filled yet
	fill(t, x)
	for _, n := range []string{"Zorro", "BELLA", "Bel-la", "B-ella", "Mcintosh", "M-a-x", "M.a.x", "King", "Ki-ng", "Rex", "R-ex"} {
		head, err := store.JournalHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		registry.New(x, nil).Register(t.Context(), registry.Application{Name: n, FavoriteColor: "blue", Category: "cat"})
		want := registry.Head{}
		if n == "Zorro" {
			want = head
		}
		if got := l.heard[len(l.heard)-1]; got.Pet.Name.String() != n || got.CheckedAt != want {
			t.Errorf("of %s the store heard that %s is free at %v, want %v", n, got.Pet.Name, got.CheckedAt, want)
		}
	}
	if l.heard[0].CheckedAt != (registry.Head{}) {
		t.Errorf("before it was filled, the index said that %s is free", l.heard[0].Pet.Name)
	}
}

// TestRulingsApplyByTheirStoredLookalikeKeys changes the stored key of a ruling, as a
// program with another version of the algorithm would have written it.
func TestRulingsApplyByTheirStoredLookalikeKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "book.db")
	store, err := sqlite.Open(t.Context(), file, sqlite.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := registry.New(store, nil).WithOrigin(registry.ViaRegistrar, "Ada", "a test").Reserve(t.Context(), "King"); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE rulings SET lookalike_key = 'luna'`); err != nil {
		t.Fatal(err)
	}
	x := run(t, store)
	if got := glance(t, x, name(t, "Luna")); got != "reserved by King" {
		t.Errorf("a check says: %s", got)
	}
	d, err := registry.New(x, nil).Register(t.Context(), registry.Application{Name: "Luna", FavoriteColor: "blue", Category: "cat"})
	if err != nil || d.Code != registry.CodeReserved {
		t.Errorf("registering gives %v, %v", d, err)
	}
}
