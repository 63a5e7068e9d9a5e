package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed report.md.tmpl
var reportText string

// report returns the page for what was measured, in Markdown.
func report(r *Results) ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"count": count, "figure": figure, "percent": percent, "join": strings.Join, "label": label,
		"each": func(seconds float64, slices int) string { return figure(seconds / float64(slices)) },
	}).Parse(reportText)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, map[string]any{
		"R": r, "Goals": goals(r), "Summaries": r.summaries(),
		"Date": r.Began.Format("2 January 2006"), "Minutes": math.Ceil(r.Ended.Sub(r.Began).Minutes()),
		"Smallest": r.smallest(), "Largest": r.largest(),
		"LoadCPU": loadCPU(r), "Offered": offered(r), "Added": added(r),
		"Checking":    divisions(r, checks, nametagPostgres, constant),
		"Registering": divisions(r, registrations, nametagPostgres, plainInsert),
		"CheckAim":    checkAim, "ServerLimits": serverLimits(r), "CreateAim": createAim,
		"PostgresLimits": idleLimits(r, nametagPostgres, plainInsert, insertAim), "SQLiteLimits": idleLimits(r, nametagSQLite, pocketBase, createAim),
		"Own": own(r), "Ceiling": ceiling(r, pocketBase), "CeilingTuned": ceiling(r, pocketBaseTuned),
	})
	return page.Bytes(), err
}

// How many times as many checks there are to be as constant answers, registrations on
// PostgreSQL as pgbench's inserts, and registrations as PocketBase's creates.
const checkAim, insertAim, createAim = 0.8, 1, 3

// A goal is something to reach, and how near we came.
type goal struct {
	What, Value, Target, Reached string
}

// goals judges what was measured.
func goals(r *Results) []goal {
	var all []goal
	add := func(what, target, value string, measured, reached bool) {
		g := goal{what, value, target, "**no**"}
		switch {
		case !measured:
			g.Value, g.Reached = "", "not measured"
		case reached:
			g.Reached = "yes"
		}
		all = append(all, g)
	}
	ratio := func(what string, of, to Measurement, least float64) {
		v, measured := r.ratio(of, to)
		add(what, "≥ "+figure(least), figure(v), measured, v >= least)
	}
	most := func(what string, s Summary, measured bool, value, limit float64, unit string) {
		add(what, "≤ "+figure(limit)+" "+unit, figure(value)+" "+unit, measured, value <= limit)
	}
	small, large := r.smallest(), r.largest()

	ratio("check at "+count(large)+" names : constant answer", thing(checks, nametagPostgres, large), thing(checks, constant, large), checkAim)
	peers := []string{pocketBase, pocketBaseTuned}
	for _, peer := range peers {
		for _, n := range r.sizesOf(checks, peer) {
			ratio("check at "+count(n)+" names : "+label(peer), thing(checks, nametagPostgres, n), thing(checks, peer, n), 8)
		}
	}
	for _, n := range r.sizesOf(registrations, plainInsert) {
		ratio("register on PostgreSQL at "+count(n)+" names : pgbench", thing(registrations, nametagPostgres, n), thing(registrations, plainInsert, n), insertAim)
	}
	for _, system := range []string{nametagPostgres, nametagSQLite} {
		for _, peer := range peers {
			ratio("register on "+strings.TrimPrefix(label(system), "Nametag on ")+" at "+count(small)+" names : create in "+label(peer),
				thing(registrations, system, small), thing(registrations, peer, small), createAim)
		}
	}
	ratio("register on PostgreSQL at "+count(large)+" names : at "+count(small),
		thing(registrations, nametagPostgres, large), thing(registrations, nametagPostgres, small), 0.7)

	a, ok := r.of(latencyP99, nametagPostgres, large)
	b, okB := r.of(latencyP99, constant, large)
	most("check at "+count(large)+" names, at half of the most: p99 (3 ms, or twice the constant answer's)", a, ok && okB, a.Median, max(3, 2*b.Median), "ms")
	a, ok = r.of(indexBytes, nametagPostgres, large)
	most("index in memory at "+count(large)+" names", a, ok, a.Median, 24, "bytes a name")
	a, ok = r.of(indexReady, nametagPostgres, large)
	most("start at "+count(large)+" names: index ready", a, ok, a.Median, 20, "s")
	a, ok = r.of(firstAnswer, nametagPostgres, large)
	most("start at "+count(large)+" names: first answer", a, ok, a.Median, 1, "s")
	a, ok = r.of(replicaKnows, nametagPostgres, small)
	most("another replica knows of a registration: the worst", a, ok, a.Max, 1, "s")
	return all
}

// sizesOf returns the sizes at which something was measured, and the smallest
// one if it was at none.
func (r *Results) sizesOf(what, system string) []int {
	var sizes []int
	for _, n := range r.Sizes {
		if _, ok := r.of(what, system, n); ok {
			sizes = append(sizes, n)
		}
	}
	if len(sizes) == 0 {
		return []int{r.smallest()}
	}
	return sizes
}

// loadCPU returns the least and the most that loads took of the processors, as
// text.
func loadCPU(r *Results) string {
	least, most := math.Inf(1), 0.0
	for _, m := range r.Measurements {
		if m.What == checks {
			least, most = min(least, m.CPU.Load), max(most, m.CPU.Load)
		}
	}
	if most == 0 {
		return unknown
	}
	return fmt.Sprintf("%.2f to %.2f", least, most)
}

