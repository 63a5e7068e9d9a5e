package storetest

import (
	"strings"
	"testing"

	"nametag/internal/registry"
)

// Opened returns s, which a test has opened, and closes it when the test ends.
func Opened[S registry.Store](t testing.TB, s S, err error) S {
	t.Helper()
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

// Refused checks that opening failed, and returns the message.
func Refused[S registry.Store](t testing.TB, s S, err error) string {
	t.Helper()
	if err == nil {
		s.Close()
		t.Fatal("Open succeeded")
	}
	return err.Error()
}

// Enter registers a pet, which shows that s works.
func Enter(t testing.TB, s registry.Store, name string) registry.Pet {
	t.Helper()
	d, err := registry.New(s, nil).Register(t.Context(),
		registry.Application{Name: name, FavoriteColor: "red", Category: "cat"})
	if err != nil || d.Code != "" {
		t.Fatalf("Register: %v, %v", d, err)
	}
	return *d.Pet
}

// Mentions checks that text contains all these words.
func Mentions(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not mention %q", text, word)
		}
	}
}
