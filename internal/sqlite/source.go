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

// A source is a pool of connections that only read a file.
type source struct {
	*sql.DB
	file  string
	still fs.FileInfo // the state of a file that is read without locks, when it was opened; nil otherwise
}

// errMoved says that a file that is read without locks was written meanwhile: what was read may be inconsistent.
var errMoved error = registry.Unavailable(
	errors.New("another process wrote the file while it was read without locks: open it again"))

// openShared opens file to be read while others write it. SQLite may create files next to it.
func openShared(file string) (*source, error) {
	return openSource(source{file: file}, readerURI(file))
}

// openReadOnly opens file to be read without writing anything.
//
// Even a connection that only reads creates a write-ahead log and its index next to a file that is closed, and cannot
// remove them. If there is no log, no process has the file open, so it is read without locks; if one writes it later,
// moved notices. If there is a log, the processes that have the file open have created all the files that they share;
// only for a log that was copied or abandoned does SQLite create its index, FILE-shm, again.
func openReadOnly(file string) (*source, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if !exists(file+"-journal") && (!exists(file+"-wal") || isEmpty(file+"-wal") && !exists(file+"-shm")) {
		return openSource(source{file: file, still: info}, stillURI(file))
	}
	return openShared(file)
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

// moved reports whether a file that is read without locks has been written since
// it was opened. Another file in its place does not matter.
func (s *source) moved() bool {
	if s.still == nil {
		return false
	}
	now, err := os.Stat(s.file)
	return err == nil && os.SameFile(now, s.still) && (now.Size() != s.still.Size() || !now.ModTime().Equal(s.still.ModTime()))
}

// snapshot runs f in a transaction that only reads: f sees the file as it is at one moment.
func (s *source) snapshot(ctx context.Context, f func(*sql.Tx) error) error {
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
