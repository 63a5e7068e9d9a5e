package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"nametag/internal/pgtest"
)

// A run measures a nametag program and its peers, or compares two programs. Its user closes it.
type run struct {
	*Results
	programs []program
	peers    bool          // are measured as well
	nextName atomic.Uint64 // the number of a name that is still free
	folder   string        // for all files but PostgreSQL's
	cluster  *pgtest.Cluster
	servers  []*server
}

// A program is an executable nametag, and what the results call it.
type program struct{ label, path string }

// newRun starts PostgreSQL, and builds the program of opts and the other one, against, unless that is "".
func newRun(ctx context.Context, opts options, against string) (_ *run, err error) {
	began := time.Now().UTC().Truncate(time.Second)
	r := &run{peers: against == "", Results: &Results{options: opts, Began: began, Environment: map[string]string{}}}
	r.nextName.Store(newNames)
	if r.folder, err = os.MkdirTemp("", "nametag-bench-"); err != nil {
		return nil, err
	}
	if r.cluster, err = pgtest.New(append(postgresSettings, "shared_buffers="+opts.Buffers)...); err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.folder))
	}
	if r.peers {
		err = r.build(ctx, "Nametag", opts.nametag)
	} else {
		err = errors.Join(r.build(ctx, first, opts.nametag), r.build(ctx, second, against))
	}
	if err == nil {
		err = r.noteEnvironment(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *run) close() error {
	r.stopServers()
	return errors.Join(r.cluster.Close(), os.RemoveAll(r.folder))
}

// build makes the program of a source: "" for the working tree, the path of a program, or a Git revision. It builds as
// the Dockerfile does, with the profile for the compiler that the source has.
func (r *run) build(ctx context.Context, label, source string) error {
	p, code, version := program{label, filepath.Join(r.folder, "nametag-"+label)}, tree, source
	info, err := os.Stat(source)
	switch {
	case err == nil && info.Mode().IsRegular():
		p.path, err = filepath.Abs(source)
		r.programs, r.Environment[label] = append(r.programs, p), source
		return err
	case source == "":
		version, err = runProgram(ctx, tree, "git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12")
	default:
		code = filepath.Join(r.folder, "source-"+label)
		_, err = runProgram(ctx, tree, "sh", "-c", `mkdir "$1" && git archive "$0" | tar -x -C "$1"`, source, code)
	}
	if err != nil {
		return err
	}
	log.Printf("building nametag from %s", version)
	_, err = runProgram(ctx, code, "env", "CGO_ENABLED=0",
		"go", "build", "-trimpath", "-buildvcs=false", "-o", p.path, "./cmd/nametag")
	r.programs, r.Environment[label] = append(r.programs, p), version
	return err
}

// measure measures everything, size by size.
func measure(ctx context.Context, opts options, against string) (_ *Results, err error) {
	r, err := newRun(ctx, opts, against)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, n := range opts.Sizes {
		if err := r.measureAt(ctx, n); err != nil {
			return nil, fmt.Errorf("%s names: %w", count(n), err)
		}
	}
	return r.Results, nil
}

// measureAt measures checks and registrations on registries of n names, and at the largest size how nametag starts. All
// systems run at once.
func (r *run) measureAt(ctx context.Context, n int) error {
	defer r.stopServers()
	// The last program is the older one, if one is: the other migrates what it makes.
	urls, err := r.createRegistries(ctx, r.programs[len(r.programs)-1].path, n, 2)
	if err != nil {
		return err
	}
	systems, err := r.start(ctx, n, urls)
	if err != nil {
		return err
	}
	var checking, starting, registering []contender
	for _, s := range systems {
		if s.check != nil {
			checking = append(checking, contender{s.name, measureLoad(checks, s.check.run)})
		}
		if s.register != nil {
			registering = append(registering, contender{s.name, measureLoad(registrations, s.register.run)})
		}
		if s.program != "" {
			starting = append(starting, contender{s.name, func(ctx context.Context, _ time.Duration) ([]Measurement, error) {
				return r.measureStart(ctx, s, n)
			}})
		}
	}
	if r.peers {
		inserting := func(ctx context.Context, d time.Duration) (outcome, error) { return r.pgbench(ctx, urls[1], d) }
		registering = append(registering, contender{pgbench, measureLoad(registrations, inserting)})
	}
	if err := r.inTurn(ctx, n, r.Slices, r.Warmup, checking); err != nil {
		return err
	}
	if n == r.Largest() {
		if err := r.inTurn(ctx, n, 3, 0, starting); err != nil {
			return err
		}
	}
	if err := r.inTurn(ctx, n, r.Slices, r.Warmup, registering); err != nil {
		return err
	}
	for _, s := range systems {
		if s.register == nil {
			continue
		}
		pets, err := query[int](ctx, s.database, `SELECT count(*) FROM pets`)
		if want := n + s.register.answered; err != nil || pets != want {
			return errors.Join(err, fmt.Errorf("%s has %d pets; by its answers there should be %d", s.name, pets, want))
		}
	}
	return nil
}

// A contender is a system under one kind of load.
type contender struct {
	system  string
	measure measureFunc
}

// A measureFunc puts a load on a system for the duration d.
type measureFunc func(ctx context.Context, d time.Duration) ([]Measurement, error)

// inTurn measures the contenders in slices of each: one of the first, two of the second, two of the first and so on. So
// all meet what else the machine does meanwhile, and what the one before leaves behind. The warm-up, which each has
// before its slices, does not count.
func (r *run) inTurn(ctx context.Context, n, slices int, warmup time.Duration, contenders []contender) error {
	d := warmup
	for slice := range slices + 1 {
		for i := range contenders {
			if slice%2 == 0 {
				i = len(contenders) - 1 - i
			}
			c := contenders[i]
			measured, err := c.measure(ctx, d)
			if err != nil {
				return fmt.Errorf("%s: %w", c.system, err)
			}
			for _, m := range measured {
				if slice > 0 {
					r.add(slice, c.system, n, m)
				}
			}
		}
		d = r.Slice
	}
	return nil
}

// measureLoad measures a run: the answers a second, how long they took, and how long processors worked for each.
func measureLoad(what string, run func(context.Context, time.Duration) (outcome, error)) measureFunc {
	return func(ctx context.Context, d time.Duration) ([]Measurement, error) {
		o, err := run(ctx, d)
		if err != nil {
			return nil, err
		}
		each := func(t time.Duration) float64 { return float64(t) / float64(time.Microsecond) / float64(o.answered) }
		measured := []Measurement{{What: what, Value: float64(o.answered) / o.took.Seconds(), Unit: "/s",
			Server: each(o.cpu.server), Sessions: each(o.cpu.sessions)}}
		if len(o.latencies) > 0 {
			measured = append(measured, Measurement{What: what + p99, Value: quantile(o.latencies, 0.99), Unit: "ms"})
		}
		return measured, nil
	}
}
