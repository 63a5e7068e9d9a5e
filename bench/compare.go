package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// A revision is one of the two programs that a comparison runs.
type revision struct {
	label   string
	program string
	server  *nametagServer
}

// A finding is one figure of both revisions: the values of each, in pairs that were measured one right after the other.
type finding struct {
	what   string
	values [2][]float64
}

// ratios returns the ratio of the first revision to the second in each pair, ascending.
func (f finding) ratios() []float64 {
	ratios := make([]float64, len(f.values[0]))
	for i := range ratios {
		ratios[i] = f.values[0][i] / f.values[1][i]
	}
	slices.Sort(ratios)
	return ratios
}

// A comparison runs two revisions of nametag on one machine, in short slices that alternate.
type comparison struct {
	*bench
	revisions [2]*revision
	findings  []*finding
}

// compareWith compares the program of opts with that of another revision, and prints what it found.
func compareWith(ctx context.Context, opts options, against string) (err error) {
	folder, err := os.MkdirTemp("", "nametag-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	c := &comparison{bench: &bench{options: opts, folder: folder}}
	for i, source := range []string{opts.program, against} {
		if c.revisions[i], err = c.build(ctx, i, source); err != nil {
			return err
		}
	}
	if c.books, err = newBooks(opts); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.books.cluster.Close()) }()
	if err := c.compare(ctx); err != nil {
		return err
	}
	fmt.Print(c.table())
	return nil
}

// build makes the program of a source: "" for the working tree, the path of a program, or a Git revision.
func (c *comparison) build(ctx context.Context, number int, source string) (*revision, error) {
	if source == "" {
		program := filepath.Join(c.folder, "nametag-tree")
		return &revision{label: "working tree", program: program}, buildProgram(ctx, c.tree, program)
	}
	if info, err := os.Stat(source); err == nil && info.Mode().IsRegular() {
		program, err := filepath.Abs(source)
		return &revision{label: source, program: program}, err
	}
	tree := filepath.Join(c.folder, fmt.Sprint("source-", number))
	if err := os.Mkdir(tree, 0o700); err != nil {
		return nil, err
	}
	if _, err := runProgram(ctx, c.tree, "git", "archive", "--output", tree+".tar", source); err != nil {
		return nil, err
	}
	if _, err := runProgram(ctx, tree, "tar", "-xf", tree+".tar"); err != nil {
		return nil, err
	}
	program := filepath.Join(c.folder, fmt.Sprint("nametag-", number))
	return &revision{label: source, program: program}, buildProgram(ctx, tree, program)
}

// buildProgram builds nametag as the Dockerfile does, with the profile for the compiler that the tree has.
func buildProgram(ctx context.Context, tree, program string) error {
	progress("building nametag from %s", tree)
	_, err := runProgram(ctx, tree, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./cmd/nametag")
	return err
}

func (c *comparison) compare(ctx context.Context) error {
	for _, step := range []func(context.Context) error{c.compareSQLite, c.comparePostgres} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, n := range c.sizes[1:] {
		if err := c.compareLarge(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// compareSQLite compares registrations on SQLite at the smallest size.
func (c *comparison) compareSQLite(ctx context.Context) error {
	n := c.sizes[0]
	var files [2]string
	for i, r := range c.revisions {
		files[i] = filepath.Join(c.folder, fmt.Sprintf("registry-%d.db", i))
		if _, err := runProgram(ctx, c.folder, r.program, "migrate", "--database", files[i]); err != nil {
			return err
		}
		if err := fillSQLite(ctx, files[i], n); err != nil {
			return err
		}
	}
	return c.serve(ctx, files, func() error {
		return c.alternate(ctx, fmt.Sprintf("register on SQLite, %s names", count(n)), c.tellNametag)
	})
}

// comparePostgres compares checks, registrations and the index on PostgreSQL at the smallest size.
func (c *comparison) comparePostgres(ctx context.Context) error {
	n := c.sizes[0]
	var urls [2]string
	for i, r := range c.revisions {
		name := fmt.Sprintf("registry_%d", i)
		urls[i] = c.books.url(name)
		if err := c.makePostgres(ctx, r.program, name, n); err != nil {
			return err
		}
	}
	return c.serve(ctx, urls, func() error {
		if err := c.compareChecks(ctx, n); err != nil {
			return err
		}
		return c.alternate(ctx, fmt.Sprintf("register on PostgreSQL, %s names", count(n)), c.tellNametag)
	})
}

// compareLarge compares checks and the index at another size, on one database for both.
func (c *comparison) compareLarge(ctx context.Context, n int) error {
	name := fmt.Sprintf("registry_of_%d", n)
	progress("making a registry of %s names", count(n))
	if err := c.makePostgres(ctx, c.revisions[1].program, name, n); err != nil {
		return err
	}
	url := c.books.url(name)
	return c.serve(ctx, [2]string{url, url}, func() error { return c.compareChecks(ctx, n) })
}

func (c *comparison) makePostgres(ctx context.Context, program, name string, n int) error {
	return c.books.create(ctx, name, func(url string) error {
		if _, err := runProgram(ctx, c.folder, program, "migrate", "--database", url); err != nil {
			return err
		}
		return fillPostgres(ctx, url, n, true)
	})
}

func (c *comparison) compareChecks(ctx context.Context, n int) error {
	if err := c.compareIndexes(ctx, n); err != nil {
		return err
	}
	return c.alternate(ctx, fmt.Sprintf("check, %s names", count(n)), func(addr string) question { return askNametag(addr, n) })
}

// serve calls f while both revisions serve a database each; their indexes are ready. The second, as the older one, starts first.
func (c *comparison) serve(ctx context.Context, databases [2]string, f func() error) (err error) {
	for i := 1; i >= 0; i-- {
		r := c.revisions[i]
		if r.server, err = c.startNametag(ctx, r.program, databases[i]); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.server.stop()) }()
		if _, _, err := r.server.awaitIndex(ctx); err != nil {
			return err
		}
	}
	return f()
}

// inPairs calls f for both revisions as often as there are rounds, their order turned round each time.
func (c *comparison) inPairs(f func(i int, r *revision) error) error {
	for round := range c.rounds {
		for i := range c.revisions {
			if round%2 == 1 {
				i = 1 - i
			}
			if err := f(i, c.revisions[i]); err != nil {
				return fmt.Errorf("%s: %w", c.revisions[i].label, err)
			}
		}
	}
	return nil
}

// alternate loads both revisions in turn, and notes how much of the processors' time the server took for a request, and
// PostgreSQL for it.
func (c *comparison) alternate(ctx context.Context, what string, ask func(addr string) question) error {
	progress("%s: %d pairs of slices of %v", what, c.rounds, c.slice)
	server, database := &finding{what: what}, &finding{what: what + ": PostgreSQL"}
	err := c.inPairs(func(i int, r *revision) error {
		before, err := c.spent(ctx, r)
		if err != nil {
			return err
		}
		o, err := c.load(r.server.addr, ask(r.server.addr)).lasting(0, c.slice).run(ctx)
		if err != nil {
			return err
		}
		after, err := c.spent(ctx, r)
		if err != nil {
			return err
		}
		each := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) / float64(o.answered) }
		server.values[i] = append(server.values[i], each(after.server-before.server))
		database.values[i] = append(database.values[i], each(after.database-before.database))
		return nil
	})
	c.findings = append(c.findings, server)
	if strings.HasPrefix(what, "register on PostgreSQL") {
		c.findings = append(c.findings, database)
	}
	return err
}

