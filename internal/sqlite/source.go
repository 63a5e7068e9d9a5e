package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"nametag/internal/registry"
)

// A source is a few connections that only read a file.
type source struct {
	*sql.DB
	file  string
	still fs.FileInfo // of a file that is read without locks: what it was when it was opened
}

// errMoved says that a file that was read without locks was written meanwhile:
// what was read may be torn.
var errMoved error = registry.Unavailable(
	errors.New("the file was written while it was read as one that nobody writes: open it again"))

// openBesideWriters opens file to be read while others write it. SQLite may put
// files beside it.
func openBesideWriters(file string) (*source, error) {
	return openSource(source{file: file}, readerURI(file))
}

// openUntouched opens file to be read without writing anything.
//
// Even a connection that only reads puts a write-ahead log and its index beside
// a book that is closed, and can't take them away. Where there is no log,
// nobody has the book open, so it is read without locks; should somebody come
// and write the file, moved notices. Where there is one, those who have the book
// open have made all the files that they share; only for a log that was copied
// or left alone does SQLite make its index, FILE-shm, anew.
func openUntouched(file string) (*source, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if !exists(file+"-journal") && (!exists(file+"-wal") || isEmpty(file+"-wal") && !exists(file+"-shm")) {
		return openSource(source{file: file, still: info}, stillURI(file))
	}
	return openBesideWriters(file)
}

func openSource(s source, uri string) (*source, error) {
	var err error
	if s.DB, err = sql.Open("sqlite", uri); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	s.SetMaxOpenConns(maxReaders)
	s.SetMaxIdleConns(maxReaders)
	return &s, nil
}

// moved reports whether a file that is read without locks has been written
// since it was opened. One that was put in its place is of no matter.
func (s *source) moved() bool {
	if s.still == nil {
		return false
	}
	now, err := os.Stat(s.file)
	return err == nil && os.SameFile(now, s.still) && (now.Size() != s.still.Size() || !now.ModTime().Equal(s.still.ModTime()))
}

// atOneMoment runs f in a transaction that only reads: all that f sees is of
// one moment.
func (s *source) atOneMoment(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.BeginTx(ctx, nil)
	if err == nil {
		err = f(tx)
		tx.Rollback() // there is nothing to keep
	}
	if s.moved() {
		return errMoved
	}
	return err
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

func isEmpty(file string) bool {
	info, err := os.Lstat(file)
	return err == nil && info.Size() == 0
}
