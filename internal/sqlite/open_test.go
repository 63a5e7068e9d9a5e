package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"nametag/internal/registry"
	"nametag/internal/sqlite"
	"nametag/internal/storetest"
)

var serve = sqlite.Options{Serve: true, Migrate: true}

func TestAPathMayHaveAnyCharacter(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "what?mode=ro", "50%20.db", "#1.db", "café&x=y.db", "file:x", "'\"`.db", ":memory:"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "new folder?", "deeper", name)
			s := open(t, path, serve)
			storetest.Enter(t, s, "Rex")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("the file: %v, %v; want it to be its owner's alone", info, err)
			}
			if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder: %v, %v; want it to be its owner's alone", info, err)
			}
			again := open(t, path, sqlite.Options{})
			if pets, err := again.Find(t.Context(), []string{"rex"}); err != nil || len(pets) != 1 {
				t.Errorf("found %v, %v", pets, err)
			}
		})
	}
}

func TestFilesBesideTheDatabaseAreItsOwnersToo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "book.db")
	storetest.Enter(t, open(t, path, serve), "Rex")
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 4 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}

func TestARelativePathIsInTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	storetest.Enter(t, open(t, "book.db", serve), "Rex")
	if _, err := os.Stat("book.db"); err != nil {
		t.Error(err)
	}
}

func TestASecondServerIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "book.db")
	first := open(t, path, serve)
	storetest.Mentions(t, refused(t, path, serve), path, fmt.Sprintf("process %d", os.Getpid()), "stop that one", "--database", "PostgreSQL")
	storetest.Enter(t, first, "Rex")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.Enter(t, open(t, path, serve), "Ada")
}

func TestASymbolicLinkLeadsToTheSameLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "real", "book.db")
	for _, link := range [][2]string{
		{"real/book.db", "link.db"}, {"link.db", "link to link.db"}, {"real", "folder"}, {path, "absolute.db"},
	} {
		if err := os.Symlink(link[0], filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	open(t, filepath.Join(dir, "link to link.db"), serve) // creates what the link leads to
	for _, other := range []string{"real/book.db", "link.db", "folder/book.db", "absolute.db"} {
		storetest.Mentions(t, refused(t, filepath.Join(dir, other), serve), path)
	}
}

func TestCommandsWorkBesideAServer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "book.db")
	server := open(t, path, serve)
	rex := storetest.Enter(t, server, "Rex")
	command := open(t, path, sqlite.Options{})
	if pets, err := command.Find(t.Context(), []string{"rex"}); err != nil || !pets["rex"].Same(rex) {
		t.Errorf("the command finds %v, %v", pets, err)
	}
	ada := storetest.Enter(t, command, "Ada")
	if pets, err := server.Find(t.Context(), []string{"ada"}); err != nil || !pets["ada"].Same(ada) {
		t.Errorf("the server finds %v, %v", pets, err)
	}
}

func TestAFileThatMustExistIsNotCreated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "folder", "book.db")
	storetest.Mentions(t, refused(t, path, sqlite.Options{ReadOnly: true}), path, "no database", "--database")
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("created %v, %v", files, err)
	}
}

// contents returns what every file in a folder holds, by its name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[file.Name()] = string(text)
	}
	return all
}

// leavesAlone sees that f changes nothing in a folder, and creates nothing.
func leavesAlone(t *testing.T, dir string, f func()) {
	t.Helper()
	before := contents(t, dir)
	f()
	after := contents(t, dir)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s was created", name)
		}
	}
}

func TestWhatIsNoBookIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make  func(t *testing.T, path string)
		words []string
	}{
		"garbage": {
			func(t *testing.T, path string) {
				if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"book.db", "not an SQLite database", "backup", "--database"},
		},
		"foreign": {
			func(t *testing.T, path string) {
				makeFile(t, path, `CREATE TABLE invoices (id INTEGER PRIMARY KEY)`)
			},
			[]string{"book.db", "another program's"},
		},
		"foreign with a write-ahead log": {
			func(t *testing.T, path string) {
				makeFile(t, path, `PRAGMA journal_mode = WAL; CREATE TABLE invoices (id INTEGER PRIMARY KEY)`)
			},
			[]string{"book.db", "another program's"},
		},
		"newer": {
			func(t *testing.T, path string) {
				if err := open(t, path, serve).Close(); err != nil {
					t.Fatal(err)
				}
				makeFile(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, true); UPDATE schema_floor SET version = 7`)
				os.Remove(path + ".lock")
				os.Remove(path + ".migrate.lock")
			},
			[]string{"schema 7", "use a newer nametag"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "book.db")
			c.make(t, path)
			for _, opts := range []sqlite.Options{serve, {Migrate: true}, {}, {ReadOnly: true}} {
				leavesAlone(t, dir, func() {
					storetest.Mentions(t, refused(t, path, opts), c.words...)
				})
			}
		})
	}
	dir := t.TempDir()
	storetest.Mentions(t, refused(t, dir, serve), dir, "not a file")
	refused(t, "", serve)
}

// makeFile runs statements on the file at path, and closes it.
func makeFile(t *testing.T, path, statements string) {
	t.Helper()
	db := raw(t, path)
	execute(t, db, statements)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedBookIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "book.db")
	s := open(t, path, serve)
	storetest.Enter(t, s, "Rex")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	book, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(book); i++ { // what follows the header
		book[i] = 0xA5
	}
	if err := os.WriteFile(path, book, 0o600); err != nil {
		t.Fatal(err)
	}
	storetest.Mentions(t, refused(t, path, serve), path, "damaged", "backup")
}

// What is written to a file that is no longer there would be lost.
func TestADeletedFileIsNotWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "book.db")
	s := open(t, path, serve)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); registry.ErrorCode(err) != registry.CodeUnavailable {
		t.Errorf("Ready: %v, want CodeUnavailable", err)
	}
	_, err := registry.New(s, nil).Register(t.Context(), registry.Application{Name: "Bella", FavoriteColor: "blue", Category: "cat"})
	if registry.ErrorCode(err) != registry.CodeUnavailable {
		t.Errorf("Register: %v, want CodeUnavailable", err)
	}
}

// A crash in the middle of a transaction that the write-ahead log does not keep,
// such as the very first one, leaves a journal that only a writer can undo.
func TestWhatACrashLeftIsUndone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "book.db")
	book := open(t, path, sqlite.Options{Migrate: true})
	storetest.Enter(t, book, "Rex")
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	db := raw(t, path)
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		`PRAGMA journal_mode = DELETE`,
		`PRAGMA cache_size = 1`, // so that the transaction reaches the file before its end
		`BEGIN`,
		`UPDATE pets SET name = 'Torn'`,
		`CREATE TABLE large (x)`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO large SELECT randomblob(4000) FROM n`,
	} {
		execute(t, db, statement)
	}
	crashed := filepath.Join(t.TempDir(), "book.db")
	for _, suffix := range []string{"", "-journal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil || len(content) == 0 {
			t.Fatalf("%s: %d bytes, %v", path+suffix, len(content), err)
		}
		if err := os.WriteFile(crashed+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, crashed, serve)
	if pets, err := s.Find(t.Context(), []string{"rex"}); err != nil || pets["rex"].Name.String() != "Rex" {
		t.Errorf("found %v, %v", pets, err)
	}
}
