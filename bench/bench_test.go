package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/jackc/pgx/v5"

	"nametag/internal/pgtest"
)

func TestMain(m *testing.M) {
	if is, err := child(os.Args[1:]); is {
		exit(err)
	}
	os.Exit(m.Run())
}

// TestEverythingIsMeasured does a small run and looks at the report. It does
// not judge the figures.
func TestEverythingIsMeasured(t *testing.T) {
	opts, out := small, t.TempDir()
	b, err := measure(t.Context(), opts)
	if err != nil {
		pgtest.LeaveOut(t, err)
	}
	results := b.results
	if err := writeAll(out, results); err != nil {
		t.Fatal(err)
	}
	n, large := results.smallest(), results.largest()
	for what, want := range map[string]int{
		fmt.Sprint(checks, constant, n):               1,
		fmt.Sprint(checks, constant, large):           1,
		fmt.Sprint(checks, nametagPostgres, n):        1,
		fmt.Sprint(checks, nametagSQLite, n):          1,
		fmt.Sprint(checks, pocketBase, n):             1,
		fmt.Sprint(checks, pocketBaseTuned, n):        1,
		fmt.Sprint(registrations, nametagPostgres, n): 1,
		fmt.Sprint(registrations, nametagSQLite, n):   1,
		fmt.Sprint(registrations, pocketBase, n):      1,
		fmt.Sprint(registrations, pocketBaseTuned, n): 1,
		fmt.Sprint(writtenEach, nametagSQLite, n):     1,
		fmt.Sprint(writtenEach, pocketBase, n):        1,
		fmt.Sprint(registrations, plainInsert, n):     1,

		fmt.Sprint(registrationsAtFirst, nametagPostgres, large): 1,
		fmt.Sprint(registrationsAtFirst, plainInsert, large):     1,
		fmt.Sprint(registrations, nametagPostgres, large):        1,
		fmt.Sprint(registrations, plainInsert, large):            1,
		fmt.Sprint(latencyP50, constant, large):                  1,
		fmt.Sprint(latencyP99, constant, large):                  1,
		fmt.Sprint(latencyP99, nametagPostgres, large):           1,
		fmt.Sprint(latencyP999, nametagPostgres, large):          1,
		fmt.Sprint(memory, nametagPostgres, large):               1,
		fmt.Sprint(firstAnswer, nametagPostgres, large):          1,
		fmt.Sprint(indexBytes, nametagPostgres, large):           1,
		fmt.Sprint(indexReady, nametagPostgres, large):           1,
		fmt.Sprint(replicaKnows, nametagPostgres, n):             opts.replicas,
	} {
		got := 0
		for _, m := range results.Measurements {
			if fmt.Sprint(m.What, m.System, m.Names) == what {
				got++
			}
			if m.Value <= 0 {
				t.Errorf("%+v is no value", m)
			}
		}
		if got != want {
			t.Errorf("%s was measured %d times, want %d", what, got, want)
		}
	}
	for _, m := range results.Measurements {
		switch m.What {
		case latencyP99: // each slice counts, and what comes before it does not
			if want := m.Rate * opts.duration.Seconds(); math.Abs(float64(m.Requests)-want) > 2*float64(opts.checkSlices) {
				t.Errorf("%+v is of %d requests, want some %.0f", m, m.Requests, want)
			}
			fallthrough
		case checks, registrations, registrationsAtFirst:
			if c := m.CPU; c == nil || c.Load <= 0 || c.Answered <= 0 || c.Server <= 0 && m.What == checks || c.Server > 0 && m.System == plainInsert {
				t.Errorf("%+v does not say who had the processors: %+v", m, c)
			}
		}
	}
	for what, peer := range map[string]string{checks: constant, registrations: plainInsert} {
		if got := divisions(results, what, nametagPostgres, peer); len(got) != 4 || got[0].All <= 0 {
			t.Errorf("of %s the page tells %+v, want two systems at two sizes", what, got)
		}
	}
	if a, b := serverLimits(results), idleLimits(results, nametagPostgres, plainInsert, insertAim); len(a) != 2 || len(b) != 2 {
		t.Errorf("the page tells limits %+v and %+v, want both of two sizes", a, b)
	}
	if got := idleLimits(results, nametagSQLite, pocketBase, createAim); len(got) != 1 {
		t.Errorf("the page tells limits %+v of SQLite, want one", got)
	}
	if len(results.Profiles) != 4 {
		t.Errorf("there are %d profiles, want 4: two loads on two databases", len(results.Profiles))
	}
	for _, p := range results.Profiles {
		if p.Cores <= 0 || len(p.Parts) < 3 || p.Parts[0].Share <= 0 {
			t.Errorf("%+v is no profile", p)
		}
	}
	checkPage(t, out)
}

