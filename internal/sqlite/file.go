package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// locate returns the absolute path of the file behind path: the same one for every symbolic link to it, so that all
// processes that open it use the same locks. Unless the file must exist, its folder is created.
func locate(path string, mustExist bool) (string, error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("%q is not the path of a database file", path)
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("sqlite: %w", err)
	}
	if !mustExist {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return "", fmt.Errorf("the folder of the database cannot be created: %w", err)
		}
	}
	file, err = followLinks(file)
	if err != nil {
		return "", fmt.Errorf("sqlite: %w", err)
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && mustExist:
		return "", fmt.Errorf("there is no database at %s: check the path given with --database", file)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("sqlite: %w", err)
	case err == nil && !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file: give the path of a database file with --database", file)
	}
	return file, nil
}

// followLinks resolves symbolic links as filepath.EvalSymlinks does, but also if
// the last one leads to a file that does not exist yet.
func followLinks(file string) (string, error) {
	const maxLinks = 40 // as Linux has it
	for range maxLinks {
		folder, err := filepath.EvalSymlinks(filepath.Dir(file))
		if errors.Is(err, fs.ErrNotExist) {
			return file, nil
		}
		if err != nil {
			return "", err
		}
		file = filepath.Join(folder, filepath.Base(file))
		target, err := os.Readlink(file)
		if err != nil { // not a link, or nothing is there
			return file, nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(folder, target)
		}
		file = target
	}
	return "", &fs.PathError{Op: "open", Path: file, Err: errors.New("too many symbolic links")}
}

// createFile creates file, empty and for its owner alone, unless it exists. SQLite
// gives the files next to it the same mode.
//
// An existing file is not opened: closing it would undo the locks that SQLite has on it in this process.
func createFile(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return unwritable(file, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}

// writerURI names file for the connection that writes: a committed transaction is
// on disk, and a transaction takes the write lock when it begins.
//
// The cache has room for the pages that a transaction of a thousand pets changes, and no more. When SQLite reorders
// pages that it has split, it may give one of them the number of the page at 1 GiB; in a smaller file, the commit then
// searches the whole cache for pages beyond its end.
func writerURI(file string) string {
	return uri(file, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(10000)", // milliseconds
			"journal_mode(WAL)",
			"synchronous(FULL)",
			"cache_size(-16384)",            // KiB
			"wal_autocheckpoint(48000)",     // pages; with fewer, the same ones are checkpointed more often
			"journal_size_limit(209715200)", // bytes: a little more than these pages
			"temp_store(MEMORY)",            // for the statement journal
		},
	})
}

// readerURI names file for connections that only read.
func readerURI(file string) string { return uri(file, readerQuery()) }

// stillURI names file for connections that only read, without locks, while no process writes it.
func stillURI(file string) string {
	query := readerQuery()
	query.Set("immutable", "1")
	return uri(file, query)
}

func readerQuery() url.Values {
	return url.Values{
		"mode":    {"ro"},
		"_pragma": {"busy_timeout(10000)", "query_only(1)"},
	}
}

// uri names file as SQLite URI filenames do, with every special character escaped.
func uri(file string, query url.Values) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(file), RawQuery: query.Encode()}
	return u.String()
}
