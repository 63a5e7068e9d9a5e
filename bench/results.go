package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"
)

// The systems.
const (
	constant        = "constant"
	nametagPostgres = "nametag-postgres"
	nametagSQLite   = "nametag-sqlite"
	pocketBase      = "pocketbase"
	pocketBaseTuned = "pocketbase-tuned"
	plainInsert     = "pgbench"
)

// What is measured, each with its unit.
const (
	checks        = "check"                // answers a second
	registrations = "register"             // answers a second
	latencyP50    = "check latency, p50"   // milliseconds, at half of the most
	latencyP99    = "check latency, p99"   // the same
	latencyP999   = "check latency, p99.9" // the same
	indexBytes    = "index"                // bytes a name
	memory        = "memory"               // MiB
	firstAnswer   = "first answer"         // seconds since the program was started
	indexReady    = "index ready"          // the same
	replicaKnows  = "replica knows"        // seconds since the other one's answer
	writtenEach   = "written each"         // KiB a registration

	registrationsAtFirst = "register, at first" // answers a second, just after a checkpoint
)

// A Measurement is one value that was measured.
type Measurement struct {
	Round    int     `json:"round"`
	System   string  `json:"system"`
	Names    int     `json:"names"`           // in the book beforehand, with the constant server in that of the nametag beside it
	Added    int     `json:"added,omitempty"` // by earlier runs on the same book, besides
	What     string  `json:"what"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Requests int     `json:"requests,omitempty"` // how many the value is of
	Rate     float64 `json:"rate,omitempty"`     // requests a second, where they came by a schedule
	CPU      *Shares `json:"cpu,omitempty"`      // where a load is measured
}

// Shares say who had the processors during a load, from its beginning to its end.
type Shares struct {
	Load     float64 `json:"load"`     // processors that the load itself had, or pgbench
	Server   float64 `json:"server"`   // that the process had that was asked; 0 for pgbench
	Rest     float64 `json:"rest"`     // that all others had: databases, and the kernel for whoever
	Idle     float64 `json:"idle"`     // that nobody had, or who waited for the disk
	Answered float64 `json:"answered"` // answers a second
}

// each returns for how long processors worked for one answer, in microseconds, when
// so many of them did.
func (s Shares) each(processors float64) float64 { return processors / s.Answered * 1e6 }

// rest returns how many processors all others had; none if less than none are left,
// as the kernel tells what all did less exactly than what the load did.
func (s Shares) rest() float64 { return max(0, s.Rest) }

// busy returns how many processors worked.
func (s Shares) busy() float64 { return s.Server + s.Load + s.rest() }

// thing returns what is measured of a system at a size, without a value.
func thing(what, system string, names int) Measurement {
	return Measurement{What: what, System: system, Names: names}
}

// isLike reports whether m and n are values of the same thing.
func (m Measurement) isLike(n Measurement) bool {
	return m.What == n.What && m.System == n.System && m.Names == n.Names
}

// Results are what a run measured, and on what.
type Results struct {
	Began        time.Time         `json:"began"`
	Ended        time.Time         `json:"ended"`
	Command      string            `json:"command"`         // that measures the same again
	Trial        bool              `json:"trial,omitempty"` // of the benchmark itself
	Rounds       int               `json:"rounds"`
	Warmup       float64           `json:"warmup"`          // seconds
	Settling     float64           `json:"settling"`        // seconds
	Duration     float64           `json:"duration"`        // seconds
	CheckSlices  int               `json:"check_slices"`    // that these are spent in
	WriteSlices  int               `json:"register_slices"` // the same, of registrations
	Connections  int               `json:"connections"`
	Large        int               `json:"large"` // a book with more names is not copied for each turn
	Sizes        []int             `json:"sizes"` // names in the books on PostgreSQL, ascending
	Machine      Machine           `json:"machine"`
	Versions     map[string]string `json:"versions"`
	Settings     []string          `json:"postgresql_settings"`
	BooksGB      float64           `json:"books_gb"` // on PostgreSQL's disk, in the end
	Measurements []Measurement     `json:"measurements"`
	Profiles     []Profile         `json:"profiles"`
}

func (r *Results) smallest() int { return r.Sizes[0] }
func (r *Results) largest() int  { return r.Sizes[len(r.Sizes)-1] }

// A Summary is what the rounds have together.
type Summary struct {
	System, What, Unit string
	Names              int
	Values             int
	Median, Min, Max   float64
}

// like returns the values of one thing that was measured.
func (r *Results) like(thing Measurement) (all []Measurement) {
	for _, m := range r.Measurements {
		if m.isLike(thing) {
			all = append(all, m)
		}
	}
	return all
}

// of returns the summary of one thing that was measured; false if it was not.
func (r *Results) of(what, system string, names int) (Summary, bool) {
	s := Summary{System: system, What: what, Names: names}
	var values []float64
	for _, m := range r.like(thing(what, system, names)) {
		values = append(values, m.Value)
		s.Unit = m.Unit
	}
	if len(values) == 0 {
		return s, false
	}
	s.Values, s.Median, s.Min, s.Max = len(values), median(values), slices.Min(values), slices.Max(values)
	return s, true
}

// ratio returns how many times as much one thing was as another: the median of
// the rounds' ratios, for what is measured in one round is nearer in time, and some
// of it side by side. It is false if no round has both.
func (r *Results) ratio(of, to Measurement) (float64, bool) {
	var ratios []float64
	for round := range r.Rounds {
		a, okA := r.inRound(round+1, of)
		b, okB := r.inRound(round+1, to)
		if okA && okB {
			ratios = append(ratios, a/b)
		}
	}
	if len(ratios) == 0 {
		return 0, false
	}
	return median(ratios), true
}

func (r *Results) inRound(round int, thing Measurement) (value float64, ok bool) {
	for _, m := range r.like(thing) {
		if m.Round == round {
			return m.Value, true
		}
	}
	return 0, false
}

// summaries returns everything that was measured, in the order of the first
// round.
func (r *Results) summaries() []Summary {
	var all []Summary
	for _, m := range r.Measurements {
		s, _ := r.of(m.What, m.System, m.Names)
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func (r *Results) write(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func readResults(file string) (*Results, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: run the benchmark without -report first", err)
	}
	r := new(Results)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	old := func(m Measurement) bool {
		return slices.Contains([]string{checks, registrations, latencyP99}, m.What) && m.CPU == nil
	}
	if len(r.Sizes) == 0 || r.CheckSlices == 0 || slices.ContainsFunc(r.Measurements, old) {
		return nil, fmt.Errorf("%s has no measurements, or those of another benchmark: run this one without -report", file)
	}
	return r, nil
}
