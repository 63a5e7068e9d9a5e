// Package pgtest gives tests a real PostgreSQL.
//
// The environment variable NAMETAG_TEST_POSTGRES may hold the URL of a server
// to use, as a user who may create databases. Without it, the package starts a
// server of its own from the PostgreSQL programs on this machine. Where there
// are none, tests are skipped, or fail if NAMETAG_TEST_REQUIRE, a list of words
// separated by commas, has the word postgres.
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

// patience is how long anything here may take before the test fails.
const patience = 60 * time.Second

// shared is the server that all tests of this process use.
var shared struct {
	once    sync.Once
	managed bool // Main cleans up
	cluster *Cluster
	url     string
	err     error

	mu    sync.Mutex
	empty []string // databases that a test is done with, for the next
}

// Main runs the tests of a package that uses URL, stops the server that it
// started and returns the exit code: os.Exit(pgtest.Main(m.Run)) in TestMain.
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
	if shared.cluster != nil {
		return shared.cluster.Close()
	}
	for _, name := range shared.empty {
		if err := execute(context.Background(), shared.url, `DROP DATABASE `+name); err != nil {
			return err
		}
	}
	return nil
}

// URL returns the URL of an empty database, which is not there any more when the
// test has ended. All tests of a process share one server.
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
		shared.err = fmt.Errorf("pgtest: a package that uses URL needs func TestMain(m *testing.M) { os.Exit(pgtest.Main(m.Run)) }")
		return
	}
	if shared.url = os.Getenv("NAMETAG_TEST_POSTGRES"); shared.url != "" {
		return
	}
	if shared.cluster, shared.err = New(); shared.err == nil {
		shared.url = shared.cluster.URL()
	}
}

// LeaveOut ends the test that got err instead of a cluster: as skipped where
// there is no PostgreSQL and none is required, as failed otherwise.
func LeaveOut(t testing.TB, err error) {
	t.Helper()
	required := slices.Contains(strings.Split(os.Getenv("NAMETAG_TEST_REQUIRE"), ","), "postgres")
	if errors.Is(err, errNoPostgres) && !required {
		t.Skip(err)
	} else {
		t.Fatal(err)
	}
}

// database returns the URL of an empty database. To empty one and to call it
// by another name takes a tenth of the time that making and dropping one takes.
func database(t testing.TB, admin string) string {
	t.Helper()
	name := "nametag_test_" + strings.ToLower(rand.Text())
	if empty := takeEmpty(); empty != "" {
		run(t, admin, `ALTER DATABASE `+empty+` RENAME TO `+name)
	} else {
		run(t, admin, `CREATE DATABASE `+name+` TEMPLATE template0 ENCODING 'UTF8'`)
	}
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

func takeEmpty() (name string) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if n := len(shared.empty); n > 0 {
		name, shared.empty = shared.empty[0], shared.empty[1:] // the one that has been left alone for longest
	}
	return name
}

// at returns the URL of the database called name on a server.
func at(t testing.TB, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("pgtest: NAMETAG_TEST_POSTGRES is not a URL")
	}
	u.Path = "/" + name
	return u.String()
}

// run executes statements over a connection of its own. It outlives the test's
// context, for the sake of cleaning up.
func run(t testing.TB, url, statements string) {
	t.Helper()
	if err := execute(context.WithoutCancel(t.Context()), url, statements); err != nil {
		t.Fatalf("pgtest: %s: %v", statements, err)
	}
}

func execute(ctx context.Context, url, statements string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statements)
	return err
}