// processorTime is what a server and its sessions in PostgreSQL have taken of the processors.
type processorTime struct{ server, database time.Duration }

func (c *comparison) spent(ctx context.Context, r *revision) (t processorTime, err error) {
	if t.server, err = processTime(r.server.cmd.Process.Pid); err != nil {
		return t, err
	}
	if !strings.HasPrefix(r.server.database, "postgres:") {
		return t, nil
	}
	conn, err := pgx.Connect(ctx, r.server.database)
	if err != nil {
		return t, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err != nil {
		return t, err
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	for _, pid := range sessions {
		d, perr := processTime(pid)
		err, t.database = errors.Join(err, perr), t.database+d
	}
	return t, err
}

// processTime returns how long processors have worked for a process, all of its threads together: its CPU clock, which
// counts nanoseconds where /proc/PID/stat counts hundredths of a second.
func processTime(pid int) (time.Duration, error) {
	const wholeProcess = 2 // CPUCLOCK_SCHED in the kernel's posix-timers_types.h
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|wholeProcess), &t); err != nil {
		return 0, fmt.Errorf("the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// compareIndexes notes what the indexes take of memory, and how long they take to be ready, on the databases that the
// servers serve.
func (c *comparison) compareIndexes(ctx context.Context, n int) error {
	size := &finding{what: fmt.Sprintf("index, bytes a name, %s names", count(n))}
	ready := &finding{what: fmt.Sprintf("index ready, ms, %s names", count(n))}
	c.findings = append(c.findings, size, ready)
	few := &comparison{bench: &bench{options: c.options}, revisions: c.revisions}
	few.rounds = c.starts
	return few.inPairs(func(i int, r *revision) (err error) {
		nt, err := c.startNametag(ctx, r.program, r.server.database)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, nt.stop()) }()
		took, found, err := nt.awaitIndex(ctx)
		if err != nil {
			return err
		}
		if !found {
			return errors.New("it has no metric nametag_index_ready")
		}
		bytes, _, err := nt.metric(ctx, "nametag_index_bytes")
		size.values[i] = append(size.values[i], bytes/float64(n))
		ready.values[i] = append(ready.values[i], float64(took.Milliseconds()))
		return err
	})
}

// table returns what was found, as text.
func (c *comparison) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s against %s. Processor time in µs per request: medians of %d slices of %v each.\nRatios are of each pair of slices: their median and quartiles.\n\n",
		c.revisions[0].label, c.revisions[1].label, c.rounds, c.slice)
	fmt.Fprintf(&text, "%-56s %9s %9s %7s   %s\n", "", "first", "second", "ratio", "quartiles")
	for _, f := range c.findings {
		r := f.ratios()
		fmt.Fprintf(&text, "%-56s %9.2f %9.2f %7.3f   %.3f – %.3f\n", f.what, median(f.values[0]), median(f.values[1]), median(r), quantile(r, 0.25), quantile(r, 0.75))
	}
	return text.String()
}

// quantile returns a quantile of ascending values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below, part := math.Modf(at)
	low := sorted[int(below)]
	high := sorted[min(int(below)+1, len(sorted)-1)]
	return low + part*(high-low)
}
