package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// A Profile says what a server's processors did under a load.
type Profile struct {
	System string  `json:"system"`
	Names  int     `json:"names"`
	What   string  `json:"what"`
	Cores  float64 `json:"cores"` // how many processors it used
	Parts  []Part  `json:"parts"` // the largest first
}

// A Part is what it did and the share of its time that this took.
type Part struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
}

// tasks are what nametag's time is spent on, by the innermost function on the
// stack that is one of these.
var tasks = []struct{ function, name string }{
	{"modernc.org/sqlite/lib._walFrames", "SQLite: writing pages into its log"},
	{"modernc.org/sqlite/lib._sqlite3WalCheckpoint", "SQLite: moving pages from its log into the file"},
	{"modernc.org/sqlite/lib._sqlite3LockAndPrepare", "SQLite: compiling statements"},
	{"modernc.org/sqlite/lib._sqlite3BtreeIndexMoveto", "SQLite: finding places in indexes"},
	{"modernc.org/sqlite/lib._sqlite3BtreeInsert", "SQLite: entering rows"},
	{"nametag/internal/index.(*Index).Glance", "looking into the index"}, // and GlanceAll
	{"nametag.(*Registry).suggest", "suggesting other names"},
	{"nametag/internal/storekit.(*batch)", "deciding, and the journal"},
	{"nametag/internal/web.(*site).logRequest", "the log"},
	{"nametag/internal/web.writeAs", "writing the answer as JSON"},
	{"nametag/internal/web.(*contractAnswer).write", "writing the answer as JSON"},
	{"net/http.(*conn).readRequest", "net/http: reading requests"},
	{"net/http.(*response).finishRequest", "net/http: sending answers"},
	{"runtime.gcBgMarkWorker", "collecting garbage"},
}

// fields are what the rest is spent on, by the innermost function of these.
var fields = []struct{ function, name string }{
	{"modernc.org/sqlite", "SQLite: all else"},
	{"github.com/jackc/pgx", "PostgreSQL's protocol"},
	{"nametag/internal/server.(*lazyConn)", "net/http: all else"}, // the way to the connection
	{"nametag", "Nametag: all else"},
	{"net/http", "net/http: all else"},
}

// scheduler is what is left.
const scheduler = "Go's scheduler"

// partOf returns what a stack, innermost first, is a part of. What the runtime
// does for a part, as making room, is the part's.
func partOf(stack []string) string {
	for _, known := range [][]struct{ function, name string }{tasks, fields} {
		for _, function := range stack {
			for _, p := range known {
				if strings.HasPrefix(function, p.function) {
					return p.name
				}
			}
		}
	}
	return scheduler
}

// digest returns the parts of a profile, those of less than a hundredth
// together, and how many processors it is of.
func digest(p *profile.Profile) (all []Part, cores float64) {
	shares, total := make(map[string]float64), 0.0
	for _, s := range p.Sample {
		var stack []string
		for _, l := range s.Location {
			for _, line := range l.Line {
				stack = append(stack, line.Function.Name)
			}
		}
		v := float64(s.Value[1]) // nanoseconds
		shares[partOf(stack)] += v
		total += v
	}
	rest := 0.0
	for name, v := range shares {
		if v/total < 0.01 {
			rest += v / total
			continue
		}
		all = append(all, Part{name, v / total})
	}
	slices.SortFunc(all, func(a, b Part) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Name, b.Name))
	})
	if rest > 0 {
		all = append(all, Part{"parts of less than 1 % each", rest})
	}
	return all, total / float64(p.DurationNanos)
}

// profileAll takes profiles of nametag at the smallest size under each load.
func (b *bench) profileAll(ctx context.Context) error {
	n := b.results.smallest()
	take := func(system string) func(database string) error {
		return func(database string) (err error) {
			nt, err := b.startNametag(ctx, b.program, database)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, nt.stop()) }()
			if _, _, err := nt.awaitIndex(ctx); err != nil {
				return err
			}
			for _, l := range []struct {
				what string
				ask  question
			}{{checks, askNametag(nt.addr, n)}, {registrations, b.tellNametag(nt.addr)}} {
				p, err := b.profile(ctx, nt, l.ask)
				if err != nil {
					return err
				}
				b.profiles = append(b.profiles, p)
				shares, cores := digest(p)
				b.results.Profiles = append(b.results.Profiles, Profile{System: system, Names: n, What: l.what, Cores: cores, Parts: shares})
				progress("profile: %s, %s names: %s", system, count(n), l.what)
			}
			return nil
		}
	}
	if b.has(nametagPostgres) {
		err := b.books.use(ctx, []string{bookOf(n)}, n, func(urls []string) error { return take(nametagPostgres)(urls[0]) })
		if err != nil {
			return err
		}
	}
	if b.has(nametagSQLite) {
		return b.useSQLite(take(nametagSQLite))
	}
	return nil
}

// profile takes a CPU profile of nametag while it is asked as much as it can
// answer.
func (b *bench) profile(ctx context.Context, nt *nametagServer, ask question) (*profile.Profile, error) {
	seconds := max(1, int(b.duration.Seconds()))
	type answer struct {
		body []byte
		err  error
	}
	taken := make(chan answer, 1)
	go func() {
		body, err := get(ctx, nt.admin, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds))
		taken <- answer{body, err}
	}()
	if _, err := b.load(nt.addr, ask).run(ctx); err != nil {
		return nil, err
	}
	a := <-taken
	if a.err != nil {
		return nil, a.err
	}
	return profile.Parse(bytes.NewReader(a.body))
}

// writeProfile takes profiles and writes them, as one, to file: the compiler
// makes use of it.
func writeProfile(ctx context.Context, opts options, file string) error {
	opts.systems = []string{nametagPostgres, nametagSQLite}
	opts.rounds, opts.sizes = 0, opts.sizes[:1]
	b, err := measure(ctx, opts)
	if err != nil {
		return err
	}
	merged, err := profile.Merge(b.profiles)
	if err != nil {
		return err
	}
	for _, f := range merged.Function { // the compiler goes by names and lines
		f.Filename = ""
	}
	for _, m := range merged.Mapping {
		m.File, m.BuildID = "", ""
	}
	var text bytes.Buffer
	if err := merged.Write(&text); err != nil {
		return err
	}
	return os.WriteFile(file, text.Bytes(), 0o644)
}
