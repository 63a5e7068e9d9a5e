package sqlite

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"nametag/internal/migrate"
	"nametag/internal/registry"
)

var (
	errClosed   = errors.New("sqlite: the store is closed")
	errReadOnly = errors.New("sqlite: the store was opened for reading only")
)

// resultCode returns SQLite's primary result code in err's chain, or SQLITE_OK if there is none.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff // the rest says more about the same thing
	}
	return sqlite3.SQLITE_OK
}

// failure returns what err, of doing something with the database under ctx, means to a caller of the Store.
func failure(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("sqlite: %s: %w", doing, ctx.Err())
	}
	if e, ok := errors.AsType[*migrate.SchemaError](err); ok {
		return e // its message is complete
	}
	err = fmt.Errorf("sqlite: %s: %w", doing, err)
	switch resultCode(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, // another process holds a lock
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, // the machine lacks something
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM: // the file cannot be used
		return registry.Unavailable(err)
	}
	return err
}

// explain says what to fix when the database in file cannot be opened for writing.
func explain(ctx context.Context, file string, err error) error {
	switch resultCode(err) {
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return unwritable(file, err)
	}
	return explainReading(ctx, file, err)
}

// explainReading says what to fix when the database in file cannot be opened for reading.
func explainReading(ctx context.Context, file string, err error) error {
	switch resultCode(err) {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s is not an SQLite database, or it is damaged: "+
			"restore a backup, or choose another file with --database: %w", file, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("the database %s cannot be read: give this user read permission for the file and its folder, "+
			"or, if there is a file %[1]s-wal or %[1]s-journal, copy all of them to a writable folder: %w", file, err)
	case sqlite3.SQLITE_OK:
		return err
	}
	return failure(ctx, "open "+file, err)
}

func unwritable(file string, err error) error {
	return fmt.Errorf("the database %s cannot be written: "+
		"give this user write permission for the file and its folder: %w", file, err)
}
