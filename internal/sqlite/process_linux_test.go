package sqlite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nametag/internal/registry"
	"nametag/internal/sqlite"
	"nametag/internal/storetest"
)

// TestMain lets the test program be a process of its own that opens a book with the options that it is given and says
// what came of it: one line, then, if all is well, it waits for its standard input to end. It registers Rex, or looks
// for Rex if it can only read.
func TestMain(m *testing.M) {
	path, child := os.LookupEnv("SQLITE_TEST_CHILD")
	if !child {
		os.Exit(m.Run())
	}
	var opts sqlite.Options
	if err := json.Unmarshal([]byte(os.Getenv("SQLITE_TEST_OPTIONS")), &opts); err != nil {
		panic(err)
	}
	s, err := sqlite.Open(context.Background(), path, opts)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(work(s, opts))
	io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func work(s *sqlite.Store, opts sqlite.Options) string {
	reg := registry.New(s, nil)
	if opts.ReadOnly {
		if _, err := reg.Pet(context.Background(), "Rex"); err != nil {
			return err.Error()
		}
		return "found"
	}
	d, err := reg.Register(context.Background(), registry.Application{Name: "Rex", FavoriteColor: "red", Category: "cat"})
	switch {
	case err != nil:
		return err.Error()
	case d.Code == "":
		return "registered"
	default:
		return string(d.Code)
	}
}

// A child is the test program as a process of its own.
type child struct {
	cmd  *exec.Cmd
	line string // what it said
	stop func() error
}

// newChild starts a child and waits until it has said its line. The program is
// found through /proc, so that any user may run it.
func newChild(t *testing.T, path string, opts sqlite.Options, attr *syscall.SysProcAttr) *child {
	t.Helper()
	options, err := json.Marshal(opts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), "SQLITE_TEST_CHILD="+path, "SQLITE_TEST_OPTIONS="+string(options))
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

func TestProcessesThatOpenAFreshFileAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "book.db")
	const n = 6
	children := make([]*child, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { children[i] = newChild(t, path, sqlite.Options{Migrate: true}, nil) })
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
	t.Parallel()
	path := filepath.Join(t.TempDir(), "book.db")
	server := newChild(t, path, serve, nil)
	if server.line != "registered" {
		t.Fatal(server.line)
	}
	storetest.Mentions(t, refused(t, path, serve), fmt.Sprintf("process %d", server.cmd.Process.Pid))
	if err := server.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	server.stop()
	s := open(t, path, serve)
	if pets, err := s.Find(t.Context(), []string{"rex"}); err != nil || len(pets) != 1 {
		t.Errorf("the book of the killed server has %v, %v; want Rex", pets, err)
	}
}

// publicFolder returns a folder that somebody else can read, and somebody else.
func publicFolder(t *testing.T) (dir string, somebody *syscall.SysProcAttr) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("tests as another user left out: only root can be somebody else")
	}
	dir = t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

// A backup on a medium that can't be written, or in a folder of somebody else's.
func TestWhatCanBeReadIsRead(t *testing.T) {
	t.Parallel()
	dir, somebody := publicFolder(t)
	book := filepath.Join(dir, "book.db")
	s := open(t, book, serve)
	storetest.Enter(t, s, "Rex")
	chmod := func(mode os.FileMode, suffixes ...string) {
		for _, suffix := range suffixes {
			if err := os.Chmod(book+suffix, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(what, want string) {
		t.Helper()
		if c := newChild(t, book, readOnly, somebody); !strings.Contains(c.line, want) {
			t.Errorf("%s: the reader said %q, want %q", what, c.line, want)
		}
	}
	read("a book of somebody else's alone", "cannot be read")
	chmod(0o644, "", "-wal", "-shm")
	leavesAlone(t, dir, func() { read("beside a server", "found") })

	backup := contents(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	leavesAlone(t, dir, func() { read("a closed book", "found") })

	// As a crash leaves it, and then without the index of the log.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.WriteFile(book+suffix, []byte(backup["book.db"+suffix]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	leavesAlone(t, dir, func() { read("the book of a killed server", "found") })
	if err := os.Remove(book + "-shm"); err != nil {
		t.Fatal(err)
	}
	leavesAlone(t, dir, func() { read("a log without its index", "copy all of them to a writable folder") })
}

func TestWhatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	dir, somebody := publicFolder(t)
	book := filepath.Join(dir, "book.db")
	if err := open(t, book, serve).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(book, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{book, filepath.Join(dir, "new.db")} {
		for _, opts := range []sqlite.Options{{Migrate: true}, serve} {
			c := newChild(t, path, opts, somebody)
			storetest.Mentions(t, c.line, path, "cannot be written")
		}
	}
	storetest.Mentions(t, newChild(t, filepath.Join(dir, "folder", "new.db"), serve, somebody).line, "cannot be created")

	// The folder is theirs, the file is not.
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	os.Remove(book + ".lock")
	os.Remove(book + ".migrate.lock")
	storetest.Mentions(t, newChild(t, book, serve, somebody).line, book, "cannot be written")
}
