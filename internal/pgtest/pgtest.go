// Package pgtest provides tests with a real PostgreSQL server.
//
// The environment variable NAMETAG_TEST_POSTGRES may have the URL of a server, with a user who may create databases.
// Without it, the package starts its own server from the PostgreSQL programs on this machine. If there are none, tests
// are skipped, or fail if NAMETAG_TEST_REQUIRE, a list of words separated by commas, has the word postgres.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long any operation may take before the test fails.
const patience = 60 * time.Second

// shared is the server that all tests of this process use.
var shared struct {
	once    sync.Once
	managed bool // Main cleans up
	cluster *Cluster
	url     string
	err     error

	mu    sync.Mutex
	empty []string // emptied databases for the next tests
}

// Main runs the tests of a package that uses URL or Start, stops the servers that they
// started and returns the exit code. TestMain calls os.Exit(pgtest.Main(m.Run)).
func Main(run func() int) int {
	shared.managed = true
	code := run()
	if err := cleanUp(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	return code
}

func cleanUp() error {
	var err error
	if borrowed.cluster != nil {
		err = borrowed.cluster.Close()
	}
	if shared.cluster != nil {
		return errors.Join(err, shared.cluster.Close())
	}
	for _, name := range shared.empty {
		err = errors.Join(err, execute(context.Background(), shared.url, `DROP DATABASE `+name))
	}
	return err
}

var errUnmanaged = errors.New("pgtest: a package that uses URL or Start needs func TestMain(m *testing.M) { os.Exit(pgtest.Main(m.Run)) }")

// URL returns the URL of an empty database, which is removed when the test ends. All
// tests of a process share one server.
func URL(t testing.TB) string {
	t.Helper()
	shared.once.Do(startShared)
	if shared.err != nil {
		LeaveOut(t, shared.err)
	}
	return database(t, shared.url)
}

func startShared() {
	if !shared.managed {
		shared.err = errUnmanaged
		return
	}
	if shared.url = os.Getenv("NAMETAG_TEST_POSTGRES"); shared.url != "" {
		return
	}
	if shared.cluster, shared.err = New(); shared.err == nil {
		shared.url = shared.cluster.URL()
	}
}

// LeaveOut ends a test that got err instead of a cluster: as skipped if there is no
// PostgreSQL and none is required, as failed otherwise.
func LeaveOut(t testing.TB, err error) {
	t.Helper()
	required := slices.Contains(strings.Split(os.Getenv("NAMETAG_TEST_REQUIRE"), ","), "postgres")
	if errors.Is(err, errNoPostgres) && !required {
		t.Skip(err)
	} else {
		t.Fatal(err)
	}
}

// database returns the URL of an empty database. Emptying and renaming one takes a
// tenth of the time of creating and dropping one.
func database(t testing.TB, admin string) string {
	t.Helper()
	empty := takeEmpty()
	if empty == "" {
		empty, _ = createDatabase(t, admin)
	}
	name := newName()
	run(t, admin, `ALTER DATABASE `+empty+` RENAME TO `+name)
	t.Cleanup(func() {
		run(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+name+`';
			ALTER DATABASE `+name+` RENAME TO empty_`+name+`; ALTER DATABASE empty_`+name+` RESET ALL`)
		run(t, at(t, admin, "empty_"+name), `DROP SCHEMA public CASCADE; CREATE SCHEMA public`)
		shared.mu.Lock()
		defer shared.mu.Unlock()
		shared.empty = append(shared.empty, "empty_"+name)
	})
	return at(t, admin, name)
}

func newName() string { return "nametag_test_" + strings.ToLower(rand.Text()) }

// createDatabase creates an empty database, and returns its name and a function that drops it.
func createDatabase(t testing.TB, admin string) (name string, drop func()) {
	t.Helper()
	name = newName()
	run(t, admin, `CREATE DATABASE `+name+` TEMPLATE template0 ENCODING 'UTF8'`)
	return name, func() { run(t, admin, `DROP DATABASE `+name+` WITH (FORCE)`) }
}

func takeEmpty() (name string) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if n := len(shared.empty); n > 0 {
		name, shared.empty = shared.empty[0], shared.empty[1:] // the one that has been unused for longest
	}
	return name
}

// at returns the URL of the database name on a server.
func at(t testing.TB, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("pgtest: NAMETAG_TEST_POSTGRES is not a URL")
	}
	u.Path = "/" + name
	return u.String()
}

// run executes statements over its own connection. It ignores the end of the test's context, so that it can clean up.
func run(t testing.TB, address, statements string) {
	t.Helper()
	if err := execute(context.WithoutCancel(t.Context()), address, statements); err != nil {
		t.Fatalf("pgtest: %s: %v", statements, err)
	}
}

func execute(ctx context.Context, address, statements string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statements)
	return err
}