// The contenders take turns in an order that is turned round each time.
func TestInTurn(t *testing.T) {
	b := &bench{options: options{warmup: 4 * time.Second, duration: 8 * time.Second}}
	all := []*contender{{m: Measurement{System: "one"}}, {m: Measurement{System: "two"}}}
	var order []int
	shares, err := b.inTurn(4, all, func(i int, warmup, duration time.Duration) (outcome, error) {
		if warmup != time.Second || duration != 2*time.Second {
			t.Errorf("a slice takes %v after %v, want 2s after 1s", duration, warmup)
		}
		order = append(order, i)
		return outcome{answered: 10 * (i + 1)}, nil
	})
	if want := []int{0, 1, 1, 0, 0, 1, 1, 0}; err != nil || !slices.Equal(order, want) || len(shares) != 2 {
		t.Errorf("they came in the order %v with %d shares (%v), want %v and 2", order, len(shares), err, want)
	}
	if all[0].answered != 40 || all[1].answered != 80 {
		t.Errorf("they answered %d and %d, want 40 and 80", all[0].answered, all[1].answered)
	}
	_, err = b.inTurn(1, all, func(i int, _, _ time.Duration) (outcome, error) {
		return outcome{}, []error{nil, io.ErrUnexpectedEOF}[i]
	})
	if err == nil || !strings.HasPrefix(err.Error(), "two: ") {
		t.Errorf("what went wrong is %v, and does not say with which", err)
	}
}

