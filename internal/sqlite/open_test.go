package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nametag"
	"nametag/internal/migrate"
	"nametag/internal/sqlite"
)

var serve = sqlite.Options{Serve: true, Migrate: true}

// enter registers a pet, and with it shows that s works.
func enter(t *testing.T, s nametag.Store, name string) nametag.Pet {
	t.Helper()
	pet, err := nametag.NewRegistry(s, nil).Register(t.Context(),
		nametag.Application{Name: name, FavoriteColor: "red", Category: "cat"})
	if err != nil {
		t.Fatalf("Register: %v", err)
	}
	return pet
}

// raw opens the file behind the store's back.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// refused sees that path is not opened, and returns what is said.
func refused(t *testing.T, path string, opts sqlite.Options) string {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts)
	if err == nil {
		s.Close()
		t.Fatalf("Open(%q) succeeded", path)
	}
	return err.Error()
}

func mentions(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not mention %q", text, word)
		}
	}
}

func TestAPathMayHaveAnyCharacter(t *testing.T) {
	for _, name := range []string{"a b.db", "what?mode=ro", "50%20.db", "#1.db", "café&x=y.db", "file:x", "'\"`.db", ":memory:"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "new folder?", "deeper", name)
			s := open(t, path, serve)
			enter(t, s, "Rex")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("the file: %v, %v; want it to be its owner's alone", info, err)
			}
			if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder: %v, %v; want it to be its owner's alone", info, err)
			}
			again := open(t, path, sqlite.Options{MustExist: true})
			if pets, err := again.Find(t.Context(), []string{"rex"}); err != nil || len(pets) != 1 {
				t.Errorf("found %v, %v", pets, err)
			}
		})
	}
}

func TestFilesBesideTheDatabaseAreItsOwnersToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	enter(t, open(t, path, serve), "Rex")
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
	enter(t, open(t, "book.db", serve), "Rex")
	if _, err := os.Stat("book.db"); err != nil {
		t.Error(err)
	}
}

func TestASecondServerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	first := open(t, path, serve)
	mentions(t, refused(t, path, serve), path, fmt.Sprintf("process %d", os.Getpid()), "stop that one", "--database", "PostgreSQL")
	enter(t, first, "Rex")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	enter(t, open(t, path, serve), "Ada")
}

func TestASymbolicLinkLeadsToTheSameLock(t *testing.T) {
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
		mentions(t, refused(t, filepath.Join(dir, other), serve), path)
	}
}

func TestCommandsWorkBesideAServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	server := open(t, path, serve)
	rex := enter(t, server, "Rex")
	command := open(t, path, sqlite.Options{MustExist: true})
	if pets, err := command.Find(t.Context(), []string{"rex"}); err != nil || !pets["rex"].Same(rex) {
		t.Errorf("the command finds %v, %v", pets, err)
	}
	ada := enter(t, command, "Ada")
	if pets, err := server.Find(t.Context(), []string{"ada"}); err != nil || !pets["ada"].Same(ada) {
		t.Errorf("the server finds %v, %v", pets, err)
	}
}

func TestAFileThatMustExistIsNotCreated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "folder", "book.db")
	mentions(t, refused(t, path, sqlite.Options{MustExist: true, Migrate: true}), path, "no database", "--database")
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("created %v, %v", files, err)
	}
}

func TestAnEarlierSchemaIsForMigrateToMend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if e, ok := errors.AsType[*migrate.SchemaError](err); !ok || e.Database != 0 {
		t.Fatalf("Open: %v, want a SchemaError", err)
	}
	mentions(t, err.Error(), "nametag migrate")

	s := open(t, path, sqlite.Options{SkipSchemaCheck: true})
	if _, ok := errors.AsType[*migrate.SchemaError](s.Ready(t.Context())); !ok {
		t.Error("a book without a schema is ready")
	}
	for _, want := range [][2]int64{{0, 1}, {1, 1}} {
		if from, to, err := s.Migrate(t.Context()); err != nil || from != want[0] || to != want[1] {
			t.Errorf("Migrate: %d, %d, %v; want %v", from, to, err, want)
		}
	}
	enter(t, s, "Rex")
}

func TestALaterSchemaIsRefusedAtTheStartButServedOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	server := open(t, path, serve)
	execute(t, raw(t, path), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, 1)`)
	if err := server.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	for _, opts := range []sqlite.Options{{}, {Migrate: true}} {
		mentions(t, refused(t, path, opts), "schema 7", "knows 1", "use a newer nametag")
	}
	if _, _, err := open(t, path, sqlite.Options{SkipSchemaCheck: true}).Migrate(t.Context()); err == nil {
		t.Error("Migrate of a later schema succeeded")
	}
}

func TestWhatIsNoBookIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	text := bytes.Repeat([]byte("not a database "), 1000)
	if err := os.WriteFile(garbage, text, 0o600); err != nil {
		t.Fatal(err)
	}
	mentions(t, refused(t, garbage, serve), garbage, "not an SQLite database", "backup", "--database")
	if now, err := os.ReadFile(garbage); err != nil || !bytes.Equal(now, text) {
		t.Errorf("the file was changed (%v)", err)
	}

	foreign := filepath.Join(dir, "foreign.db")
	execute(t, raw(t, foreign), `CREATE TABLE invoices (id INTEGER PRIMARY KEY)`)
	mentions(t, refused(t, foreign, serve), foreign, "another program's")

	mentions(t, refused(t, dir, serve), dir, "not a file")
	refused(t, "", serve)
}

func TestADamagedBookIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	s := open(t, path, serve)
	enter(t, s, "Rex")
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
	mentions(t, refused(t, path, serve), path, "damaged", "backup")
}

func TestADeletedFileIsNotReady(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	s := open(t, path, serve)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); nametag.ErrorCode(err) != nametag.CodeUnavailable {
		t.Errorf("Ready: %v, want CodeUnavailable", err)
	}
}

// An answer stays what it was, whatever becomes of the pet.
func TestAnAnswerSurvivesThePet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	s := open(t, path, serve)
	registry := nametag.NewRegistry(s, nil)
	first := nametag.Application{Name: "Rex", FavoriteColor: "red", Category: "dog", IdempotencyKey: "first"}
	late := nametag.Application{Name: "REX", FavoriteColor: "blue", Category: "cat", IdempotencyKey: "late"}
	rex, err := registry.Register(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Register(t.Context(), late); nametag.ErrorCode(err) != nametag.CodeTaken {
		t.Fatal(err)
	}
	execute(t, raw(t, path), `DELETE FROM pets`)
	if again, err := registry.Register(t.Context(), first); err != nil || !again.Same(rex) {
		t.Errorf("the first is told %v, %v; want %v", again, err, rex)
	}
	_, err = registry.Register(t.Context(), late)
	if e, ok := errors.AsType[*nametag.Error](err); !ok || e.Holder == nil || !e.Holder.Same(rex) {
		t.Errorf("the late one is told %v, want that %v has the name", err, rex)
	}
}
