package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/pprof/profile"
)

// A bench is a run.
type bench struct {
	options
	folder     string // for everything that the run makes, but PostgreSQL's files
	books      *books
	results    *Results
	round      int
	registered atomic.Uint64 // new names, of all systems
	inserted   map[int]int   // by pgbench, into books that are not copied
	profiles   []*profile.Profile
	isOther    bool // program is not made of the tree
}

// measure does a whole run.
func measure(ctx context.Context, opts options) (_ *bench, err error) {
	folder, err := os.MkdirTemp("", "nametag-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	b := &bench{options: opts, folder: folder, inserted: map[int]int{}, results: &Results{
		Began: time.Now().UTC().Truncate(time.Second), Command: command(os.Args[1:]), Trial: opts.trial, Rounds: opts.rounds, Connections: opts.connections, Sizes: opts.sizes,
		Warmup: opts.warmup.Seconds(), Settling: opts.settling.Seconds(), Duration: opts.duration.Seconds(), Large: opts.large, Machine: thisMachine(folder)}}
	if b.books, err = newBooks(opts); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.books.cluster.Close()) }()
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	for b.round = 1; b.round <= b.rounds; b.round++ {
		for _, t := range b.turns() {
			if err := t.measure(ctx); err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", t.system, b.round, err)
			}
		}
	}
	progress("taking profiles")
	if err := b.profileAll(ctx); err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	b.results.Ended = time.Now().UTC().Truncate(time.Second)
	return b, nil
}

// command returns how the benchmark is run with these arguments.
func command(args []string) string {
	return strings.Join(append([]string{"go -C bench run ."}, args...), " ")
}

var allSystems = []string{constant, nametagPostgres, nametagSQLite, pocketBase, pocketBaseTuned, plainInsert}

// A turn is the time that one system has for itself.
type turn struct {
	system  string
	measure func(context.Context) error
}

// turns returns the turns of a round, in their order.
func (b *bench) turns() []turn {
	var all []turn
	add := func(system string, measure func(context.Context) error) {
		if b.has(system) {
			all = append(all, turn{system, measure})
		}
	}
	add(constant, b.measureConstant)
	for _, n := range b.sizes {
		add(nametagPostgres, func(ctx context.Context) error { return b.measurePostgres(ctx, n) })
	}
	add(nametagPostgres, b.measureReplicas)
	add(nametagSQLite, b.measureSQLite)
	for _, system := range []string{pocketBase, pocketBaseTuned} {
		for _, n := range b.pocketSizes() {
			add(system, func(ctx context.Context) error { return b.measurePocketBase(ctx, system, n) })
		}
	}
	for _, n := range b.insertSizes() {
		add(plainInsert, func(ctx context.Context) error { return b.measureInsert(ctx, n) })
	}
	return all
}

func (b *bench) has(system string) bool {
	return len(b.systems) == 0 || slices.Contains(b.systems, system)
}

// pocketSizes are the sizes at which PocketBase is measured.
func (b *bench) pocketSizes() []int {
	sizes := []int{b.results.smallest()}
	if const1M := 1_000_000; sizes[0] != const1M && slices.Contains(b.sizes, const1M) {
		sizes = append(sizes, const1M)
	}
	return sizes
}

// insertSizes are the sizes at which pgbench is run.
func (b *bench) insertSizes() []int {
	return slices.Compact([]int{b.results.smallest(), b.results.largest()})
}

// record notes a value.
func (b *bench) record(m Measurement) {
	m.Round = b.round
	b.results.Measurements = append(b.results.Measurements, m)
	progress("round %d of %d: %s, %s names: %s %s %s", m.Round, b.rounds, m.System, count(m.Names), m.What, figure(m.Value), m.Unit)
}

func (b *bench) load(addr string, ask question) load {
	return load{addr: addr, ask: ask, status: http.StatusOK, connections: b.connections, warmup: b.warmup, duration: b.duration}
}

// throughput measures how many answers a second a server gives at most.
func (b *bench) throughput(ctx context.Context, m Measurement, addr string, ask question) (outcome, error) {
	o, err := b.load(addr, ask).run(ctx)
	if err != nil {
		return o, err
	}
	m.Value, m.Unit, m.Requests, m.LoadCPU = o.rate, "/s", o.requests, o.cpu
	b.record(m)
	return o, nil
}

// latency measures how long answers take when half as many are asked for as
// the server has just been seen to give.
func (b *bench) latency(ctx context.Context, m Measurement, addr string, ask question, most float64) error {
	o, err := b.load(addr, ask).runAt(ctx, most/2)
	if err != nil {
		return err
	}
	m.Unit, m.Requests, m.Rate, m.LoadCPU = "ms", o.requests, most/2, o.cpu
	for _, p := range []struct {
		what     string
		quantile float64
	}{{latencyP50, 50}, {latencyP99, 99}, {latencyP999, 99.9}} {
		m.What, m.Value = p.what, o.percentile(p.quantile)
		b.record(m)
	}
	return nil
}

