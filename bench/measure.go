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

	"github.com/HdrHistogram/hdrhistogram-go"
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
		Warmup: opts.warmup.Seconds(), Settling: opts.settling.Seconds(), Duration: opts.duration.Seconds(), CheckSlices: opts.checkSlices, WriteSlices: opts.writeSlices, Large: opts.large, Machine: thisMachine(folder)}}
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
	if err := b.noteSize(ctx); err != nil {
		return nil, err
	}
	b.results.Ended = time.Now().UTC().Truncate(time.Second)
	return b, nil
}

// command returns how the benchmark is run with these arguments.
func command(args []string) string {
	return strings.Join(append([]string{"go -C bench run ."}, args...), " ")
}

var allSystems = []string{constant, nametagPostgres, nametagSQLite, pocketBase, pocketBaseTuned, plainInsert}

// A turn is the time that one system has for itself, or together with one that
// it is compared with.
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
	if !b.has(plainInsert) {
		return nil
	}
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

// A contender is a system under one kind of load.
type contender struct {
	m        Measurement // what it is, and at which size
	server   *process    // nil for pgbench
	load     func(ctx context.Context, warmup, duration time.Duration) (outcome, error)
	loadAt   func(ctx context.Context, rate float64, warmup, duration time.Duration) (outcome, error) // nil for pgbench
	rate     float64                                                                                  // that was measured last
	answered int                                                                                      // under all its loads
}

// contend returns a contender that is a server.
func (b *bench) contend(m Measurement, server *process, ask question) *contender {
	l := b.load(server.addr, ask)
	return &contender{m: m, server: server,
		load: func(ctx context.Context, warmup, duration time.Duration) (outcome, error) {
			return l.lasting(warmup, duration).run(ctx)
		},
		loadAt: func(ctx context.Context, rate float64, warmup, duration time.Duration) (outcome, error) {
			return l.lasting(warmup, duration).runAt(ctx, rate)
		}}
}

// contendInsert returns pgbench as a contender.
func (b *bench) contendInsert(n int, url string) *contender {
	m := Measurement{System: plainInsert, Names: n, Added: b.inserted[n]}
	return &contender{m: m, load: func(ctx context.Context, warmup, duration time.Duration) (outcome, error) {
		o, err := b.books.pgbench(ctx, b.folder, url, b.connections, warmup, duration)
		if n > b.large {
			b.inserted[n] += o.answered
		}
		return o, err
	}}
}

// inTurn loads each of the contenders by f, in n slices of the time that a load takes,
// and returns who had the processors during each one's. They take turns, the first
// slice in their order, the next in the opposite one: so all of them meet what else the
// machine does meanwhile, and what they leave behind for whoever comes next.
func (b *bench) inTurn(n int, all []*contender, f func(i int, warmup, duration time.Duration) (outcome, error)) ([]*Shares, error) {
	warmup, duration := b.warmup/time.Duration(n), b.duration/time.Duration(n)
	spent, answered := make([]moment, len(all)), make([]int, len(all))
	for slice := range n {
		for i := range all {
			if slice%2 == 1 {
				i = len(all) - 1 - i
			}
			began, err := now(all[i].server)
			if err != nil {
				return nil, err
			}
			o, err := f(i, warmup, duration)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", all[i].m.System, err)
			}
			ended, err := now(all[i].server)
			if err != nil {
				return nil, err
			}
			spent[i] = spent[i].plus(ended.minus(began))
			answered[i] += o.answered
			all[i].answered += o.answered
		}
	}
	shares := make([]*Shares, len(all))
	for i := range all {
		shares[i] = spent[i].shares(answered[i])
	}
	return shares, nil
}

// throughput measures how many answers a second each of the contenders gives at
// most, in turn.
func (b *bench) throughput(ctx context.Context, what string, all ...*contender) error {
	n := b.writeSlices
	if what == checks {
		n = b.checkSlices
	}
	sums := make([]outcome, len(all))
	shares, err := b.inTurn(n, all, func(i int, warmup, duration time.Duration) (outcome, error) {
		o, err := all[i].load(ctx, warmup, duration)
		sums[i].requests += o.requests
		sums[i].rate += o.rate
		return o, err
	})
	if err != nil {
		return err
	}
	for i, c := range all {
		c.rate = sums[i].rate / float64(n)
		m := c.m
		m.What, m.Value, m.Unit, m.Requests, m.CPU = what, c.rate, "/s", sums[i].requests, shares[i]
		b.record(m)
	}
	return nil
}

// latency measures how long each of the contenders takes to answer a check, in turn,
// when half as many are asked for as it has just been seen to give. A percentile is of
// the answers of all slices.
func (b *bench) latency(ctx context.Context, all []*contender) error {
	latencies := make([]*hdrhistogram.Histogram, len(all))
	for i := range latencies {
		latencies[i] = newHistogram()
	}
	shares, err := b.inTurn(b.checkSlices, all, func(i int, warmup, duration time.Duration) (outcome, error) {
		o, err := all[i].loadAt(ctx, all[i].rate/2, warmup, duration)
		if err == nil {
			latencies[i].Merge(o.latency)
		}
		return o, err
	})
	if err != nil {
		return err
	}
	for i, c := range all {
		m := c.m
		m.Unit, m.Requests, m.Rate, m.CPU = "ms", int(latencies[i].TotalCount()), c.rate/2, shares[i]
		for _, p := range []struct {
			what     string
			quantile float64
		}{{latencyP50, 50}, {latencyP99, 99}, {latencyP999, 99.9}} {
			m.What, m.Value = p.what, float64(latencies[i].ValueAtQuantile(p.quantile))/1000
			b.record(m)
		}
	}
	return nil
}

