// Package sqlite keeps the registry in an SQLite file.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"modernc.org/sqlite"

	"nametag/internal/migrate"
	"nametag/internal/registry"
	"nametag/internal/storekit"
)

// Options says how Open opens a file. The zero Options are those of a command that
// uses the file as it is, and creates an empty one if there is none.
type Options struct {
	// Serve keeps every other serving process away from the file until Close.
	// Commands, which do not serve, work next to a server.
	Serve bool

	// ReadOnly opens an existing file and neither writes nor creates anything, in the file or next to it, except the
	// index of a write-ahead log that has none: the file may be on read-only media. It excludes Serve and Migrate.
	// Methods that write return an error.
	//
	// A file without a write-ahead log is read without locks, as it is when it is opened. When a server starts and
	// writes the file later, calls get an *registry.Error with CodeUnavailable from then on: open it again.
	ReadOnly bool

	// Migrate brings the file to the schema and the lookalike keys that the program
	// needs. Without it, a file with another schema or older keys is an error.
	Migrate bool

	// SkipSchemaCheck opens a file of any schema, for Store.Migrate.
	SkipSchemaCheck bool

	// Logger gets what Migrate does to lookalike keys; nil for silence.
	Logger *slog.Logger
}

// The greatest numbers of concurrent queries, and of searches among them. Readers
// never wait for the writer, and it never waits for them.
const (
	maxReaders  = 4
	maxSearches = 2
)

// A Store is a registry in an SQLite file. Its methods may be called by several
// goroutines at once; writes happen one after another.
type Store struct {
	file    string      // absolute, with symbolic links resolved
	inode   fs.FileInfo // of file when it was opened
	serving *serverLock
	writer  *sql.DB       // one connection; nil with ReadOnly
	reader  *source       // a few connections
	behind  *checkpointer // nil without Serve
	schema  *migrate.Migrator
	log     *slog.Logger
	calls   gate

	ordering chan struct{} // LockACME holds its one place

	searches *storekit.Searches
	kept     map[string]*sql.Stmt // compiled once, by their text; nil with SkipSchemaCheck
}

var _ registry.Store = (*Store)(nil)

// Open opens the file at path, a plain path whatever characters it has. It creates the file, for its owner alone, and
// its folder. A file that another program made, or a newer one of ours, is left as it is, with nothing next to it
// except the index of a write-ahead log that had none.
//
// The error says what to fix: the file is missing, cannot be written, is another program's, has another schema (a
// *migrate.SchemaError) or is served by another process. If it is an *registry.Error with CodeUnavailable, a later try
// may succeed.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	if opts.ReadOnly && (opts.Serve || opts.Migrate) {
		return nil, errors.New("sqlite: a file that is opened read-only can be neither served nor migrated")
	}
	file, err := locate(path, opts.ReadOnly)
	if err != nil {
		return nil, err
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{file: file, log: opts.Logger, ordering: make(chan struct{}, 1), searches: storekit.NewSearches(maxSearches)}
	if s.schema, err = newMigrator(); err != nil {
		return nil, err
	}
	open := s.openToWrite
	if opts.ReadOnly {
		open = s.openToRead
	}
	if err := open(ctx, opts); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) openToRead(ctx context.Context, opts Options) (err error) {
	if s.inode, err = os.Stat(s.file); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if s.reader, err = openReadOnly(s.file); err != nil {
		return err
	}
	err = s.reader.snapshot(ctx, func(tx *sql.Tx) error {
		if err := s.refuseForeign(ctx, tx); err != nil || opts.SkipSchemaCheck {
			return err
		}
		return s.schema.Check(ctx, tx)
	})
	return explainReading(ctx, s.file, err)
}

func (s *Store) openToWrite(ctx context.Context, opts Options) (err error) {
	// A commit waits for the file's data and size, as in SQLite's own builds, and
	// not for its modification time, where the system can do that.
	_, _ = sqlite.Fdatasync(true)
	if err := s.look(ctx, opts); err != nil {
		return err
	}
	if opts.Serve {
		if s.serving, err = lockForServing(s.file); err != nil {
			return err
		}
	}
	// Processes that start together on a new file create it one after another.
	starting, err := lockForStarting(ctx, s.file)
	if err != nil {
		return err
	}
	defer starting.Unlock()

	if err := createFile(s.file); err != nil {
		return err
	}
	if s.inode, err = os.Stat(s.file); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if s.writer, err = sql.Open("sqlite", writerURI(s.file)); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	s.writer.SetMaxOpenConns(1)
	if err := s.probe(ctx); err != nil {
		return explain(ctx, s.file, err)
	}
	if s.reader, err = openShared(s.file); err != nil {
		return err
	}
	if err := s.settleSchema(ctx, opts); err != nil {
		return explain(ctx, s.file, err)
	}
	if !opts.SkipSchemaCheck || opts.Migrate {
		if err := s.keepStatements(ctx); err != nil {
			return explain(ctx, s.file, err)
		}
	}
	if opts.Serve {
		s.behind, err = newCheckpointer(s.file)
	}
	return err
}

// probe returns an error unless the file is an SQLite database that this process can write.
func (s *Store) probe(ctx context.Context) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `PRAGMA user_version = 0`) // a write; a read-only file can be locked
	return err
}

// Close waits for calls in progress, closes the file and lets another process serve it. Later calls get an
// *registry.Error with CodeUnavailable. Closing again does nothing.
func (s *Store) Close() error {
	if !s.calls.shut() {
		return nil
	}
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.behind != nil {
		errs = append(errs, s.behind.close())
	}
	if s.writer != nil { // last: closing it empties the write-ahead log
		errs = append(errs, s.writer.Close())
	}
	if s.serving != nil {
		errs = append(errs, s.serving.release())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sqlite: close %s: %w", s.file, err)
	}
	return nil
}
