package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag"
	"nametag/internal/migrate"
	"nametag/internal/pgtest"
	"nametag/internal/postgres"
)

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

// raw connects to the database behind the store's back.
func raw(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// refused sees that the database is not opened, and returns what is said.
func refused(t *testing.T, url string, opts postgres.Options) string {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, opts)
	if err == nil {
		s.Close()
		t.Fatal("Open succeeded")
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

func edited(t *testing.T, raw string, edit func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	edit(u)
	return u.String()
}

func TestWhatWaitingWillNotMendIsSaidAtOnce(t *testing.T) {
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
			mentions(t, err.Error(), test.words...)
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

func TestABadURLDoesNotTellThePassword(t *testing.T) {
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
	mentions(t, refused(t, "postgres://user:s3cret@host/db?sslmode=maybe", postgres.Options{}), "sslmode")
}

func TestOpenWaitsForTheServer(t *testing.T) {
	c := pgtest.Start(t)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	err := func() error {
		_, err := postgres.Open(t.Context(), c.URL(), postgres.Options{ConnectTimeout: time.Millisecond})
		return err
	}()
	if nametag.ErrorCode(err) != nametag.CodeUnavailable {
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

func TestServersThatStartAtOnceOnAFreshDatabase(t *testing.T) {
	url := pgtest.URL(t)
	const n = 8
	stores, errs := make([]*postgres.Store, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			stores[i], errs[i] = postgres.Open(t.Context(), url, postgres.Options{Migrate: true, MaxConns: 2})
		})
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

func TestAPoolOfOneConnectionIsEnough(t *testing.T) {
	s := open(t, pgtest.URL(t), postgres.Options{Migrate: true, MaxConns: 1})
	enter(t, s, "Rex")
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if n := s.Pool().Stat().TotalConns(); n != 1 {
		t.Errorf("the pool has %d connections, want 1", n)
	}
}

func TestAnEarlierSchemaIsForMigrateToMend(t *testing.T) {
	url := pgtest.URL(t)
	_, err := postgres.Open(t.Context(), url, postgres.Options{})
	if e, ok := errors.AsType[*migrate.SchemaError](err); !ok || e.Database != 0 {
		t.Fatalf("Open: %v, want a SchemaError", err)
	}
	mentions(t, err.Error(), "nametag migrate")

	s := open(t, url, postgres.Options{SkipSchemaCheck: true})
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
	url := pgtest.URL(t)
	server := open(t, url, postgres.Options{Migrate: true})
	execute(t, raw(t, url), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, true)`)
	if err := server.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	for _, opts := range []postgres.Options{{}, {Migrate: true}} {
		mentions(t, refused(t, url, opts), "schema 7", "knows 1", "use a newer nametag")
	}
}

func TestTheBookOfTheFirstVersionIsLeftAlone(t *testing.T) {
	url := pgtest.URL(t)
	execute(t, raw(t, url), `CREATE TABLE pets (pet_name varchar(50))`)
	mentions(t, refused(t, url, postgres.Options{Migrate: true}), "pets", "database of its own", "import")
}

func TestADatabaseThatCannotHoldEveryNameIsRefused(t *testing.T) {
	c := pgtest.Start(t)
	execute(t, raw(t, c.URL()), `CREATE DATABASE old TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc`)
	old := edited(t, c.URL(), func(u *url.URL) { u.Path = "/old" })
	mentions(t, refused(t, old, postgres.Options{Migrate: true}), "LATIN1", "UTF8")
}

func TestACommitIsOnDiskWhateverTheDefault(t *testing.T) {
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

func TestTheServerSeesWhoIsConnected(t *testing.T) {
	s := open(t, pgtest.URL(t), postgres.Options{Migrate: true})
	var got string
	if err := s.Pool().QueryRow(t.Context(), `SHOW application_name`).Scan(&got); err != nil || got != "nametag" {
		t.Errorf("application_name is %q (%v)", got, err)
	}
}