// offered returns how many checks a second the latency of each system was measured at,
// round after round.
func offered(r *Results) string {
	var texts []string
	for _, s := range r.summaries() {
		if s.What != latencyP99 {
			continue
		}
		var rates []string
		for _, m := range r.like(thing(s.What, s.System, s.Names)) {
			rates = append(rates, figure(m.Rate))
		}
		texts = append(texts, label(s.System)+" "+strings.Join(rates, ", ")+" a second")
	}
	return strings.Join(texts, "; ")
}

// A division says who had the processors: for how long for one answer, in
// microseconds, and how many processors nobody had.
type division struct {
	System                        string
	Names                         int
	Server, Load, Rest, All, Idle float64
}

// divisions returns who had the processors while something was measured of these
// systems: medians of the rounds.
func divisions(r *Results, what string, systems ...string) []division {
	var all []division
	for _, s := range r.summaries() {
		if s.What != what || !slices.Contains(systems, s.System) {
			continue
		}
		of := func(value func(Shares) float64) float64 {
			var values []float64
			for _, m := range r.like(thing(s.What, s.System, s.Names)) {
				values = append(values, value(*m.CPU))
			}
			return median(values)
		}
		all = append(all, division{
			System: s.System,
			Names:  s.Names,
			Server: of(func(c Shares) float64 { return c.each(c.Server) }),
			Load:   of(func(c Shares) float64 { return c.each(c.Load) }),
			Rest:   of(func(c Shares) float64 { return c.each(c.rest()) }),
			All:    of(func(c Shares) float64 { return c.each(c.busy()) }),
			Idle:   of(func(c Shares) float64 { return c.Idle }),
		})
	}
	return all
}

// A limit says what an aim takes.
type limit struct {
	Names     int
	Is, Might float64 // what there is of something, and what there might be to reach the aim
}

// limits returns what it takes a system to give aim times as many answers as peer, at each size that it has been measured at beside it. of says for one round
// what there is of something and what there might be, if there were to be so many
// times as many answers. The result has the medians of what there is and of how much
// more there might be: that is more than none in the rounds that reach the aim.
func limits(r *Results, what, system, peer string, aim float64, of func(c Shares, times float64) (is, might float64)) []limit {
	var all []limit
	for _, n := range r.sizesOf(what, peer) {
		var is, more []float64
		for _, m := range r.like(thing(what, system, n)) {
			if v, ok := r.inRound(m.Round, thing(what, peer, n)); ok {
				a, b := of(*m.CPU, aim*v/m.Value)
				is, more = append(is, a), append(more, b-a)
			}
		}
		if len(is) > 0 {
			all = append(all, limit{n, median(is), median(is) + median(more)})
		}
	}
	return all
}

// serverLimits returns for how long the server works for a check, in microseconds, and
// might to reach the aim, if everything else were as it is.
func serverLimits(r *Results) []limit {
	return limits(r, checks, nametagPostgres, constant, checkAim, func(c Shares, times float64) (is, might float64) {
		is = c.each(c.Server)
		return is, is - c.each(c.busy())*(1-1/times)
	})
}

// idleLimits returns how many processors idle during registrations, and might to reach
// aim times as many as peer, if a registration kept the others as busy as it does.
func idleLimits(r *Results, system, peer string, aim float64) []limit {
	return limits(r, registrations, system, peer, aim, func(c Shares, times float64) (is, might float64) {
		return c.Idle, c.Idle - c.busy()*(times-1)
	})
}

// ceiling returns how many times a peer's checks the constant server answers.
func ceiling(r *Results, peer string) string {
	v, ok := r.ratio(thing(checks, constant, r.smallest()), thing(checks, peer, r.smallest()))
	if !ok {
		return unknown
	}
	return figure(v)
}

// own returns what share of the time of a check is neither net/http's nor the
// runtime's.
func own(r *Results) string {
	for _, p := range r.Profiles {
		if p.System != nametagPostgres || p.What != checks {
			continue
		}
		share := 1.0
		for _, part := range p.Parts {
			if strings.HasPrefix(part.Name, "net/http") || part.Name == scheduler {
				share -= part.Share
			}
		}
		return percent(share)
	}
	return unknown
}

// added returns the most that earlier runs had added to a book.
func added(r *Results) int {
	most := 0
	for _, m := range r.Measurements {
		most = max(most, m.Added)
	}
	return most
}

// label is what a system is called in the report.
func label(system string) string {
	return map[string]string{
		constant:        "constant answer",
		nametagPostgres: "Nametag on PostgreSQL",
		nametagSQLite:   "Nametag on SQLite",
		pocketBase:      "PocketBase as it comes",
		pocketBaseTuned: "PocketBase tuned",
		plainInsert:     "pgbench",
	}[system]
}

// figure writes a value with three digits that count.
func figure(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	if digits == 0 {
		return count(int(math.Round(v)))
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// percent writes a share.
func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// count writes a number with commas between the thousands.
func count(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Clock is when the run began, for the page.
func (r *Results) Clock() string { return r.Began.Format(time.RFC3339) }
