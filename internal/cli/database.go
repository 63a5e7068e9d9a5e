package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"nametag/internal/postgres"
	"nametag/internal/registry"
	"nametag/internal/server"
	"nametag/internal/sqlite"
)

// databaseFlags say where the database is.
type databaseFlags struct {
	Database   database `file:"" default:"${database}" placeholder:"FILE-OR-URL" help:"The database: the path of an SQLite file, or a postgres:// URL. The default is nametag/nametag.db in your data directory."`
	DBMaxConns int      `type:"connections" name:"db-max-conns" placeholder:"N" help:"The maximum number of open connections to PostgreSQL. The default is 4, or one per processor if that is more."`
}

// The limits of a command on PostgreSQL: how long it waits for a server that does not answer yet, for a person is
// watching, and how long a batch may take. A server has the defaults of the store.
const (
	commandConnectTimeout = 5 * time.Second
	commandCallTimeout    = time.Minute
)

// A store is a database with a schema.
type store interface {
	registry.Store
	server.ACMEStore
	Migrate(context.Context) (from, to int64, err error)
}

// A purpose says what a database is opened for.
type purpose struct {
	serve     bool // by a server; a file may have one at a time
	readOnly  bool // nothing is created or changed
	migrate   bool // update the schema
	anySchema bool // to migrate it later
}

// open opens the database. log reports a wait for PostgreSQL and what a migration does to lookalike keys.
func (f databaseFlags) open(ctx context.Context, log *slog.Logger, why purpose) (store, error) {
	if f.Database.url == "" {
		return sqlite.Open(ctx, f.Database.path, sqlite.Options{
			Serve:           why.serve,
			ReadOnly:        why.readOnly,
			Migrate:         why.migrate,
			SkipSchemaCheck: why.anySchema,
			Logger:          log,
		})
	}
	options := postgres.Options{
		MaxConns:        f.DBMaxConns,
		ReadOnly:        why.readOnly,
		Migrate:         why.migrate,
		SkipSchemaCheck: why.anySchema,
		Logger:          log,
	}
	if !why.serve {
		options.ConnectTimeout, options.CallTimeout = commandConnectTimeout, commandCallTimeout
	}
	s, err := postgres.Open(ctx, f.Database.url, options)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f.Database, described(err))
	}
	return s, nil
}

// use opens the database, calls do with it and closes it.
func (f databaseFlags) use(ctx context.Context, p Process, why purpose, do func(store) error) error {
	db, err := f.open(ctx, slog.New(slog.NewTextHandler(p.Stderr, nil)), why)
	if err != nil {
		return err
	}
	return errors.Join(described(do(db)), db.Close())
}

// refuseDatabasePath returns an error if a file that is about to be written, whose name a flag sets, is the database or
// belongs to it.
func (f databaseFlags) refuseDatabasePath(name, flag string) error {
	if f.Database.path == "" {
		return nil
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock", ".pid", ".migrate.lock"} {
		if isSameFile(name, f.Database.path+suffix) {
			return usagef("%s belongs to the database; choose another file with %s", name, setting(flag))
		}
	}
	return nil
}

// isSameFile reports whether two paths lead to one file, or to one place where there is none yet.
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

// defaultDatabase returns the path of the database in the user's data directory on the system goos; "" if there is no
// such directory.
func defaultDatabase(goos string, getenv func(string) string) string {
	var dir string
	home := getenv("HOME")
	switch data := getenv("XDG_DATA_HOME"); {
	case goos == "windows":
		dir = getenv("LocalAppData")
	case home != "" && (goos == "darwin" || goos == "ios"):
		dir = filepath.Join(home, "Library", "Application Support")
	case filepath.IsAbs(data): // the specification says to ignore relative ones
		dir = data
	case home != "":
		dir = filepath.Join(home, ".local", "share")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "nametag", "nametag.db")
}

// A database is the path of a file or the URL of a PostgreSQL database.
type database struct{ path, url string }

// keywordValue matches the other form of PostgreSQL's connection strings.
var keywordValue = regexp.MustCompile(`(^|\s)(host|hostaddr|port|dbname|user|password|service|sslmode)\s*=`)

// parseDatabase reads a path, which it makes absolute, or a URL. Its errors do not quote the text, which may contain a
// password.
func parseDatabase(s string) (database, error) {
	scheme, _, isURL := strings.Cut(s, "://")
	switch {
	case s == "":
		return database{}, fmt.Errorf("give a file's path or a postgres:// URL, or set %s; "+
			"there is no default without a home directory", variable("database"))
	case isURL && scheme != "postgres" && scheme != "postgresql":
		return database{}, fmt.Errorf("%s:// is not a supported database; give a file's path or a postgres:// URL", scheme)
	case isURL:
		// In a password with an unescaped "/", "?" or "#", parts of it would pass for parts that may be shown.
		u, err := url.Parse(s)
		if err != nil || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") {
			return database{}, errors.New("the postgres:// URL is malformed; percent-encode characters " +
				"such as / ? # @ : % in the user and the password (%2F %3F %23 %40 %3A %25)")
		}
		return database{url: s}, nil
	case keywordValue.MatchString(s):
		return database{}, errors.New("this looks like PostgreSQL's keywords and values; " +
			"give a URL such as postgres://user@host/database")
	default:
		path, err := filepath.Abs(s)
		return database{path: path}, err
	}
}

// isMissing reports whether d is a file that does not exist.
func (d database) isMissing() bool {
	_, err := os.Stat(d.path)
	return d.path != "" && errors.Is(err, fs.ErrNotExist)
}

// String returns d without passwords.
func (d database) String() string {
	if d.url == "" {
		return d.path
	}
	u, err := url.Parse(d.url)
	if err != nil {
		return "postgres://…" // parseDatabase has refused it
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