func (b *bench) measureConstant(ctx context.Context) (err error) {
	p, err := b.startSelf(ctx, "serve-constant", b.constantAnswer(), "/")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	ask := askConstant(p.addr, b.results.largest())
	o, err := b.throughput(ctx, Measurement{System: constant, What: checks}, p.addr, ask)
	if err != nil {
		return err
	}
	return b.latency(ctx, Measurement{System: constant}, p.addr, ask, o.rate)
}

// measurePostgres measures nametag on a book of n names on PostgreSQL. At the
// largest it measures, besides checks and registrations, how the server starts,
// how much memory it takes, and how long checks take.
func (b *bench) measurePostgres(ctx context.Context, n int) error {
	return b.books.use(ctx, bookOf(n), n, func(url string) (err error) {
		before, err := number(ctx, url, `SELECT seq FROM journal_head`)
		if err != nil {
			return err
		}
		nt, err := b.startNametag(ctx, url)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, nt.stop()) }()
		m := Measurement{System: nametagPostgres, Names: n, Added: before - n}
		if err := b.noteStart(ctx, m, nt); err != nil {
			return err
		}
		m.What = checks
		ask := askNametag(nt.addr, n)
		o, err := b.throughput(ctx, m, nt.addr, ask)
		if err != nil {
			return err
		}
		if n == b.results.largest() {
			if err := b.latency(ctx, m, nt.addr, ask, o.rate); err != nil {
				return err
			}
		}
		answered, err := b.registering(ctx, m, nt.addr)
		if err != nil {
			return err
		}
		after, err := number(ctx, url, `SELECT seq FROM journal_head`)
		return errors.Join(err, sameCount(before+answered, after))
	})
}

// registering measures registrations, and returns how many were answered at all.
// In a large book it measures them twice: first at once, when nearly each of them
// meets pages that PostgreSQL writes as a whole into its log, for it changes them
// for the first time since a checkpoint; and again when the book has settled.
func (b *bench) registering(ctx context.Context, m Measurement, addr string) (answered int, err error) {
	m.What = registrations
	if m.Names > b.large {
		m.What = registrationsAtFirst
		o, err := b.throughput(ctx, m, addr, b.tellNametag(addr))
		if err != nil {
			return 0, err
		}
		m.What, answered = registrations, o.answered
		settling := b.load(addr, b.tellNametag(addr))
		settling.warmup, settling.duration = 0, b.settling
		if o, err = settling.run(ctx); err != nil {
			return 0, err
		}
		answered += o.answered
	}
	o, err := b.throughput(ctx, m, addr, b.tellNametag(addr))
	return answered + o.answered, err
}

// noteStart waits until the index is ready, and measures how the server starts
// and what it takes at the largest size.
func (b *bench) noteStart(ctx context.Context, m Measurement, nt *nametagServer) error {
	ready, hasIndex, err := nt.awaitIndex(ctx)
	if err != nil || m.Names != b.results.largest() {
		return err
	}
	m.What, m.Value, m.Unit = firstAnswer, nt.firstAnswer.Seconds(), "s"
	b.record(m)
	rss, err := nt.memory()
	if err != nil {
		return err
	}
	m.What, m.Value, m.Unit = memory, rss/(1<<20), "MiB"
	b.record(m)
	if !hasIndex {
		progress("this nametag has no metric nametag_index_ready: its index is not measured")
		return nil
	}
	m.What, m.Value, m.Unit = indexReady, ready.Seconds(), "s"
	b.record(m)
	bytes, _, err := nt.metric(ctx, "nametag_index_bytes")
	if err != nil {
		return err
	}
	names, _, err := nt.metric(ctx, "nametag_index_names")
	if err != nil {
		return err
	}
	if int(names) < m.Names+m.Added {
		return fmt.Errorf("the index says that it is ready and has %.0f names; the book has %d", names, m.Names+m.Added)
	}
	m.What, m.Value, m.Unit = indexBytes, bytes/names, "bytes a name"
	b.record(m)
	return nil
}

// sameCount returns an error unless the book has what was answered.
func sameCount(want, got int) error {
	if want != got {
		return fmt.Errorf("the book should have %d rows by the answers, and has %d", want, got)
	}
	return nil
}

