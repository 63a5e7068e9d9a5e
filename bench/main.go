// Bench measures Nametag next to its peers, on one machine and under one load, and writes docs/benchmarks.md. It also
// compares two revisions of Nametag, and takes the profile for the compiler. See README.md.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// options say how a run measures.
type options struct {
	nametag     string        // the program to measure: see build
	Sizes       []int         `json:"sizes"`       // names in the registries, ascending
	Slices      int           `json:"slices"`      // of each load; those of others are measured in between
	Slice       time.Duration `json:"slice"`       // its length
	Warmup      time.Duration `json:"warmup"`      // how long each load is sent before its slices
	Connections int           `json:"connections"` // to a server
	Buffers     string        `json:"buffers"`     // PostgreSQL's shared_buffers
}

// full is how the report is measured. A comparison has more and shorter slices, for it is about smaller differences.
var full = options{Sizes: []int{10_000, 100_000, 1_000_000, 10_000_000}, Slices: 8, Slice: 2 * time.Second,
	Warmup: 8 * time.Second, Connections: 64, Buffers: "4GB"}

// tree is the repository: go -C bench run . starts the program in bench.
const tree = ".."

func main() {
	log.SetPrefix("bench: ")
	isPeer, err := serve(os.Args[1:])
	if !isPeer {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = command(ctx)
		stop()
	}
	if err != nil {
		log.Fatal(err)
	}
}

func command(ctx context.Context) error {
	out := flag.String("out", "../docs", "the `folder` to write the report to")
	reportOnly := flag.Bool("report", false, "measure nothing: write the report again, from the benchmarks.json in -out")
	nametag := flag.String("nametag", "", "measure not the working tree but a Git `revision`, or the program at a path")
	against := flag.String("against", "", "write no report: compare with a Git `revision`, or with the program at a path")
	profile := flag.String("profile", "", "write no report: write the compiler's profile to `../cmd/nametag/default.pgo`")
	slices := flag.Int("slices", 0, "measure each load in this `number` of slices (8 of 2 s, -against 20 of 0.75 s)")
	sizes := flag.String("sizes", "", "the numbers of `names` to measure at, ascending, such as 10000,1000000")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is not a flag: see -help", flag.Arg(0))
	}
	opts := full
	if *against != "" {
		opts.Sizes, opts.Slices, opts.Slice, opts.Warmup = opts.Sizes[:1], 20, 750*time.Millisecond, time.Second
	}
	opts.nametag, opts.Slices = *nametag, cmp.Or(*slices, opts.Slices)
	if *sizes != "" {
		var err error
		if opts.Sizes, err = parseSizes(*sizes); err != nil {
			return err
		}
	}
	switch {
	case *reportOnly:
		return writeReport(*out)
	case *profile != "":
		return writeProfile(ctx, opts, *profile)
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	results, err := measure(ctx, opts, *against)
	if err != nil {
		return err
	}
	if *against != "" {
		results.compare(os.Stdout)
		return nil
	}
	if err := results.write(filepath.Join(*out, "benchmarks.json")); err != nil {
		return err
	}
	return writeReport(*out)
}

// parseSizes parses ascending numbers that are separated by commas.
func parseSizes(s string) (sizes []int, err error) {
	err = json.Unmarshal([]byte("["+s+"]"), &sizes)
	if err != nil || len(sizes) == 0 || !slices.IsSorted(sizes) || sizes[0] < 1 || sizes[len(sizes)-1] >= freeNames {
		return nil, fmt.Errorf("-sizes: %q is not a list of numbers of names, the smallest first", s)
	}
	return sizes, nil
}
