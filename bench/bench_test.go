package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"nametag/internal/pgtest"
	"nametag/internal/registry"
)

// small is a run that shows whether everything works. Its figures say nothing.
var small = options{Sizes: []int{500, 2_000}, Slices: 2, Slice: 300 * time.Millisecond, Warmup: time.Second, Connections: 8, Buffers: "128MB"}

func TestMain(m *testing.M) {
	isPeer, err := serve(os.Args[1:])
	if !isPeer {
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestMeasure measures everything and reads the report. It does not judge the figures.
func TestMeasure(t *testing.T) {
	results, err := measure(t.Context(), small, "")
	if err != nil {
		pgtest.LeaveOut(t, err)
	}
	n, large := results.Smallest(), results.Largest()
	want := map[string]int{}
	for _, load := range []struct {
		what    string
		names   int
		systems []string
	}{
		{checks, n, []string{nametagPostgres, constant, nametagSQLite, pocketBase}},
		{registrations, n, []string{nametagPostgres, nametagSQLite, pocketBase, pgbench}},
		{checks, large, []string{nametagPostgres, constant}},
		{registrations, large, []string{nametagPostgres, pgbench}},
	} {
		for _, system := range load.systems {
			want[fmt.Sprint(load.what, system, load.names)] = small.Slices
			if system != pgbench {
				want[fmt.Sprint(load.what, p99, system, load.names)] = small.Slices
			}
		}
	}
	for _, what := range []string{"start to first answer", "start to index ready", "index", "memory"} {
		want[fmt.Sprint(what, nametagPostgres, large)] = 3
	}
	got := map[string]int{}
	for _, m := range results.Measurements {
		got[fmt.Sprint(m.What, m.System, m.Names)]++
		isLoad := m.What == checks || m.What == registrations
		if m.Value <= 0 || m.Slice < 1 || (m.Server > 0) != (isLoad && m.System != pgbench) {
			t.Errorf("%+v is not a measurement", m)
		}
		if m.What == registrations && m.System == nametagPostgres && m.Sessions <= 0 {
			t.Errorf("%+v does not say how long PostgreSQL worked", m)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the numbers of measurements are %v, want %v", got, want)
	}

	folder := t.TempDir()
	if err := errors.Join(results.write(filepath.Join(folder, "benchmarks.json")), writeReport(folder)); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"not measured", "NaN", "Inf", "<no value>", "%!"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("the report has %q:\n%s", bad, page)
		}
	}
	picture, err := os.Open(filepath.Join(folder, "benchmarks.svg"))
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	for d := xml.NewDecoder(picture); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("benchmarks.svg: %v", err)
		}
	}
}

// TestCompare compares the working tree's program, given by its path, with that of a revision.
func TestCompare(t *testing.T) {
	program := filepath.Join(t.TempDir(), "nametag")
	if out, err := exec.Command("env", "CGO_ENABLED=0", "go", "-C", tree, "build", "-trimpath", "-buildvcs=false", "-o", program, "./cmd/nametag").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	opts := small
	opts.nametag = program
	results, err := measure(t.Context(), opts, "HEAD")
	if err != nil {
		pgtest.LeaveOut(t, err)
	}
	var text bytes.Buffer
	results.compare(&text)
	for _, want := range []string{
		"check on PostgreSQL, 500 names: µs of the server",
		"register on PostgreSQL, 500 names: µs of the server",
		"register on PostgreSQL, 500 names: µs of PostgreSQL",
		"register on SQLite, 500 names: µs of the server",
		"check on PostgreSQL, 2,000 names: µs of the server",
		"index on PostgreSQL, 2,000 names: bytes a name",
		"start to index ready on PostgreSQL, 2,000 names: s",
	} {
		line := regexp.MustCompile(regexp.QuoteMeta(want) + `( +[\d.]+){3}   [\d.]+ – [\d.]+\n`)
		if !line.MatchString(text.String()) {
			t.Errorf("there is no line of %q in\n%s", want, &text)
		}
	}
	if one, two := results.Environment[first], results.Environment[second]; one != program || two != "HEAD" {
		t.Errorf("compared %q with %q, want %q with HEAD", one, two, program)
	}
}

