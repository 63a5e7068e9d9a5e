// Bench measures Nametag beside its peers, on one machine and by one load, and
// writes docs/benchmarks.md from what it measured. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are what a run may be told.
type options struct {
	rounds      int
	warmup      time.Duration
	settling    time.Duration // how long registrations go into a large book between the two times that they are measured
	duration    time.Duration
	checkSlices int // that warmup and duration are spent in, others' between them
	writeSlices int // the same, of registrations: fewer, for pgbench is started anew for each
	connections int
	sizes       []int         // names in the books on PostgreSQL, ascending
	systems     []string      // empty for all
	large       int           // a book with more names is not copied for each turn: it hardly changes by what a turn adds
	buffers     string        // PostgreSQL's shared_buffers
	compression string        // PostgreSQL's wal_compression
	tree        string        // the repository
	program     string        // a nametag to measure; "" to build one from the tree
	trial       bool          // of the benchmark itself
	replicas    int           // how many registrations the other replica is asked about
	slice       time.Duration // how long each load of a comparison lasts
	starts      int           // how often a comparison starts the programs to see their indexes
}

// full is the benchmark, small what tests that it works.
var (
	full = options{rounds: 5, warmup: 4 * time.Second, settling: 25 * time.Second, duration: 8 * time.Second, checkSlices: 16, writeSlices: 2, connections: 64,
		sizes: []int{10_000, 100_000, 1_000_000, 10_000_000}, large: 1_000_000, buffers: "4GB", compression: "lz4", tree: "..", replicas: 20, slice: 750 * time.Millisecond, starts: 3}
	small = options{rounds: 1, warmup: 100 * time.Millisecond, settling: 100 * time.Millisecond, duration: 300 * time.Millisecond, checkSlices: 2, writeSlices: 2, connections: 8,
		sizes: []int{500, 2_000}, large: 1_000, buffers: "128MB", compression: "lz4", tree: "..", replicas: 3, slice: 100 * time.Millisecond, starts: 1, trial: true}
)

func main() {
	if is, err := child(os.Args[1:]); is {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context) error {
	opts := full
	out := flag.String("out", "../docs", "the `folder` that the report goes into")
	report := flag.Bool("report", false, "only write the report anew, from the benchmarks.json in -out")
	isSmall := flag.Bool("small", false, "a quick run that shows whether everything works; its figures say nothing, so it needs an -out of its own")
	sizes := flag.String("sizes", "", "how many `names` the books have, ascending: 10000,1000000")
	systems := flag.String("systems", "", "only these `systems`: "+strings.Join(allSystems, ",")+"; "+constant+" and "+plainInsert+" are measured beside "+nametagPostgres+" only")
	rounds := flag.Int("rounds", 0, "how often everything is measured")
	warmup := flag.Duration("warmup", 0, "how long each load lasts before it is measured, in all its slices")
	settling := flag.Duration("settling", 0, "how long registrations go into a book of millions before they are measured again")
	duration := flag.Duration("duration", 0, "how long each load is measured, in all its slices")
	profile := flag.String("profile", "", "measure nothing: take CPU profiles of nametag, and write them for the compiler to this `file`, "+
		"which is cmd/nametag/default.pgo")
	compression := flag.String("wal-compression", "", "how PostgreSQL compresses the pages in its log: lz4, pglz or off")
	program := flag.String("nametag", "", "the nametag `program` to measure, rather than one built from the working tree; with -against, a Git revision or the path of a program")
	against := flag.String("against", "", "compare the program with that of another Git `revision`, or with the program at a path, "+
		"by the processors' time that each takes for a request")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is not a flag: see -help", flag.Arg(0))
	}
	if *report {
		return rewrite(*out)
	}
	if *isSmall {
		if *out == "../docs" {
			return errors.New("-small measures nothing worth keeping: give it a folder of its own with -out")
		}
		opts = small
	}
	opts.program = *program
	if *compression != "" {
		opts.compression = *compression
	}
	if *rounds > 0 {
		opts.rounds = *rounds
	}
	if *warmup > 0 {
		opts.warmup = *warmup
	}
	if *settling > 0 {
		opts.settling = *settling
	}
	if *duration > 0 {
		opts.duration = *duration
	}
	if *sizes != "" {
		var err error
		if opts.sizes, err = parseSizes(*sizes); err != nil {
			return err
		}
	}
	if *systems != "" {
		var err error
		if opts.systems, err = parseSystems(*systems); err != nil {
			return err
		}
	}
	if *profile != "" {
		return writeProfile(ctx, opts, *profile)
	}
	if *against != "" {
		if *sizes == "" {
			opts.sizes = opts.sizes[:1]
		}
		if *rounds == 0 {
			opts.rounds = 4 * full.rounds
		}
		return compareWith(ctx, opts, *against)
	}
	b, err := measure(ctx, opts)
	if err != nil {
		return err
	}
	return writeAll(*out, b.results)
}

func parseSizes(s string) ([]int, error) {
	var sizes []int
	for text := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n >= freeNames {
			return nil, fmt.Errorf("-sizes: %q is not a number of names", text)
		}
		sizes = append(sizes, n)
	}
	if !slices.IsSorted(sizes) {
		return nil, errors.New("-sizes: give the smallest first")
	}
	return slices.Compact(sizes), nil
}

func parseSystems(s string) ([]string, error) {
	systems := strings.Split(s, ",")
	for _, system := range systems {
		switch {
		case !slices.Contains(allSystems, system):
			return nil, fmt.Errorf("-systems: there is no system %q: choose among %s", system, strings.Join(allSystems, ", "))
		case (system == constant || system == plainInsert) && !slices.Contains(systems, nametagPostgres):
			return nil, fmt.Errorf("-systems: %s is measured beside %s: name that as well", system, nametagPostgres)
		}
	}
	return systems, nil
}

// writeAll writes what was measured, and the report.
func writeAll(folder string, r *Results) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := r.write(filepath.Join(folder, "benchmarks.json")); err != nil {
		return err
	}
	return rewrite(folder)
}

// rewrite writes the report from what was measured.
func rewrite(folder string) error {
	r, err := readResults(filepath.Join(folder, "benchmarks.json"))
	if err != nil {
		return err
	}
	page, err := report(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "benchmarks.md"), page, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "benchmarks.svg"), plot(r), 0o644)
}

// progress tells whoever waits what is being done.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
