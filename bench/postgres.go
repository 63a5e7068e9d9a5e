package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// postgresSettings are the PostgreSQL server's, besides shared_buffers. A commit is on disk before it is answered.
var postgresSettings = []string{"fsync=on", "synchronous_commit=on", "max_wal_size=16GB", "wal_compression=lz4"}

// execute executes statements on a database.
func execute(ctx context.Context, database string, statements ...string) error {
	db, err := openDatabase(database)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// query returns the one value that a query gives on a database.
func query[T any](ctx context.Context, database, sql string) (v T, err error) {
	db, err := openDatabase(database)
	if err != nil {
		return v, err
	}
	defer db.Close()
	return v, db.QueryRowContext(ctx, sql).Scan(&v)
}

// openDatabase opens the database at a URL, or in a file.
func openDatabase(database string) (*sql.DB, error) {
	if strings.HasPrefix(database, "postgres:") {
		return sql.Open("pgx", database)
	}
	return sql.Open("sqlite", database)
}

// syllableArray is the syllables as SQL has them, the first at 1.
var syllableArray = `('{` + strings.Join(syllables, ",") + `}'::text[])`

// seedStatement returns a statement that enters the first n names into a registry's pets, but not into its journal, which
// neither checks nor registrations read. It enters them in the order of the indexes, which is fast. Of these letters,
// lookalike keys replace only m.
func seedStatement(n int) string {
	return fmt.Sprintf(`
		INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at)
		SELECT name, replace(name, 'm', 'rn'), false, initcap(name), 'blue', 'cat', '2020-01-01 UTC'
		FROM generate_series(0::bigint, %[2]d - 1) AS i,
			LATERAL (SELECT i * %[3]d %% %[4]d AS x) AS scrambled,
			LATERAL (SELECT %[1]s[x / 100000000 + 1] || %[1]s[x / 1000000 %% 100 + 1] || %[1]s[x / 10000 %% 100 + 1] ||
				%[1]s[x / 100 %% 100 + 1] || %[1]s[x %% 100 + 1] AS name) AS named
		ORDER BY name COLLATE "C"`, syllableArray, n, scramble, allNames)
}

// createRegistries makes databases that have a registry of n names each, by the schema of a nametag program, and returns
// their URLs. The journal has one more, because a newer program would take pets without any journal for those of a
// program that had none. All are copies of one that nothing uses, so PostgreSQL has as little of each in memory.
func (r *run) createRegistries(ctx context.Context, program string, n, databases int) (urls []string, err error) {
	log.Printf("making registries of %s names on PostgreSQL: %d", count(n), databases)
	create := func(name, template string) (string, error) {
		// By default, PostgreSQL 15 copies a database by way of its log.
		create := `CREATE DATABASE ` + name + ` TEMPLATE ` + template + ` STRATEGY FILE_COPY`
		url := strings.Replace(r.cluster.URL(), "/postgres?", "/"+name+"?", 1)
		return url, execute(ctx, r.cluster.URL(), create, `CHECKPOINT`)
	}
	template := fmt.Sprintf("registry_%d", n)
	url, err := create(template, "template0")
	if err != nil {
		return nil, err
	}
	if _, err := runProgram(ctx, r.folder, program, "migrate", "--database", url); err != nil {
		return nil, err
	}
	first := filepath.Join(r.folder, "first.csv")
	if err := os.WriteFile(first, []byte("name,favorite_color,category\nFirst in the journal,blue,cat\n"), 0o600); err != nil {
		return nil, err
	}
	if _, err := runProgram(ctx, r.folder, program, "import", "--database", url, first); err != nil {
		return nil, err
	}
	if err := execute(ctx, url, `DELETE FROM pets`, `SET work_mem = '1GB'; `+seedStatement(n), `VACUUM ANALYZE`); err != nil {
		return nil, err
	}
	for i := range databases {
		copied, copyErr := create(fmt.Sprintf("%s_%d", template, i+1), template)
		urls, err = append(urls, copied), errors.Join(err, copyErr)
	}
	return urls, err
}

// insertedName makes a name from pgbench's variables a, b and c, which choose syllables, and n. Its place in an index is
// as random as that of a name that nametag registers.
var insertedName = fmt.Sprintf(`%s[:a] || %[1]s[:b] || %[1]s[:c] || to_hex(:n::bigint)`, syllableArray)

// insertScript has pgbench insert one new name in a transaction. With 10^18 names to choose from, none comes twice.
var insertScript = `\set a random(1, 100)
\set b random(1, 100)
\set c random(1, 100)
\set n random(0, 1000000000000)
INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at)
SELECT name, name, false, name, 'blue', 'cat', now() FROM (SELECT ` + insertedName + ` AS name) AS new;
`

// pgbench has PostgreSQL's own load program insert into a registry's pets for the duration d, in whole seconds. If it
// takes that long to connect, it gets longer.
func (r *run) pgbench(ctx context.Context, url string, d time.Duration) (o outcome, err error) {
	program, err := r.cluster.Program("pgbench")
	if err != nil {
		return o, err
	}
	script := filepath.Join(r.folder, "insert.sql")
	if err := os.WriteFile(script, []byte(insertScript), 0o600); err != nil {
		return o, err
	}
	for seconds := int(math.Ceil(d.Seconds())); err == nil && o.answered == 0; seconds *= 2 {
		var out string
		out, err = runProgram(ctx, r.folder, program, "--no-vacuum", "--protocol=prepared", "--file="+script, "--jobs=2",
			"--client="+strconv.Itoa(r.Connections), "--time="+strconv.Itoa(seconds), url)
		if err == nil {
			o, err = readPgbench(out)
		}
	}
	return o, err
}

// readPgbench reads what pgbench prints. The time that it took to connect does not count.
func readPgbench(out string) (outcome, error) {
	inserted, failed, tps := -1, 0, 0.0
	for line := range strings.Lines(out) {
		fmt.Sscanf(line, "number of transactions actually processed: %d", &inserted)
		fmt.Sscanf(line, "number of failed transactions: %d", &failed)
		fmt.Sscanf(line, "tps = %f (without initial connection time)", &tps)
	}
	if inserted < 0 || failed > 0 || inserted > 0 && tps == 0 {
		return outcome{}, fmt.Errorf("pgbench failed:\n%s", out)
	}
	return outcome{answered: inserted, took: time.Duration(float64(inserted) / tps * float64(time.Second))}, nil
}
