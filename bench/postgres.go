package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag/internal/pgtest"
)

// serverSettings are PostgreSQL's, for all that use it. A commit is on disk
// before it is answered.
var serverSettings = []string{"fsync=on", "synchronous_commit=on", "max_wal_size=16GB"}

// books is a PostgreSQL server with books of several sizes. It runs only while
// it is used.
type books struct {
	cluster *pgtest.Cluster
	large   int // with more names, turns get no copies
}

func newBooks(opts options) (*books, error) {
	cluster, err := pgtest.New(append(serverSettings, "shared_buffers="+opts.buffers, "wal_compression="+opts.compression)...)
	if err != nil {
		return nil, err
	}
	return &books{cluster, opts.large}, nil
}

// url returns the URL of a database.
func (b *books) url(database string) string {
	u, err := url.Parse(b.cluster.URL())
	if err != nil {
		panic(err) // pgtest has made it
	}
	u.Path = "/" + database
	return u.String()
}

// create makes an empty database and fills it.
func (b *books) create(ctx context.Context, database string, fill func(url string) error) error {
	if err := b.exec(ctx, `CREATE DATABASE `+database+` TEMPLATE template0`); err != nil {
		return err
	}
	return fill(b.url(database))
}

// use starts the server, calls f with the URLs of databases of that many names,
// or of copies of them, and stops the server.
func (b *books) use(ctx context.Context, databases []string, names int, f func(urls []string) error) (err error) {
	if err := b.cluster.Restart(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.cluster.Stop()) }()
	urls := make([]string, len(databases))
	if names > b.large {
		for i, database := range databases {
			urls[i] = b.url(database)
		}
		err := f(urls)
		return errors.Join(err, b.exec(ctx, `CHECKPOINT`)) // so that stopping is quick
	}
	for i, database := range databases {
		turn := "turn_" + strconv.Itoa(i)
		if err := b.exec(ctx, `DROP DATABASE IF EXISTS `+turn, `CREATE DATABASE `+turn+` TEMPLATE `+database); err != nil {
			return err
		}
		urls[i] = b.url(turn)
	}
	if err := b.exec(ctx, `CHECKPOINT`); err != nil {
		return err
	}
	return f(urls)
}

// exec executes statements on the server.
func (b *books) exec(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, b.cluster.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// facts returns the server's version, and the settings that it was started
// with.
func (b *books) facts(ctx context.Context) (version string, settings []string, err error) {
	conn, err := pgx.Connect(ctx, b.cluster.URL())
	if err != nil {
		return "", nil, err
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, `SHOW server_version`).Scan(&version); err != nil {
		return "", nil, err
	}
	rows, err := conn.Query(ctx, `
		SELECT name || '=' || current_setting(name) FROM pg_settings
		WHERE source = 'command line' AND name NOT IN ('port', 'listen_addresses', 'unix_socket_directories', 'config_file', 'data_directory')
		ORDER BY name`)
	if err != nil {
		return "", nil, err
	}
	settings, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return version, settings, err
}

// number returns what a query says on a database.
func number(ctx context.Context, url, query string) (n int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, query).Scan(&n)
	return n, err
}

// newNameSQL makes a name of the number :n, as insertedName does.
const newNameSQL = `encode(int8send(:n), 'base64')`

// insertOne is pgbench's script: one new name, which comes among those that the table
// has, at a place of its own in each index. Of 63 random bits, not one run in a hundred
// thousand meets a name twice, which would fail it.
const insertOne = `\set n random(1, 9223372036854775806)
INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at)
VALUES (` + newNameSQL + `, ` + newNameSQL + `, false, ` + newNameSQL + `, 'blue', 'cat', now());
`