// measurePostgres measures nametag on a book of n names on PostgreSQL, its checks
// beside the constant server's answers and its registrations beside pgbench's
// inserts. At the largest it measures, besides, how the server starts, how much
// memory it takes, and how long checks take.
func (b *bench) measurePostgres(ctx context.Context, n int) error {
	databases := []string{bookOf(n)}
	if slices.Contains(b.insertSizes(), n) {
		databases = append(databases, tableOf(n))
	}
	return b.books.use(ctx, databases, n, func(urls []string) (err error) {
		const rows = `SELECT seq FROM journal_head`
		before, err := number(ctx, urls[0], rows)
		if err != nil {
			return err
		}
		nt, err := b.startNametag(ctx, b.program, urls[0])
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, nt.stop()) }()
		m := Measurement{System: nametagPostgres, Names: n, Added: before - n}
		if err := b.noteStart(ctx, m, nt); err != nil {
			return err
		}
		if err := b.checking(ctx, m, nt.process); err != nil {
			return err
		}
		registering := []*contender{b.contend(m, nt.process, b.tellNametag(nt.addr))}
		for _, url := range urls[1:] {
			registering = append(registering, b.contendInsert(n, url))
		}
		if err := b.registering(ctx, n, registering); err != nil {
			return err
		}
		after, err := number(ctx, urls[0], rows)
		return errors.Join(err, sameCount(before+registering[0].answered, after))
	})
}

// checking measures nametag's checks beside the constant server's answers.
func (b *bench) checking(ctx context.Context, m Measurement, nt *process) (err error) {
	all := []*contender{b.contend(m, nt, askNametag(nt.addr, m.Names))}
	if b.has(constant) {
		var p *process
		if p, err = b.startSelf(ctx, "serve-constant", b.constantAnswer(), "/"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		all = append(all, b.contend(Measurement{System: constant, Names: m.Names}, p, askConstant(p.addr, m.Names)))
	}
	if err := b.throughput(ctx, checks, all...); err != nil || m.Names != b.results.largest() {
		return err
	}
	return b.latency(ctx, all)
}

// registering measures registrations. In a large book it measures them twice:
// first at once, when nearly each of them meets pages that PostgreSQL writes as a
// whole into its log, for it changes them for the first time since a checkpoint;
// and again when the book has settled.
func (b *bench) registering(ctx context.Context, n int, all []*contender) error {
	if n > b.large {
		if err := b.throughput(ctx, registrationsAtFirst, all...); err != nil {
			return err
		}
		for _, c := range all {
			o, err := c.load(ctx, 0, b.settling)
			if err != nil {
				return err
			}
			c.answered += o.answered
		}
	}
	return b.throughput(ctx, registrations, all...)
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
	return b.books.use(ctx, []string{bookOf(n)}, n, func(urls []string) (err error) {
		var pair [2]*nametagServer
		for i := range pair {
			if pair[i], err = b.startNametag(ctx, b.program, urls[0]); err != nil {
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
		nt, err := b.startNametag(ctx, b.program, file)
		if err != nil {
			return err
		}
		m := Measurement{System: nametagSQLite, Names: n}
		answered, err := b.both(ctx, m, nt.process, askNametag(nt.addr, n), b.tellNametag(nt.addr))
		if err := errors.Join(err, nt.stop()); err != nil {
			return err
		}
		after, err := countSQLite(ctx, file, "journal")
		return errors.Join(err, sameCount(n+answered, after))
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
		err := b.throughput(ctx, checks, b.contend(m, p, askPocketBase(p.addr, n)))
		return errors.Join(err, p.stop())
	}
	answered, err := b.both(ctx, m, p, askPocketBase(p.addr, n), b.tellPocketBase(p.addr))
	if err := errors.Join(err, p.stop()); err != nil {
		return err
	}
	after, err := countSQLite(ctx, filepath.Join(folder, "data.db"), "pets")
	return errors.Join(err, sameCount(n+answered, after))
}

// both measures checks and registrations, and how much is written for each of
// the latter, and returns how many of these were answered.
func (b *bench) both(ctx context.Context, m Measurement, p *process, ask, tell question) (answered int, err error) {
	if err := b.throughput(ctx, checks, b.contend(m, p, ask)); err != nil {
		return 0, err
	}
	before, err := p.written()
	if err != nil {
		return 0, err
	}
	registering := b.contend(m, p, tell)
	if err := b.throughput(ctx, registrations, registering); err != nil {
		return 0, err
	}
	after, err := p.written()
	m.What, m.Value, m.Unit = writtenEach, (after-before)/1024/float64(registering.answered), "KiB"
	b.record(m)
	return registering.answered, err
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
