package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"nametag/internal/registry"
	"nametag/internal/sqlite"
	"nametag/internal/storetest"
)

var readOnly = sqlite.Options{ReadOnly: true}

// closedBook makes a book with a pet in it that nobody has open.
func closedBook(t *testing.T) (path string, rex registry.Pet) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "book.db")
	s := open(t, path, serve)
	rex = storetest.Enter(t, s, "Rex")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path, rex
}

func TestReadingAClosedBookLeavesNoTrace(t *testing.T) {
	t.Parallel()
	path, rex := closedBook(t)
	leavesAlone(t, filepath.Dir(path), func() {
		s := open(t, path, readOnly)
		if pets, err := s.List(t.Context(), registry.ListQuery{Limit: 5}); err != nil || len(pets) != 1 || !pets[0].Same(rex) {
			t.Errorf("the book has %v, %v; want %v", pets, err, rex)
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestReadingNeedsABook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	leavesAlone(t, dir, func() {
		path := filepath.Join(dir, "folder", "book.db")
		storetest.Mentions(t, refused(t, path, readOnly), path, "no database")
	})
	path, _ := closedBook(t)
	refused(t, path, sqlite.Options{ReadOnly: true, Serve: true})
	refused(t, path, sqlite.Options{ReadOnly: true, Migrate: true})
}

// A reader without locks can't tell what it reads when others write.
func TestAReaderNoticesThatTheBookIsWritten(t *testing.T) {
	t.Parallel()
	path, _ := closedBook(t)
	reader := open(t, path, readOnly)
	server := open(t, path, serve)
	if pets, err := reader.Find(t.Context(), []string{"rex"}); err != nil || len(pets) != 1 {
		t.Errorf("found %v, %v before anything was written", pets, err)
	}
	storetest.Enter(t, server, "Ada")
	if err := server.Close(); err != nil { // writes the log into the file
		t.Fatal(err)
	}
	_, find := reader.Find(t.Context(), []string{"ada"})
	_, list := reader.List(t.Context(), registry.ListQuery{Limit: 5})
	for what, err := range map[string]error{"Find": find, "List": list, "Ready": reader.Ready(t.Context())} {
		if registry.ErrorCode(err) != registry.CodeUnavailable {
			t.Errorf("%s: %v, want CodeUnavailable", what, err)
		}
	}
	again := open(t, path, readOnly)
	if pets, err := again.Find(t.Context(), []string{"ada"}); err != nil || len(pets) != 1 {
		t.Errorf("found %v, %v after opening again", pets, err)
	}
}

func TestAServersFilesAreGoneAfterIt(t *testing.T) {
	t.Parallel()
	path, _ := closedBook(t)
	if _, err := os.Stat(path + ".pid"); err == nil {
		t.Error("a server that ended still names its process")
	}
}
