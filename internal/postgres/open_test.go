package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3/lock"

	"nametag/internal/migrate"
	"nametag/internal/pgtest"
	"nametag/internal/postgres"
	"nametag/internal/registry"
	"nametag/internal/storetest"
)

func edited(t *testing.T, raw string, edit func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	edit(u)
	return u.String()
}

func TestAPermanentErrorIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	good := c.URL()
	for name, test := range map[string]struct {
		url   string
		words []string
	}{
		"password": {edited(t, good, func(u *url.URL) { u.User = url.UserPassword("postgres", "s3cret-guess") }),
			[]string{"refuses the password of user postgres"}},
		"user":     {edited(t, good, func(u *url.URL) { u.User = url.UserPassword("nobody", "s3cret-guess") }), []string{"nobody"}},
		"database": {edited(t, good, func(u *url.URL) { u.Path = "/nowhere" }), []string{"no database nowhere", "create it"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			s, err := postgres.Open(ctx, test.url, postgres.Options{Migrate: true, ConnectTimeout: time.Hour})
			if err == nil {
				s.Close()
				t.Fatal("Open succeeded")
			}
			storetest.Mentions(t, err.Error(), test.words...)
			if ctx.Err() != nil {
				t.Error("Open waited")
			}
			password, _ := must(url.Parse(test.url)).User.Password()
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), password) {
				t.Errorf("%q tells the password", err)
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestABadURLDoesNotRevealThePassword(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"postgres://user:s3cret@host:port/db",
		"postgres://user:s3cret/word@host/db",
		"postgres://user:s3cret@host/db?sslmode=maybe",
		"postgres://user:s3cret@host/db?pool_max_conns=s3cret",
		"postgres://user:s3cret%zz@host/db",
		"mysql://user:s3cret@host/db",
		"host=h password=s3cret port=x",
		"user:s3cret@host",
	} {
		_, err := postgres.Open(t.Context(), bad, postgres.Options{ConnectTimeout: time.Nanosecond})
		if err == nil {
			t.Errorf("Open(%q) succeeded", bad)
			continue
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(fmt.Sprintf("%v %+v", e, e), "s3cret") {
				t.Errorf("%q tells the password", e)
			}
		}
	}
	storetest.Mentions(t, refused(t, "postgres://user:s3cret@host/db?sslmode=maybe", postgres.Options{}), "sslmode")
}

func TestOpenWaitsForTheServer(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	err := func() error {
		_, err := postgres.Open(t.Context(), c.URL(), postgres.Options{ConnectTimeout: time.Millisecond})
		return err
	}()
	if registry.ErrorCode(err) != registry.CodeUnavailable {
		t.Errorf("Open without a server: %v, want CodeUnavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := postgres.Open(ctx, c.URL(), postgres.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with a context that ended: %v", err)
	}

	opened := make(chan error)
	go func() {
		s, err := postgres.Open(t.Context(), c.URL(), postgres.Options{Migrate: true, ConnectTimeout: time.Minute})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Errorf("Open while the server starts: %v", err)
	}
}

func TestAPoolOfOneConnectionIsEnough(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.URL(t), postgres.Options{Migrate: true, MaxConns: 1})
	storetest.Enter(t, s, "Rex")
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if n := s.Pool().Stat().TotalConns(); n != 1 {
		t.Errorf("the pool has %d connections, want 1", n)
	}
}

// TestASchemaThatBecameNewerWhileWaitingIsRefused migrates with a newer program while this one waits for the lock.
func TestASchemaThatBecameNewerWhileWaitingIsRefused(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	s := open(t, database, postgres.Options{Migrate: true})
	newer := raw(t, database)
	execute(t, newer, fmt.Sprintf(`SELECT pg_advisory_lock(%d)`, lock.DefaultLockID))
	execute(t, newer, `DELETE FROM goose_db_version WHERE version_id > 0`)
	opened := make(chan error)
	go func() {
		s, err := postgres.Open(t.Context(), database, postgres.Options{Migrate: true})
		if err == nil {
			s.Close()
		}
		opened <- err
	}()
	for waiting := false; !waiting; {
		const query = `SELECT count(*) > 0 FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()`
		if err := newer.QueryRow(t.Context(), query).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, newer, `INSERT INTO goose_db_version (version_id, is_applied) SELECT generate_series(1, 1000), true`)
	execute(t, newer, `UPDATE schema_floor SET version = 1000`)
	execute(t, newer, fmt.Sprintf(`SELECT pg_advisory_unlock(%d)`, lock.DefaultLockID))
	err := <-opened
	if e, ok := errors.AsType[*migrate.SchemaError](err); !ok || e.Database != 1000 {
		t.Errorf("Open: %v, want a SchemaError", err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

func TestTheDatabaseOfTheFirstVersionIsNotChanged(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	execute(t, raw(t, database), `CREATE TABLE pets (pet_name varchar(50))`)
	storetest.Mentions(t, refused(t, database, postgres.Options{Migrate: true}), "pets", "database of its own", "import")
}

func TestADatabaseThatCannotStoreEveryNameIsRefused(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	execute(t, raw(t, c.URL()), `CREATE DATABASE old TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc`)
	old := edited(t, c.URL(), func(u *url.URL) { u.Path = "/old" })
	storetest.Mentions(t, refused(t, old, postgres.Options{Migrate: true}), "LATIN1", "UTF8")
}

func TestACommitIsOnDiskWhateverTheDefault(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"off": "on", "local": "local", "on": "on"} {
		address := pgtest.URL(t)
		name := must(url.Parse(address)).Path[1:]
		execute(t, raw(t, address), `ALTER DATABASE `+name+` SET synchronous_commit = '`+setting+`'`)
		s := open(t, address, postgres.Options{Migrate: true})
		var got string
		if err := s.Pool().QueryRow(t.Context(), `SHOW synchronous_commit`).Scan(&got); err != nil || got != want {
			t.Errorf("synchronous_commit is %q (%v) where the default is %s, want %s", got, err, setting, want)
		}
	}
}

func TestTheServerSeesTheApplicationName(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.URL(t), postgres.Options{Migrate: true})
	var got string
	if err := s.Pool().QueryRow(t.Context(), `SHOW application_name`).Scan(&got); err != nil || got != "nametag" {
		t.Errorf("application_name is %q (%v)", got, err)
	}
}

func TestOneConnectionIsEnoughToMigrate(t *testing.T) {
	dump, err := os.ReadFile("testdata/schema-3.sql")
	if err != nil {
		t.Fatal(err)
	}
	database := pgtest.URL(t)
	execute(t, raw(t, database), string(dump))
	head, err := open(t, database, postgres.Options{Migrate: true, MaxConns: 1}).JournalHead(t.Context())
	if err != nil || head.Seq != 2505 {
		t.Errorf("the journal ends with row %d (%v), want 2505", head.Seq, err)
	}
}
