package sqlite

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"nametag"
)

// A server moves what it writes into the file, long before its log is as long as
// the writer would let it grow.
func TestAServerMovesPagesBesideTheWriter(t *testing.T) {
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
	applications := make([]nametag.Application, rowsBetween)
	for i := range applications {
		applications[i] = nametag.Application{Name: "Bella " + string(rune('가'+i)), FavoriteColor: "blue", Category: "cat"}
	}
	if _, err := nametag.NewRegistry(s, nil).RegisterAll(t.Context(), applications); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); size() < before+rowsBetween*200; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("the file has %d bytes, and had %d before", size(), before)
		}
	}
}
