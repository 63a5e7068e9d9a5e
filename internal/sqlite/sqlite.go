// Package sqlite keeps the book in an SQLite file.
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

// Options says how a book is opened. The zero Options are those of a command
// that works on a book as it is, creating an empty file if there is none.
type Options struct {
	// Serve keeps every other serving process away from the file until Close.
	// Commands, which do not serve, work beside a server.
	Serve bool

	// ReadOnly opens an existing book to read it and neither writes nor creates
	// anything, in the file or beside it, but for the index of a write-ahead log
	// that has none: the book may be on read-only media.
	// Serve and Migrate can't be had with it. What writes returns an error.
	//
	// A book that has no write-ahead log beside it when it is opened is read
	// without locks, as it was then. When a server starts on it and writes the
	// file, which it may do some time after it has taken a registration, calls get
	// an *registry.Error with CodeUnavailable from then on: open it again.
	ReadOnly bool

	// Migrate brings the file to the schema and the lookalike keys that the program
	// needs. Without it, a file that has another schema or older keys is an error.
	Migrate bool

	// SkipSchemaCheck opens a file of any schema, for Store.Migrate.
	SkipSchemaCheck bool

	// Logger gets what Migrate does to lookalike keys; nil for silence.
	Logger *slog.Logger
}

// How many queries may read at once, and how many of them may be searches.
// Readers never wait for the writer, nor it for them.
const (
	maxReaders  = 4
	maxSearches = 2
)

// A Store is a book in an SQLite file. Its methods may be called by several
// goroutines at once; writes are done one after another.
type Store struct {
	file    string      // absolute, with symbolic links resolved
	inode   fs.FileInfo // of file when it was opened
	serving *serverLock
	writer  *sql.DB       // one connection; nil if the book is only read
	reader  *source       // a few connections
	behind  *checkpointer // nil unless the store serves
	schema  *migrate.Migrator
	log     *slog.Logger
	calls   gate

	searches *storekit.Searches
	kept     map[string]*sql.Stmt // compiled once, by their text; nil with SkipSchemaCheck
}

var _ registry.Store = (*Store)(nil)

// Open opens the book in the file at path, a plain path whatever characters it
// has. It creates the file, for its owner alone, and the folder it is in. A file
// that is no book, or a newer program's, is left as it is, with nothing beside it
// but the index of a write-ahead log that had none.
//
// The error says what to mend: the file is missing, can't be written, is not a
// book of ours, has another schema (a *migrate.SchemaError) or is served by
// another process. An *registry.Error with CodeUnavailable may pass by itself.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	if opts.ReadOnly && (opts.Serve || opts.Migrate) {
		return nil, errors.New("sqlite: a book that is only read can be neither served nor migrated")
	}
	file, err := locate(path, opts.ReadOnly)
	if err != nil {
		return nil, err
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{file: file, log: opts.Logger, searches: storekit.NewSearches(maxSearches)}
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
	if s.reader, err = openUntouched(s.file); err != nil {
		return err
	}
	err = s.reader.atOneMoment(ctx, func(tx *sql.Tx) error {
		if err := s.refuseForeign(ctx, tx); err != nil || opts.SkipSchemaCheck {
			return err
		}
		return s.schema.Check(ctx, tx)
	})
	return explainReading(ctx, s.file, err)
}

func (s *Store) openToWrite(ctx context.Context, opts Options) (err error) {
	// A commit waits for the file's data and size, as in SQLite's own builds, and
	// not for its time of change. Where this can't be had, it waits for that too.
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
	if s.reader, err = openBesideWriters(s.file); err != nil {
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

// probe returns an error unless the file is an SQLite database that this
// process can write.
func (s *Store) probe(ctx context.Context) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `PRAGMA user_version = 0`) // a write; a mere lock may be had on a read-only file
	return err
}

// Close waits for calls under way, closes the file and lets another process
// serve it. Calls that come later get an *registry.Error with CodeUnavailable.
// Closing again does nothing.
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
	if s.writer != nil { // last, for it tidies up the write-ahead log
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
