package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nametag/internal/registry"
)

// A server moves what it writes into the file, long before its log is as long as the writer would let it grow.
func TestAServerMovesPagesBesideTheWriter(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "book.db")
	s, err := Open(t.Context(), file, Options{Serve: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	size := func() int64 {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	applications := make([]registry.Application, rowsBetween)
	for i := range applications {
		applications[i] = registry.Application{Name: "Bella " + string(rune('가'+i)), FavoriteColor: "blue", Category: "cat"}
	}
	if _, err := registry.New(s, nil).RegisterAll(t.Context(), applications); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); size() < before+rowsBetween*200; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("the file has %d bytes, and had %d before", size(), before)
		}
	}
}

// Nobody who closes a store waits until the next checkpoint may come.
func TestClosingWhileCheckpointsRest(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "book.db"), Options{Serve: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	s.behind.rest = time.Hour
	s.behind.wrote(rowsBetween)
	for start := time.Now(); len(s.behind.wake) > 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Fatal("there is no checkpoint")
		}
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("closing takes longer than 30 s")
	}
}

// Registrations that are under way when the store is closed are entered or refused.
func TestClosingWhileRowsAreEntered(t *testing.T) {
	t.Parallel()
	for round := range 20 {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "book.db"), Options{Serve: true, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		reg := registry.New(s, nil)
		var wg sync.WaitGroup
		begun := make(chan struct{}, 8)
		for w := range 4 {
			wg.Go(func() {
				for bulk := 0; ; bulk++ {
					applications := make([]registry.Application, rowsBetween)
					for i := range applications {
						applications[i] = registry.Application{Name: fmt.Sprintf("Pet %d %d %d", w, bulk, i), FavoriteColor: "blue", Category: "cat"}
					}
					select {
					case begun <- struct{}{}:
					default:
					}
					if _, err := reg.RegisterAll(t.Context(), applications); err != nil {
						if registry.ErrorCode(err) != registry.CodeUnavailable {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		for range 1 + round%8 {
			<-begun
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

// A head that says what the journal does not have is told as what it is.
func TestADamagedHeadIsTold(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "book.db"), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.writer.Exec(`UPDATE journal_head SET hash = x'ff'`); err != nil {
		t.Fatal(err)
	}
	_, err = registry.New(s, nil).Register(t.Context(), registry.Application{Name: "Bella", FavoriteColor: "blue", Category: "cat"})
	if !errors.Is(err, registry.ErrNoHead) {
		t.Error(err)
	}
}