// pgbench measures how many such inserts PostgreSQL does a second.
func (b *books) pgbench(ctx context.Context, folder, url string, connections int, warmup, duration time.Duration) (outcome, error) {
	program, err := b.cluster.Program("pgbench")
	if err != nil {
		return outcome{}, err
	}
	script := filepath.Join(folder, "insert.sql")
	if err := os.WriteFile(script, []byte(insertOne), 0o600); err != nil {
		return outcome{}, err
	}
	const count = `SELECT coalesce(sum(n_tup_ins), 0)::bigint FROM pg_stat_user_tables WHERE relname = 'pets'`
	before, err := number(ctx, url, count)
	if err != nil {
		return outcome{}, err
	}
	o, err := insertFor(ctx, warmup, duration, folder, program, "--no-vacuum", "--protocol=prepared", "--file="+script,
		"--client="+strconv.Itoa(connections), "--jobs=2", "--progress=1", url)
	if err != nil {
		return o, err
	}
	return o, awaitNumber(ctx, url, count, before+o.answered)
}

// insertFor runs pgbench until it has inserted for about as long after it had
// connected, which on a busy machine takes seconds. It reports once a second.
func insertFor(ctx context.Context, warmup, duration time.Duration, folder, program string, args ...string) (o outcome, err error) {
	var r inserts
	for connecting := time.Duration(0); connecting < patience; connecting = max(2*connecting, r.connecting+time.Second) {
		seconds := math.Ceil((warmup + duration + connecting).Seconds()) + 1
		cmd := exec.CommandContext(ctx, program, append([]string{fmt.Sprintf("--time=%.0f", seconds)}, args...)...)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput() // progress is told as an error is
		if err != nil {
			return o, fmt.Errorf("pgbench: %w\n%s", err, out)
		}
		if r, err = readPgbench(string(out)); err != nil {
			return o, err
		}
		o.answered += r.number
		rate, of := r.rateAfter(r.connecting + warmup)
		if of >= duration*3/4 {
			o.rate = rate
			return o, nil
		}
	}
	return o, fmt.Errorf("pgbench takes more than %v to connect: run it on a machine that does less", patience)
}

// inserts is what pgbench did.
type inserts struct {
	number     int
	connecting time.Duration // how long that took
	reports    []rateReport
}

// A rateReport is the rate, in inserts a second, between two times since the start.
type rateReport struct {
	from, to time.Duration
	rate     float64
}

// rateAfter returns the rate by the reports that begin at a time since the start or
// later, and of how long it is.
func (r inserts) rateAfter(d time.Duration) (rate float64, of time.Duration) {
	sum := 0.0
	for _, report := range r.reports {
		if report.from >= d {
			sum += report.rate * (report.to - report.from).Seconds()
			of += report.to - report.from
		}
	}
	if of == 0 {
		return 0, 0
	}
	return sum / of.Seconds(), of
}

// readPgbench reads what pgbench says.
func readPgbench(out string) (r inserts, err error) {
	read := func(pattern string) (v float64) {
		m := regexp.MustCompile(pattern).FindStringSubmatch(out)
		if m == nil {
			err = fmt.Errorf("pgbench has no %q:\n%s", pattern, out)
			return 0
		}
		v, perr := strconv.ParseFloat(m[1], 64)
		err = errors.Join(err, perr)
		return v
	}
	if failed := read(`failed transactions: (\d+)`); failed > 0 {
		return r, fmt.Errorf("pgbench: transactions failed:\n%s", out)
	}
	if r.number = int(read(`transactions actually processed: (\d+)`)); r.number == 0 {
		return r, err // then it says no more
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	r.connecting = seconds(read(`initial connection time = ([\d.]+) ms`) / 1000)
	var before time.Duration
	for _, m := range regexp.MustCompile(`(?m)^progress: ([\d.]+) s, ([\d.]+) tps`).FindAllStringSubmatch(out, -1) {
		at, err1 := strconv.ParseFloat(m[1], 64)
		rate, err2 := strconv.ParseFloat(m[2], 64)
		err = errors.Join(err, err1, err2)
		r.reports = append(r.reports, rateReport{before, seconds(at), rate})
		before = seconds(at)
	}
	return r, err
}

// awaitNumber waits until a query on a database gives want: sessions report what
// they did when they end.
func awaitNumber(ctx context.Context, url, query string, want int) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		got, err := number(ctx, url, query)
		if err != nil || got == want {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL should have %d rows inserted by what pgbench says, and says %d", want, got)
		}
	}
}
