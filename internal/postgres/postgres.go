// Package postgres keeps the registry in a PostgreSQL database, which any number of servers may share.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"nametag/internal/migrate"
	"nametag/internal/registry"
	"nametag/internal/storekit"
)

// Options says how Open opens a database. The zero Options are those of a command that uses the database as it is.
type Options struct {
	// ReadOnly makes every session read-only. It excludes Migrate. Methods that write return an error.
	ReadOnly bool

	// MaxConns is the greatest number of connections in the pool; 0 for the pool_max_conns of the URL or, without it,
	// the greater of 4 and the number of processors.
	MaxConns int

	// ConnectTimeout is how long Open waits for a server that does not answer yet; 0 for 30 seconds.
	ConnectTimeout time.Duration

	// CallTimeout is how long a call of the Store may take, including the wait for a connection and retries; 0 for 10
	// seconds. A shorter deadline of the context applies as well. A search ends after two seconds in any case, and
	// ForgetKeys may take this long for each of its transactions.
	CallTimeout time.Duration

	// Migrate brings the database to the schema and the lookalike keys that the program needs. Without it, a database
	// with another schema or older keys is an error.
	Migrate bool

	// SkipSchemaCheck opens a database of any schema, for Store.Migrate.
	SkipSchemaCheck bool

	// Logger gets the wait for the server, and what Migrate does to lookalike keys; nil for silence.
	Logger *slog.Logger
}

// A Store is a registry in a PostgreSQL database. Its methods may be called by several goroutines at once.
type Store struct {
	pool        *pgxpool.Pool
	db          *sql.DB // the same pool, for migrations
	schema      *migrate.Migrator
	log         *slog.Logger
	searches    *storekit.Searches
	callTimeout time.Duration
	readOnly    bool
	optimism    optimism
	closed      atomic.Bool
}

var _ registry.Store = (*Store)(nil)

// Open opens the database at url, a PostgreSQL URL or keyword/value connection string. It waits for a server that does
// not answer yet, so that both can be started at the same time.
//
// The error says what to fix: the URL, the user, the password, the database, its encoding or its schema (a
// *migrate.SchemaError). It is an *registry.Error with CodeUnavailable if the server did not answer in time. No error
// contains the password.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	if opts.ReadOnly && opts.Migrate {
		return nil, errors.New("postgres: a database that is opened read-only cannot be migrated")
	}
	if opts.ConnectTimeout == 0 {
		opts.ConnectTimeout = 30 * time.Second
	}
	if opts.CallTimeout == 0 {
		opts.CallTimeout = 10 * time.Second
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	schema, err := newMigrator()
	if err != nil {
		return nil, err
	}
	config, err := parseURL(url, opts)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, failure(ctx, "create the connection pool", err)
	}
	s := &Store{
		pool:        pool,
		db:          stdlib.OpenDBFromPool(pool),
		schema:      schema,
		log:         opts.Logger,
		searches:    storekit.NewSearches(max(1, int(config.MaxConns)/2)),
		callTimeout: opts.CallTimeout,
		readOnly:    opts.ReadOnly,
	}
	if err := s.open(ctx, opts); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, opts Options) error {
	if err := awaitServer(ctx, s.pool, opts); err != nil {
		return err
	}
	switch {
	case opts.Migrate:
		_, _, err := s.Migrate(ctx)
		return err
	case opts.SkipSchemaCheck:
		return nil
	default:
		return failure(ctx, "check the schema", s.schema.Check(ctx, s.db))
	}
}

// Close waits for calls in progress and closes the connections. Later calls get an
// *registry.Error with CodeUnavailable. Closing again does nothing.
func (s *Store) Close() error {
	s.closed.Store(true)
	err := s.db.Close()
	s.pool.Close()
	return err
}
