package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"nametag/internal/registry"
)

var acmeTests = map[string]func(*testing.T, Database){
	"LoadReturnsTheLastSave":     acmeLoadsWhatWasSaved,
	"ASaveIsSharedAndDurable":    acmeIsShared,
	"ConcurrentSavesAreAtomic":   acmeManySave,
	"AReaderLoadsButDoesNotSave": acmeReader,
	"AClosedStoreIsUnavailable":  acmeClosed,
	"TheContextEndsCalls":        acmeContext,
	"OneHolderAtATimeHasTheLock": acmeLock,
}

// loads checks the data under name; nil for none.
func loads(t *testing.T, s Store, name string, want []byte) {
	t.Helper()
	if got, err := s.LoadACME(t.Context(), name); err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
		t.Errorf("LoadACME(%q): %q, %v; want %q", name, got, err, want)
	}
}

func saves(t *testing.T, s Store, name string, data []byte) {
	t.Helper()
	if err := s.SaveACME(t.Context(), name, data); err != nil {
		t.Errorf("SaveACME(%q): %v", name, err)
	}
}

func deletes(t *testing.T, s Store, name string) {
	t.Helper()
	if err := s.DeleteACME(t.Context(), name); err != nil {
		t.Errorf("DeleteACME(%q): %v", name, err)
	}
}

func acmeLoadsWhatWasSaved(t *testing.T, db Database) {
	s := openNew(t, db)
	data := []byte("\x00\xff' -----BEGIN")
	loads(t, s, "pets.example", nil)
	saves(t, s, "pets.example", []byte("first"))
	saves(t, s, "pets.example", data)
	saves(t, s, "Pets.example", []byte("another"))
	loads(t, s, "pets.example", data)
	loads(t, s, "Pets.example", []byte("another"))
	for range 2 {
		deletes(t, s, "pets.example")
		loads(t, s, "pets.example", nil)
	}
	loads(t, s, "Pets.example", []byte("another"))
}

func acmeIsShared(t *testing.T, db Database) {
	one, two := openNew(t, db), openNew(t, db)
	saves(t, one, "key", []byte("of one"))
	loads(t, two, "key", []byte("of one"))
	saves(t, two, "key", []byte("of two"))
	loads(t, one, "key", []byte("of two"))
	for _, s := range []Store{one, two} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	loads(t, openNew(t, db), "key", []byte("of two"))
}

// acmeManySave saves concurrently. The data must be that of one of the saves.
func acmeManySave(t *testing.T, db Database) {
	s := openNew(t, db)
	const n = 16
	together(n, func(i int) {
		whole := bytes.Repeat([]byte{byte('a' + i)}, 5000)
		saves(t, s, "shared", whole)
		saves(t, s, fmt.Sprint("own ", i), whole)
		got, err := s.LoadACME(t.Context(), "shared")
		if err != nil || len(got) != len(whole) || bytes.Count(got, got[:1]) != len(got) {
			t.Errorf("LoadACME: %d bytes, %v; want what one of them saved", len(got), err)
		}
		loads(t, s, fmt.Sprint("own ", i), whole)
		if i%2 == 1 {
			deletes(t, s, fmt.Sprint("own ", i))
		}
	})
	for i := range n {
		if got, _ := s.LoadACME(t.Context(), fmt.Sprint("own ", i)); (got == nil) != (i%2 == 1) {
			t.Errorf("own %d is there: %t", i, got != nil)
		}
	}
}

func acmeReader(t *testing.T, db Database) {
	saves(t, openNew(t, db), "key", []byte("data"))
	reader := open(t, db, Options{ReadOnly: true})
	loads(t, reader, "key", []byte("data"))
	for what, err := range map[string]error{
		"SaveACME":   reader.SaveACME(t.Context(), "key", []byte("other")),
		"DeleteACME": reader.DeleteACME(t.Context(), "key"),
	} {
		if registry.ErrorCode(err) != registry.CodeInternal {
			t.Errorf("%s of a reader: %v, want an error without a code", what, err)
		}
	}
	loads(t, reader, "key", []byte("data"))
}

func acmeClosed(t *testing.T, db Database) {
	s := openNew(t, db)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for what, err := range acmeCalls(t.Context(), s) {
		if registry.ErrorCode(err) != registry.CodeUnavailable {
			t.Errorf("%s of a closed store: %v, want CodeUnavailable", what, err)
		}
	}
}

func acmeContext(t *testing.T, db Database) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range acmeCalls(ctx, openNew(t, db)) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", what, err)
		}
	}
}

func acmeCalls(ctx context.Context, s Store) map[string]error {
	_, load := s.LoadACME(ctx, "key")
	return map[string]error{
		"LoadACME":   load,
		"SaveACME":   s.SaveACME(ctx, "key", []byte("data")),
		"DeleteACME": s.DeleteACME(ctx, "key"),
	}
}

func acmeLock(t *testing.T, db Database) {
	s := openNew(t, db)
	for range 2 {
		unlock, err := s.LockACME(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := s.LockACME(brief); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("LockACME while another holds the lock: %v, want context.DeadlineExceeded", err)
		}
		cancel()
		unlock()
	}
}