// Contenders take turns in an order that is reversed each time, after a warm-up that does not count.
func TestInTurn(t *testing.T) {
	r := &run{Results: &Results{options: options{Slice: time.Second}}}
	var order []string
	turn := func(name string, err error) contender {
		return contender{name, func(_ context.Context, d time.Duration) ([]Measurement, error) {
			order = append(order, fmt.Sprint(name, d))
			return []Measurement{{What: checks, Value: float64(len(order))}}, err
		}}
	}
	if err := r.inTurn(t.Context(), 10, 3, time.Minute, []contender{turn("a", nil), turn("b", nil)}); err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields("b1m0s a1m0s a1s b1s b1s a1s a1s b1s"); !slices.Equal(order, want) {
		t.Errorf("they came in the order %v, want %v", order, want)
	}
	if a, b := r.values(value, checks, "a", 10), r.values(value, checks, "b", 10); !slices.Equal(a, []float64{3, 6, 7}) || !slices.Equal(b, []float64{4, 5, 8}) {
		t.Errorf("measured %v and %v", a, b)
	}
	err := r.inTurn(t.Context(), 10, 1, 0, []contender{turn("a", nil), turn("b", io.ErrUnexpectedEOF)})
	if err == nil || !strings.HasPrefix(err.Error(), "b: ") {
		t.Errorf("the error is %v, and does not say whose it is", err)
	}
}

// The registry that PostgreSQL makes has the names that checks ask for, with the keys that nametag gives them; and pgbench
// inserts names among them.
func TestNamesInSQL(t *testing.T) {
	cluster, err := pgtest.New()
	if err != nil {
		pgtest.LeaveOut(t, err)
	}
	defer cluster.Close()
	err = execute(t.Context(), cluster.URL(), `CREATE TABLE pets (name_key text, lookalike_key text, let_pass boolean, name text,
		favorite_color text, category text, registered_at timestamptz)`, seedStatement(1000))
	if err != nil {
		t.Fatal(err)
	}
	got, err := query[string](t.Context(), cluster.URL(), `SELECT string_agg(concat_ws('/', name, name_key, lookalike_key), ' ' ORDER BY name) FROM pets`)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range uint64(1000) {
		name, err := registry.ParseName(nameOf(i))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, name.String()+"/"+name.Key()+"/"+name.LookalikeKey())
	}
	slices.Sort(want)
	if got := strings.Fields(got); !slices.Equal(got, want) {
		t.Errorf("PostgreSQL makes %v, want %v", got, want)
	}
	expression := strings.NewReplacer(":a", "1", ":b", "42", ":c", "100", ":n", "255").Replace(strings.ReplaceAll(insertedName, "::", "\x00"))
	inserted, err := query[string](t.Context(), cluster.URL(), `SELECT `+strings.ReplaceAll(expression, "\x00", "::"))
	if want := syllables[0] + syllables[41] + syllables[99] + "ff"; err != nil || inserted != want {
		t.Errorf("pgbench inserts %q (%v), want %q", inserted, err, want)
	}
}

// The compiler takes what -profile writes.
func TestWriteProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "default.pgo")
	if err := writeProfile(t.Context(), small, file); err != nil {
		pgtest.LeaveOut(t, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(text)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.String(), os.TempDir()) || strings.Contains(p.String(), ".go:") {
		t.Error("it has the names of this machine's files")
	}
	if out, err := exec.Command("go", "tool", "preprofile", "-i", file, "-o", file+".out").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// The time of a process is that of its work, and not of its waiting.
func TestProcessTime(t *testing.T) {
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		sleep.Process.Kill()
		sleep.Wait()
	}()
	before, err := processTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for after := before; after < before+300*time.Millisecond; {
		if after, err = processTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("300 ms of work took %v", took)
	}
	if slept, err := processTime(sleep.Process.Pid); err != nil || slept > 100*time.Millisecond {
		t.Errorf("a sleeping process worked for %v (%v)", slept, err)
	}
	if _, err := processTime(math.MaxInt32 >> 3); err == nil {
		t.Error("a process that does not exist has worked")
	}
}

