package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// The systems that a report is about.
const (
	nametagPostgres = "Nametag on PostgreSQL"
	nametagSQLite   = "Nametag on SQLite"
	constant        = "constant answer"
	pgbench         = "pgbench"
	pocketBase      = "PocketBase"
)

// What is measured, besides how nametag starts.
const (
	checks        = "check"
	registrations = "register"
	p99           = ": 99th percentile" // after one of the former: of how long that takes
)

// A Measurement is one value, of one slice.
type Measurement struct {
	Slice    int     `json:"slice"` // from 1 on; what has the same number was measured in turn
	System   string  `json:"system"`
	Names    int     `json:"names"` // in the registry, before registrations
	What     string  `json:"what"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Server   float64 `json:"server_us,omitempty"`     // for how long processors worked for the server, for one answer
	Sessions float64 `json:"postgresql_us,omitempty"` // the same, for its sessions in PostgreSQL
}

// Results are what a run measured, and on what.
type Results struct {
	options
	Began        time.Time         `json:"began"`
	Environment  map[string]string `json:"environment"`
	Measurements []Measurement     `json:"measurements"`
}

func (r *Results) Smallest() int { return r.Sizes[0] }
func (r *Results) Largest() int  { return r.Sizes[len(r.Sizes)-1] }

// add notes a measurement.
func (r *Results) add(slice int, system string, names int, m Measurement) {
	m.Slice, m.System, m.Names = slice, system, names
	r.Measurements = append(r.Measurements, m)
	log.Printf("%s, %s names: %s %s %s", m.System, count(m.Names), m.What, figure(m.Value), m.Unit)
}

// noteEnvironment notes what is measured on.
func (r *run) noteEnvironment(ctx context.Context) error {
	postgres, err := query[string](ctx, r.cluster.URL(), `SHOW server_version`)
	if err != nil {
		return err
	}
	e := r.Environment
	e["Go"] = runtime.Version()
	e["Machine"], err = runProgram(ctx, r.folder, "sh", "-c",
		`echo $(nproc) cores, $(sed -n 's/model name.*: //p' /proc/cpuinfo | head -n 1), $(uname -sr)`)
	e["PostgreSQL"] = postgres + ", with shared_buffers=" + r.Buffers + ", " + strings.Join(postgresSettings, ", ")
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if strings.HasSuffix(module.Path, "/pocketbase") || module.Path == "modernc.org/sqlite" {
			e[module.Path] = module.Version
		}
	}
	return err
}

// The figures of a measurement.
func value(m Measurement) float64    { return m.Value }
func cpu(m Measurement) float64      { return m.Server }
func sessions(m Measurement) float64 { return m.Sessions }

// values returns a figure of what was measured of a system at a size, slice by slice.
func (r *Results) values(figure func(Measurement) float64, what, system string, names int) (all []float64) {
	for _, m := range r.Measurements {
		if m.What == what && m.System == system && m.Names == names {
			all = append(all, figure(m))
		}
	}
	return all
}

// ratios returns the ratios of a system's values to those of its peer, slice by slice: what has the same number was
// measured in turn.
func ratios(values, peers []float64) (all []float64) {
	for i := range min(len(values), len(peers)) {
		all = append(all, values[i]/peers[i])
	}
	return all
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile returns a quantile of values, interpolated between the two that are next to it; 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	below, part := math.Modf(q * float64(len(sorted)-1))
	low, high := sorted[int(below)], sorted[min(int(below)+1, len(sorted)-1)]
	return low + part*(high-low)
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
	if err := json.Unmarshal(text, r); err != nil || len(r.Sizes) == 0 || r.Slices == 0 {
		return nil, fmt.Errorf("%s is not of this benchmark (%v): run it without -report", file, err)
	}
	return r, nil
}
