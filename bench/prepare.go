package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// prepare builds nametag and makes the books.
func (b *bench) prepare(ctx context.Context) error {
	if b.isOther = b.program != ""; !b.isOther {
		b.program = filepath.Join(b.folder, "nametag")
		if err := buildProgram(ctx, b.tree, b.program); err != nil {
			return err
		}
	}
	if err := b.notePrograms(ctx); err != nil {
		return err
	}
	if err := b.fillBooks(ctx); err != nil {
		return err
	}
	n := b.results.smallest()
	if b.has(nametagSQLite) || b.has(constant) {
		progress("making a book of %s names on SQLite", count(n))
		if err := b.makeSQLite(ctx, n); err != nil {
			return err
		}
	}
	if !b.has(pocketBase) && !b.has(pocketBaseTuned) {
		return nil
	}
	for _, n := range b.pocketSizes() {
		progress("making a PocketBase of %s names", count(n))
		self, err := os.Executable()
		if err != nil {
			return err
		}
		if _, err := runProgram(ctx, b.folder, self, "make-pocketbase", b.pocketFolder(n), strconv.Itoa(n)); err != nil {
			return err
		}
	}
	return nil
}

// notePrograms notes the versions of everything.
func (b *bench) notePrograms(ctx context.Context) error {
	version, settings, err := b.books.facts(ctx)
	if err != nil {
		return err
	}
	commit, err := runProgram(ctx, b.tree, "git", "rev-parse", "--short=12", "HEAD")
	if err != nil {
		commit = unknown // this is no clone
	} else if changed, err := runProgram(ctx, b.tree, "git", "status", "--porcelain"); err != nil || changed != "" {
		commit += " and changes"
	}
	if b.isOther {
		commit = "another program, given by -nametag; peers and load: " + commit
	}
	b.results.Settings = settings
	b.results.Versions = map[string]string{
		"go": runtime.Version(), "nametag": commit, "postgresql": version,
		"pocketbase":    moduleVersion("github.com/pocketbase/pocketbase"),
		"sqlite driver": "modernc.org/sqlite " + moduleVersion("modernc.org/sqlite"),
	}
	return nil
}

// fillBooks makes the books on PostgreSQL, and leaves it stopped.
func (b *bench) fillBooks(ctx context.Context) error {
	fill := func(database string, n int, journal bool) error {
		began := time.Now()
		progress("making a book of %s names on PostgreSQL (%s)", count(n), database)
		err := b.books.create(ctx, database, func(url string) error {
			if _, err := runProgram(ctx, b.folder, b.program, "migrate", "--database", url); err != nil {
				return err
			}
			return fillPostgres(ctx, url, n, journal)
		})
		progress("that took %.1f seconds", time.Since(began).Seconds())
		return err
	}
	for _, n := range b.sizes {
		if !b.has(nametagPostgres) {
			continue
		}
		if err := fill(bookOf(n), n, true); err != nil {
			return err
		}
		if n == b.results.smallest() { // the others are made alike
			if err := b.verify(ctx, b.books.url(bookOf(n))); err != nil {
				return err
			}
		}
	}
	for _, n := range b.insertSizes() {
		if err := fill(tableOf(n), n, false); err != nil {
			return err
		}
	}
	return b.books.cluster.Stop()
}

// noteSize notes how much room the books on PostgreSQL take.
func (b *bench) noteSize(ctx context.Context) error {
	return b.books.use(ctx, nil, 0, func([]string) error {
		size, err := number(ctx, b.books.cluster.URL(), `SELECT sum(pg_database_size(oid))::bigint FROM pg_database WHERE datname NOT LIKE 'turn%'`)
		b.results.BooksGB = float64(size) / 1e9
		return err
	})
}

// bookOf names the database that has a book of n names, tableOf the one that
// has its pets alone.
func bookOf(n int) string  { return "book_" + strconv.Itoa(n) }
func tableOf(n int) string { return "table_" + strconv.Itoa(n) }

func (b *bench) makeSQLite(ctx context.Context, n int) error {
	file := b.sqliteFile()
	if _, err := runProgram(ctx, b.folder, b.program, "migrate", "--database", file); err != nil {
		return err
	}
	if err := fillSQLite(ctx, file, n); err != nil {
		return err
	}
	if err := b.verify(ctx, file); err != nil {
		return err
	}
	nt, err := b.startNametag(ctx, b.program, file)
	if err != nil {
		return err
	}
	return errors.Join(b.writeConstantAnswer(ctx, nt.addr), nt.stop())
}

// verify makes sure that a book's journal is whole.
func (b *bench) verify(ctx context.Context, database string) error {
	_, err := runProgram(ctx, b.folder, b.program, "journal", "verify", "--database", database)
	return err
}

func (b *bench) sqliteFile() string { return filepath.Join(b.folder, "book.db") }

func (b *bench) pocketFolder(n int) string {
	return filepath.Join(b.folder, "pocketbase-"+strconv.Itoa(n))
}