// Ratios are of slices that were measured in turn.
func TestRatios(t *testing.T) {
	r := Results{}
	for slice, v := range [][2]float64{{80, 100}, {45, 50}, {10, 20}} {
		r.Measurements = append(r.Measurements,
			Measurement{Slice: slice + 1, What: checks, System: nametagPostgres, Names: 10, Value: v[0]},
			Measurement{Slice: slice + 1, What: checks, System: nametagPostgres, Names: 99, Value: 1},
			Measurement{Slice: slice + 1, What: checks, System: constant, Names: 10, Value: v[1]})
	}
	of := r.values(value, checks, nametagPostgres, 10)
	if got := median(ratios(of, r.values(value, checks, constant, 10))); got != 0.8 {
		t.Errorf("got %v, want 0.8: the median of 0.8, 0.9 and 0.5", got)
	}
	if got := ratios(of, r.values(value, checks, constant, 99)); len(got) != 0 {
		t.Errorf("the ratios to what was not measured are %v", got)
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		values  []float64
		q, want float64
	}{
		{nil, 0.5, 0},
		{[]float64{7}, 0.99, 7},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{0, 1, 2, 3, 4}, 0.25, 1},
		{[]float64{0, 1, 2, 3, 4}, 1, 4},
	} {
		if got := quantile(c.values, c.q); got != c.want {
			t.Errorf("the quantile %v of %v is %v, want %v", c.q, c.values, got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	atLeastTwo := func(v float64) bool { return v >= 2 }
	for want, values := range map[string][]float64{
		"3 | ≥ 2 | yes |":        {2, 3, 9},
		"1.5 | ≥ 2 | **no** |":   {1, 2},
		"| ≥ 2 | not measured |": nil,
	} {
		if got := judge(values, "≥ 2", atLeastTwo); got != want {
			t.Errorf("the judgement of %v is %q, want %q", values, got, want)
		}
	}
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.02714: "0.0271", 8: "8", 12.34: "12.3", 345.49: "345", 71823.4: "71,823"} {
		if got := figure(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

func TestParseSizes(t *testing.T) {
	if got, err := parseSizes("10000,10000000"); err != nil || !slices.Equal(got, []int{10_000, 10_000_000}) {
		t.Errorf("got %v (%v)", got, err)
	}
	for _, bad := range []string{"", "0", "x", "2,1", "1.5", "99999999999"} {
		if got, err := parseSizes(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

// The page is not written from what another benchmark measured.
func TestResultsOfAnotherBenchmark(t *testing.T) {
	for _, text := range []string{
		`{"rounds": 3, "sizes": [10000]}`,
		`{"rounds": 3, "sizes": [10000], "check_slices": 4, "measurements": [{"what": "check", "load_cpu": 0.3}]}`,
		`[]`,
	} {
		file := filepath.Join(t.TempDir(), "benchmarks.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readResults(file); err == nil || !strings.Contains(err.Error(), "run it without -report") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReadPgbench(t *testing.T) {
	got, err := readPgbench(`number of transactions actually processed: 1234
number of failed transactions: 0 (0.000%)
latency average = 1.234 ms
initial connection time = 250.500 ms
tps = 617.000000 (without initial connection time)
`)
	if err != nil || got.answered != 1234 || got.took != 2*time.Second {
		t.Errorf("got %+v (%v), want 1234 in 2 s", got, err)
	}
	if got, err := readPgbench("number of transactions actually processed: 0\n"); err != nil || got.answered != 0 {
		t.Errorf("got %+v (%v), want nothing yet", got, err)
	}
	for _, bad := range []string{
		"number of transactions actually processed: 9\nnumber of failed transactions: 3 (0.1%)\ntps = 3 (without initial connection time)",
		"number of transactions actually processed: 9",
		"tps = 3 (without initial connection time)",
	} {
		if got, err := readPgbench(bad); err == nil {
			t.Errorf("%q is %+v, want an error", bad, got)
		}
	}
}
