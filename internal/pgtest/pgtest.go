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
	managed bool // Main stops it
	cluster *Cluster
	url     string
	err     error
}

// Main runs the tests of a package that uses URL, stops the server that it
// started and returns the exit code: os.Exit(pgtest.Main(m.Run)) in TestMain.
func Main(run func() int) int {
	shared.managed = true
	code := run()
	if c := shared.cluster; c != nil {
		if err := c.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}
	return code
}

// URL returns the URL of a new, empty database, which is dropped when the test
// ends. All tests of a process share one server.
func URL(t testing.TB) string {
	t.Helper()
	shared.once.Do(startShared)
	if shared.err != nil {
		LeaveOut(t, shared.err)
	}
	return createDatabase(t, shared.url)
}

func startShared() {
	if shared.url = os.Getenv("NAMETAG_TEST_POSTGRES"); shared.url != "" {
		return
	}
	if !shared.managed {
		shared.err = fmt.Errorf("pgtest: a package that uses URL needs func TestMain(m *testing.M) { os.Exit(pgtest.Main(m.Run)) }")
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

func createDatabase(t testing.TB, admin string) string {
	t.Helper()
	name := "nametag_test_" + strings.ToLower(rand.Text())
	run(t, admin, `CREATE DATABASE `+name+` TEMPLATE template0 ENCODING 'UTF8'`)
	t.Cleanup(func() { run(t, admin, `DROP DATABASE `+name+` WITH (FORCE)`) })
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal("pgtest: NAMETAG_TEST_POSTGRES is not a URL")
	}
	u.Path = "/" + name
	return u.String()
}

// run executes one statement over a connection of its own. It outlives the
// test's context, for the sake of cleaning up.
func run(t testing.TB, database, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("pgtest: %s: %v", statement, err)
	}
}
