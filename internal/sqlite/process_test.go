package sqlite_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nametag"
	"nametag/internal/sqlite"
)

// TestMain lets the test program be a process of its own that opens a book and
// says what came of it: one line, then, if all is well, it waits for its
// standard input to end.
func TestMain(m *testing.M) {
	path, child := os.LookupEnv("SQLITE_TEST_CHILD")
	if !child {
		os.Exit(m.Run())
	}
	serves, _ := strconv.ParseBool(os.Getenv("SQLITE_TEST_SERVE"))
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{Serve: serves, Migrate: true})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, err = nametag.NewRegistry(s, nil).Register(context.Background(),
		nametag.Application{Name: "Rex", FavoriteColor: "red", Category: "cat"})
	switch nametag.ErrorCode(err) {
	case "":
		fmt.Println("registered")
	case nametag.CodeTaken:
		fmt.Println("taken")
	default:
		fmt.Println(err)
	}
	io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// A child is the test program as a process of its own.
type child struct {
	cmd  *exec.Cmd
	line string // what it said
	stop func() error
}

// newChild starts a child and waits until it has said its line. The program is
// found through /proc, so that any user may run it.
func newChild(t *testing.T, path string, serves bool, attr *syscall.SysProcAttr) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), "SQLITE_TEST_CHILD="+path, fmt.Sprintf("SQLITE_TEST_SERVE=%t", serves))
	cmd.SysProcAttr = attr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, line: readLine(out)}
	c.stop = sync.OnceValue(func() error {
		in.Close()
		return cmd.Wait()
	})
	t.Cleanup(func() { c.stop() })
	return c
}

func readLine(r io.Reader) string {
	var line strings.Builder
	for b := make([]byte, 1); ; {
		if _, err := r.Read(b); err != nil || b[0] == '\n' {
			return line.String()
		}
		line.WriteByte(b[0])
	}
}

func TestGoroutinesThatOpenAFreshFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "book.db")
	const n = 8
	stores, errs := make([]*sqlite.Store, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { stores[i], errs[i] = sqlite.Open(t.Context(), path, sqlite.Options{Migrate: true}) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("Open: %v", err)
			continue
		}
		defer stores[i].Close()
		enter(t, stores[i], fmt.Sprint("Pet ", i))
	}
}

func TestProcessesThatOpenAFreshFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "book.db")
	const n = 6
	children := make([]*child, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { children[i] = newChild(t, path, false, nil) })
	}
	wg.Wait()
	said := make(map[string]int)
	for _, c := range children {
		said[c.line]++
		if err := c.stop(); err != nil {
			t.Errorf("a process ended with %v", err)
		}
	}
	if said["registered"] != 1 || said["taken"] != n-1 {
		t.Errorf("the processes said %v, want one registered and the others taken", said)
	}
}

func TestAKilledServerGivesItsBookUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	server := newChild(t, path, true, nil)
	if server.line != "registered" {
		t.Fatal(server.line)
	}
	mentions(t, refused(t, path, serve), fmt.Sprintf("process %d", server.cmd.Process.Pid))
	if err := server.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	server.stop()
	s := open(t, path, serve)
	if pets, err := s.Find(t.Context(), []string{"rex"}); err != nil || len(pets) != 1 {
		t.Errorf("the book of the killed server has %v, %v; want Rex", pets, err)
	}
}

func TestWhatCannotBeWrittenIsSaid(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	book := filepath.Join(dir, "book.db")
	if err := open(t, book, serve).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(book, 0o644); err != nil {
		t.Fatal(err)
	}
	somebody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	for _, path := range []string{book, filepath.Join(dir, "new.db")} {
		for _, serves := range []bool{false, true} {
			c := newChild(t, path, serves, somebody)
			mentions(t, c.line, path, "cannot be written")
		}
	}
	mentions(t, newChild(t, filepath.Join(dir, "folder", "new.db"), true, somebody).line, "cannot be created")

	// The folder is theirs, the file is not.
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	os.Remove(book + ".lock")
	os.Remove(book + ".migrate.lock")
	mentions(t, newChild(t, book, true, somebody).line, book, "cannot be written")
}
