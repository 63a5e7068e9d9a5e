package sqlite

import (
	"path/filepath"
	"runtime"
	"testing"

	"modernc.org/sqlite"
)

// A commit is on disk when it is answered.
func TestCommitsWaitForTheDisk(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "nametag.db"), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var synchronous int
	if err := s.writer.QueryRow(`PRAGMA synchronous`).Scan(&synchronous); err != nil || synchronous != 2 {
		t.Errorf("synchronous is %d, %v; want 2, which is FULL", synchronous, err)
	}
	if runtime.GOOS == "linux" && !sqlite.FdatasyncEnabled() {
		t.Error("a commit waits for the file's time of change, too")
	}
}
