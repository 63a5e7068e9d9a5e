package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"nametag/internal/postgres"
	"nametag/internal/registry"
	"nametag/internal/server"
	"nametag/internal/sqlite"
)

// databaseFlags say where the book is.
type databaseFlags struct {
	Database   database    `file:"" placeholder:"FILE-OR-URL" help:"The database: the path of an SQLite file, or a postgres:// URL. Without it, nametag/nametag.db in your data directory."`
	DBMaxConns connections `name:"db-max-conns" placeholder:"N" help:"How many connections to PostgreSQL may be open at once; 4 by default, or one a processor if that is more."`
}

// How long a PostgreSQL that does not answer yet is waited for: a server starts
// together with it, while people watch a command.
const (
	serverPatience  = 30 * time.Second
	commandPatience = 5 * time.Second
)

// commandCallTimeout is how long PostgreSQL may work on one batch of a command;
// a server, whom people wait for, leaves it to the store.
const commandCallTimeout = time.Minute

// A store is a database with a schema.
type store interface {
	registry.Store
	server.ACMEStore
	Migrate(context.Context) (from, to int64, err error)
}

// A purpose says what a database is opened for.
type purpose struct {
	serve     bool // by a server; a file may have one at a time
	readOnly  bool // nothing is to be created or changed
	migrate   bool // bring the schema up to date
	anySchema bool // to migrate it later
}

// locate returns the database that is meant.
func (f databaseFlags) locate(p Process) (database, error) {
	if f.Database.url != "" {
		return f.Database, nil
	}
	path := f.Database.path
	if path == "" {
		dir, err := dataDir(runtime.GOOS, p.Getenv)
		if err != nil {
			return database{}, err
		}
		path = filepath.Join(dir, "nametag", "nametag.db")
	}
	path, err := filepath.Abs(path)
	return database{path: path}, err
}

// open opens the database, and returns with it how to call it in messages. log
// gets a wait for the database and what migrating does to lookalike keys; nil is
// standard error for commands that may migrate, and silence for others.
func (f databaseFlags) open(ctx context.Context, p Process, log *slog.Logger, why purpose) (store, string, error) {
	db, err := f.locate(p)
	if err != nil {
		return nil, "", err
	}
	if log == nil && !why.readOnly {
		log = slog.New(slog.NewTextHandler(p.Stderr, nil))
	}
	if db.url != "" {
		patience, callTimeout := commandPatience, commandCallTimeout
		if why.serve {
			patience, callTimeout = serverPatience, 0
		}
		s, err := postgres.Open(ctx, db.url, postgres.Options{
			MaxConns:        int(f.DBMaxConns),
			ConnectTimeout:  patience,
			CallTimeout:     callTimeout,
			ReadOnly:        why.readOnly,
			Migrate:         why.migrate,
			SkipSchemaCheck: why.anySchema,
			Logger:          log,
		})
		if err != nil {
			return nil, "", fmt.Errorf("opening %s: %w", db, described(err))
		}
		return s, db.String(), nil
	}
	s, err := sqlite.Open(ctx, db.path, sqlite.Options{
		Serve:           why.serve,
		ReadOnly:        why.readOnly,
		Migrate:         why.migrate,
		SkipSchemaCheck: why.anySchema,
		Logger:          log,
	})
	if err != nil {
		return nil, "", err
	}
	return s, db.String(), nil
}

// openToExport opens the database to read it, unless output, the file that is to
// be written, belongs to it; "" stands for standard output.
func (f databaseFlags) openToExport(ctx context.Context, p Process, output string) (store, string, error) {
	if output != "" {
		if err := f.spareDatabase(p, output, "--output (NAMETAG_OUTPUT)"); err != nil {
			return nil, "", err
		}
	}
	return f.open(ctx, p, nil, purpose{readOnly: true})
}

// spareDatabase returns an error if a file called name, which setting names and
// which is about to be written, is the database or one of the files that belong
// to it.
func (f databaseFlags) spareDatabase(p Process, name, setting string) error {
	db, err := f.locate(p)
	if err != nil || db.path == "" {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock", ".pid", ".migrate.lock"} {
		if isSameFile(name, db.path+suffix) {
			return usagef("%s belongs to the database; choose another file with %s", name, setting)
		}
	}
	return nil
}

// isSameFile reports whether two paths lead to one file, or to one place where
// there is none yet.
func isSameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	dirA, errA := os.Stat(filepath.Dir(a))
	dirB, errB := os.Stat(filepath.Dir(b))
	return errA == nil && errB == nil && os.SameFile(dirA, dirB) && filepath.Base(a) == filepath.Base(b)
}

// dataDir returns the user's directory for the data of programs, as the system
// goos has it.
func dataDir(goos string, getenv func(string) string) (string, error) {
	var dir string
	switch goos {
	case "windows":
		dir = getenv("LocalAppData")
	case "darwin", "ios":
		if home := getenv("HOME"); home != "" {
			dir = filepath.Join(home, "Library", "Application Support")
		}
	default:
		if dir = getenv("XDG_DATA_HOME"); !filepath.IsAbs(dir) { // the specification has relative ones ignored
			dir = ""
			if home := getenv("HOME"); home != "" {
				dir = filepath.Join(home, ".local", "share")
			}
		}
	}
	if dir == "" {
		return "", usagef("there is no home directory to keep the database in; say where with --database (NAMETAG_DATABASE): a file's path or a postgres:// URL")
	}
	return dir, nil
}

// A database is where the book is: the path of a file or the URL of a
// PostgreSQL server. The zero database is the default file.
type database struct{ path, url string }

// UnmarshalText implements encoding.TextUnmarshaler. Its errors do not quote
// the text, which may hold a password.
func (d *database) UnmarshalText(text []byte) error {
	s := string(text)
	scheme, _, isURL := strings.Cut(s, "://")
	switch {
	case s == "":
		return errors.New("it is empty; give a file's path or a postgres:// URL")
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		if err := checkURL(s); err != nil {
			return err
		}
		*d = database{url: s}
	case isURL:
		return fmt.Errorf("%s:// is not a database that nametag knows; give a file's path or a postgres:// URL", scheme)
	case keywordValue.MatchString(s):
		return errors.New("it looks like a list of PostgreSQL's keywords and values; give a URL such as postgres://user@host/database")
	default:
		*d = database{path: s}
	}
	return nil
}

// keywordValue recognises PostgreSQL's other form of connection strings.
var keywordValue = regexp.MustCompile(`(^|\s)(host|hostaddr|port|dbname|user|password|service|sslmode)\s*=`)

// checkURL refuses URLs that can't be what their author meant, as with a
// password that has an unescaped "/", "?" or "#": parts of it would pass for
// parts that may be shown.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		return errors.New("the postgres:// URL can't be read; characters such as / ? # @ : % in the user or the password must be percent-encoded (%2F %3F %23 %40 %3A %25)")
	}
	return nil
}

// String returns d as it may be shown: without a password.
func (d database) String() string {
	if d.url == "" {
		return d.path
	}
	u, err := url.Parse(d.url)
	if err != nil {
		return "postgres://…" // checkURL has let it pass, so this can't be
	}
	q := u.Query()
	for key := range q {
		if strings.Contains(strings.ToLower(key), "pass") {
			q.Set(key, "xxxxx")
		}
	}
	u.RawQuery = q.Encode()
	return u.Redacted()
}