// The names that pgbench inserts come among those that its table has.
func TestInsertedNames(t *testing.T) {
	cluster, err := pgtest.New()
	if err != nil {
		pgtest.LeaveOut(t, err)
	}
	defer cluster.Close()
	conn, err := pgx.Connect(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, n := range []int64{1, 77, math.MaxInt32 + 1, math.MaxInt64 - 1} {
		var got string
		query := "SELECT " + strings.ReplaceAll(newNameSQL, ":n", fmt.Sprint(n)+"::bigint")
		if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil || got != insertedName(n) {
			t.Errorf("%s makes %q (%v), and insertedName %q", query, got, err, insertedName(n))
		}
	}
	first := map[byte]int{}
	for i := range 1000 {
		p := insertedPet(i)
		first[p.NameKey[0]]++
		if p.NameKey != p.Name || p.LookalikeKey != p.Name || len(p.Name) != 12 {
			t.Fatalf("%+v is not what the script inserts", p)
		}
	}
	if len(first) != 32 { // of 64, for the numbers are not negative
		t.Errorf("names begin with %d different characters, want 32", len(first))
	}
}

func TestPartOf(t *testing.T) {
	for _, c := range []struct {
		want  string
		stack []string // innermost first
	}{
		{"the log", []string{"runtime.mallocgc", "log/slog.(*Logger).logAttrs", "nametag/internal/web.(*site).logRequest", "net/http.(*conn).serve"}},
		{"SQLite: writing pages into its log", []string{"syscall.Syscall6", "modernc.org/libc.Xpwrite", "modernc.org/sqlite/lib._unixWrite", "modernc.org/sqlite/lib._walFrames", "nametag/internal/queue.(*Queue).work"}},
		{"net/http: sending answers", []string{"syscall.Syscall", "bufio.(*Writer).Flush", "net/http.checkConnErrorWriter.Write", "net/http.(*response).finishRequest", "net/http.(*conn).serve"}},
		{"net/http: all else", []string{"runtime.park_m", "net/http.(*conn).serve"}},
		{"net/http: all else", []string{"net.(*conn).Read", "nametag/internal/server.(*lazyConn).Read", "net/http.(*connReader).backgroundRead"}},
		{"looking into the index", []string{"nametag/internal/index.(*set).has", "nametag/internal/index.(*Index).GlanceAll", "nametag.(*Registry).suggest"}},
		{"collecting garbage", []string{"runtime.scanobject", "runtime.gcBgMarkWorker"}},
		{"Go's scheduler", []string{"runtime.findRunnable", "runtime.mcall"}},
	} {
		if got := partOf(c.stack); got != c.want {
			t.Errorf("%v is a part of %q, want %q", c.stack, got, c.want)
		}
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

func checkPage(t *testing.T, folder string) {
	t.Helper()
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

// A moment reads what the kernel counts.
func TestMoments(t *testing.T) {
	self := &process{cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	before, err := now(self)
	if err != nil {
		t.Fatal(err)
	}
	for cpu := cpuTime(); cpuTime() < cpu+300*time.Millisecond; {
	}
	if _, err := exec.Command("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done").Output(); err != nil {
		t.Fatal(err)
	}
	after, err := now(self)
	if err != nil {
		t.Fatal(err)
	}
	m := after.minus(before)
	if m.server < 0.25 || m.busy < 0.2 || m.idle < 0 || m.clock < 0.3 {
		t.Errorf("meanwhile processors did %+v", m)
	}
	if children := m.load - m.server; m.load < 0.3 || children < 0.005 {
		t.Errorf("%v s for this process and those that it waited for, %v s for itself", m.load, m.server)
	}
}

// What is neither the load's nor the server's is the rest.
func TestDivisions(t *testing.T) {
	r := &Results{Rounds: 1, Sizes: []int{10}, Measurements: []Measurement{
		{Round: 1, What: registrations, System: nametagPostgres, Names: 10, Value: 1,
			CPU: moment{clock: 2, busy: 3, idle: 1, load: 0.5, server: 1.5}.shares(20_000)},
		{Round: 1, What: registrations, System: plainInsert, Names: 10, Value: 1, CPU: moment{clock: 1, busy: 2, load: 0.5}.shares(20_000)},
		{Round: 1, What: registrations, System: nametagSQLite, Names: 10, Value: 1},
	}}
	want := []division{
		{System: nametagPostgres, Names: 10, Server: 75, Load: 25, Rest: 50, All: 150, Idle: 0.5},
		{System: plainInsert, Names: 10, Load: 25, Rest: 75, All: 100},
	}
	if got := divisions(r, registrations, nametagPostgres, plainInsert); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What an aim takes is told from the rounds.
func TestLimits(t *testing.T) {
	r := &Results{Rounds: 1, Sizes: []int{10}, Measurements: []Measurement{
		{Round: 1, What: checks, System: nametagPostgres, Names: 10, Value: 20_000, CPU: moment{clock: 1, busy: 1.5, load: 0.6, server: 1}.shares(20_000)},
		{Round: 1, What: checks, System: constant, Names: 10, Value: 32_000},
		{Round: 1, What: registrations, System: nametagPostgres, Names: 10, Value: 4_000, CPU: moment{clock: 1, busy: 1.2, idle: 0.8}.shares(4_000)},
		{Round: 1, What: registrations, System: plainInsert, Names: 10, Value: 5_000},
	}}
	// 0.8 of 32,000 checks a second are 25,600: 62.5 µs each for 80, of which the load has 30.
	if got := serverLimits(r); len(got) != 1 || got[0].Is != 50 || math.Abs(got[0].Might-32.5) > 1e-9 {
		t.Errorf("got %+v, want 50 and 32.5 µs", got)
	}
	// 5,000 registrations a second keep 1.5 cores busy.
	if got := idleLimits(r, nametagPostgres, plainInsert, insertAim); len(got) != 1 || got[0].Is != 0.8 || math.Abs(got[0].Might-0.5) > 1e-9 {
		t.Errorf("got %+v, want 0.8 and 0.5 cores", got)
	}
	if got := limits(r, registrations, nametagPostgres, pocketBase, 1, nil); got != nil {
		t.Errorf("got %+v of what was not measured", got)
	}
}

// Two rounds in three fall short, though the middle one of what might idle is more than
// that of what did.
func TestLimitsOfRounds(t *testing.T) {
	r := &Results{Rounds: 3, Sizes: []int{10}}
	for round, v := range []struct{ idle, registered float64 }{{0.51, 292}, {0.54, 317}, {0.57, 296}} {
		r.Measurements = append(r.Measurements,
			Measurement{Round: round + 1, What: registrations, System: nametagSQLite, Names: 10, Value: v.registered, CPU: moment{clock: 1, busy: 1.45, idle: v.idle}.shares(1)},
			Measurement{Round: round + 1, What: registrations, System: pocketBase, Names: 10, Value: 100})
	}
	got := idleLimits(r, nametagSQLite, pocketBase, createAim)
	if want := 0.54 - 1.45*(300.0/296-1); len(got) != 1 || got[0].Is != 0.54 || math.Abs(got[0].Might-want) > 1e-9 {
		t.Errorf("got %+v, want 0.54 and %.3f cores", got, want)
	}
}

// Ratios are of what was measured in the same round.
func TestRatio(t *testing.T) {
	r := Results{Rounds: 3}
	for round, v := range [][2]float64{{80, 100}, {45, 50}, {10, 20}} {
		r.Measurements = append(r.Measurements,
			Measurement{Round: round + 1, What: checks, System: nametagPostgres, Names: 10, Value: v[0]},
			Measurement{Round: round + 1, What: checks, System: nametagPostgres, Names: 99, Value: 1},
			Measurement{Round: round + 1, What: checks, System: constant, Names: 10, Value: v[1]})
	}
	of := thing(checks, nametagPostgres, 10)
	if got, ok := r.ratio(of, thing(checks, constant, 10)); !ok || got != 0.8 {
		t.Errorf("got %v (%v), want 0.8: the median of 0.8, 0.9 and 0.5", got, ok)
	}
	if _, ok := r.ratio(of, thing(checks, constant, 99)); ok {
		t.Error("there is a ratio to what was not measured")
	}
}

func TestParseSystems(t *testing.T) {
	for _, good := range []string{"constant,nametag-postgres", "nametag-sqlite"} {
		if got, err := parseSystems(good); err != nil || strings.Join(got, ",") != good {
			t.Errorf("%s is %v (%v)", good, got, err)
		}
	}
	for bad, want := range map[string]string{
		"constant,nametag-sqlite": "name that as well",
		"pgbench":                 "name that as well",
		"nametag":                 "choose among",
	} {
		if got, err := parseSystems(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %v (%v), want an error with %q", bad, got, err, want)
		}
	}
}

// The page is not written from what another benchmark measured.
func TestResultsOfAnotherBenchmark(t *testing.T) {
	for _, text := range []string{
		`{"rounds": 3, "sizes": [10000]}`,
		`{"rounds": 3, "sizes": [10000], "check_slices": 4, "measurements": [{"what": "check", "load_cpu": 0.3}]}`,
	} {
		file := filepath.Join(t.TempDir(), "benchmarks.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readResults(file); err == nil || !strings.Contains(err.Error(), "run this one without -report") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReadPgbench(t *testing.T) {
	got, err := readPgbench(`number of transactions actually processed: 1234
number of failed transactions: 0 (0.000%)
latency average = 1.234 ms
initial connection time = 250.500 ms
tps = 5678.901234 (without initial connection time)
progress: 1.5 s, 2000.0 tps, lat 2.256 ms stddev 1.561, 0 failed
progress: 2.0 s, 5000.5 tps, lat 2.139 ms stddev 1.095, 0 failed
progress: 3.0 s, 6000.5 tps, lat 2.044 ms stddev 0.863, 0 failed
`)
	const s = time.Second
	want := inserts{1234, 250500 * time.Microsecond, []rateReport{{0, s * 3 / 2, 2000}, {s * 3 / 2, 2 * s, 5000.5}, {2 * s, 3 * s, 6000.5}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	for _, c := range []struct {
		after, of time.Duration
		rate      float64
	}{
		{0, 3 * s, (1.5*2000 + 0.5*5000.5 + 6000.5) / 3},
		{s, s * 3 / 2, (0.5*5000.5 + 6000.5) / 1.5},
		{2 * s, s, 6000.5},
		{3 * s, 0, 0},
	} {
		if rate, of := got.rateAfter(c.after); math.Abs(rate-c.rate) > 1e-6 || of != c.of {
			t.Errorf("after %v it is %v, of %v; want %v, of %v", c.after, rate, of, c.rate, c.of)
		}
	}
	if _, err := readPgbench("number of failed transactions: 3 (0.1%)"); err == nil {
		t.Error("failed transactions are no error")
	}
	if _, err := readPgbench("tps = 3"); err == nil {
		t.Error("what can't be read is no error")
	}
}