// measureReplicas measures when one of two nametags on one database knows what
// the other has registered.
func (b *bench) measureReplicas(ctx context.Context) error {
	n := b.results.smallest()
	return b.books.use(ctx, bookOf(n), n, func(url string) (err error) {
		var pair [2]*nametagServer
		for i := range pair {
			if pair[i], err = b.startNametag(ctx, url); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, pair[i].stop()) }()
			if _, _, err := pair[i].awaitIndex(ctx); err != nil {
				return err
			}
		}
		for range b.replicas {
			name := nameOf(b.newName())
			if err := pair[0].register(ctx, name); err != nil {
				return err
			}
			answered := time.Now()
			for known := false; !known; {
				body, err := get(ctx, pair[1].addr, checkPath+name)
				if err != nil {
					return err
				}
				known = strings.Contains(string(body), `"available":false`)
				if time.Since(answered) > patience {
					return fmt.Errorf("after %v the other replica still says that %s is free", patience, name)
				}
				if !known && !sleepUntil(ctx, time.Now().Add(5*time.Millisecond)) {
					return context.Cause(ctx)
				}
			}
			b.record(Measurement{System: nametagPostgres, Names: n, What: replicaKnows, Value: time.Since(answered).Seconds(), Unit: "s"})
		}
		return nil
	})
}

func (b *bench) measureSQLite(ctx context.Context) (err error) {
	n := b.results.smallest()
	return b.useSQLite(func(file string) error {
		nt, err := b.startNametag(ctx, file)
		if err != nil {
			return err
		}
		m := Measurement{System: nametagSQLite, Names: n}
		o, err := b.both(ctx, m, nt.process, askNametag(nt.addr, n), b.tellNametag(nt.addr))
		if err := errors.Join(err, nt.stop()); err != nil {
			return err
		}
		after, err := countSQLite(ctx, file, "journal")
		return errors.Join(err, sameCount(n+o.answered, after))
	})
}

// useSQLite calls f with a copy of the book on SQLite.
func (b *bench) useSQLite(f func(file string) error) error {
	folder, err := os.MkdirTemp(b.folder, "sqlite-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "book.db")
	if err := copyFile(b.sqliteFile(), file); err != nil {
		return err
	}
	return f(file)
}

func (b *bench) measurePocketBase(ctx context.Context, system string, n int) error {
	folder, err := os.MkdirTemp(b.folder, "pocketbase-turn-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.CopyFS(folder, os.DirFS(b.pocketFolder(n))); err != nil {
		return err
	}
	p, err := b.startSelf(ctx, "serve-"+system, folder, pocketPath+"?perPage=1&skipTotal=1")
	if err != nil {
		return err
	}
	m := Measurement{System: system, Names: n}
	if n != b.results.smallest() {
		m.What = checks
		_, err := b.throughput(ctx, m, p.addr, askPocketBase(p.addr, n))
		return errors.Join(err, p.stop())
	}
	o, err := b.both(ctx, m, p, askPocketBase(p.addr, n), b.tellPocketBase(p.addr))
	if err := errors.Join(err, p.stop()); err != nil {
		return err
	}
	after, err := countSQLite(ctx, filepath.Join(folder, "data.db"), "pets")
	return errors.Join(err, sameCount(n+o.answered, after))
}

// both measures checks and registrations, and how much is written for each of
// the latter, of which it returns the outcome.
func (b *bench) both(ctx context.Context, m Measurement, p *process, ask, tell question) (outcome, error) {
	m.What = checks
	if o, err := b.throughput(ctx, m, p.addr, ask); err != nil {
		return o, err
	}
	before, err := p.written()
	if err != nil {
		return outcome{}, err
	}
	m.What = registrations
	o, err := b.throughput(ctx, m, p.addr, tell)
	if err != nil {
		return o, err
	}
	after, err := p.written()
	m.What, m.Value, m.Unit = writtenEach, (after-before)/1024/float64(o.answered), "KiB"
	b.record(m)
	return o, err
}

func (b *bench) measureInsert(ctx context.Context, n int) error {
	return b.books.use(ctx, tableOf(n), n, func(url string) error {
		m := Measurement{System: plainInsert, Names: n, Added: b.inserted[n], What: registrations, Unit: "/s"}
		insert := func(d time.Duration) error {
			rate, inserted, err := b.books.pgbench(ctx, b.folder, url, b.connections, d)
			if m.Value = rate; n > b.large {
				b.inserted[n] += inserted
			}
			return err
		}
		if err := insert(b.warmup); err != nil {
			return err
		}
		if n > b.large { // as registering does
			if err := insert(b.duration); err != nil {
				return err
			}
			first := m
			first.What = registrationsAtFirst
			b.record(first)
			if err := insert(b.settling); err != nil {
				return err
			}
			if err := insert(b.warmup); err != nil {
				return err
			}
		}
		if err := insert(b.duration); err != nil {
			return err
		}
		b.record(m)
		return nil
	})
}

// countSQLite counts the rows of a table in a file that nobody serves.
func countSQLite(ctx context.Context, file, table string) (n int, err error) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n)
	return n, err
}

// copyFile copies a database that nobody has open.
func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
