package index_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"nametag/internal/index"
	"nametag/internal/pgtest"
	"nametag/internal/postgres"
	"nametag/internal/registry"
	"nametag/internal/sqlite"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m.Run)) }

// A database opens the same database each time that it is called.
type database func() registry.Store

// onBoth runs a test on a new database of each kind.
func onBoth(t *testing.T, test func(*testing.T, database)) {
	opened := func(t *testing.T, s registry.Store, err error) registry.Store {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	t.Run("SQLite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "book.db")
		test(t, func() registry.Store {
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{Migrate: true})
			return opened(t, s, err)
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		url := pgtest.URL(t)
		test(t, func() registry.Store {
			s, err := postgres.Open(t.Context(), url, postgres.Options{Migrate: true})
			return opened(t, s, err)
		})
	})
}

// run fills an index of s and keeps it up to date until the test ends.
func run(t *testing.T, s registry.Store) *index.Index {
	t.Helper()
	x := index.New(s, slog.New(slog.DiscardHandler))
	fill(t, x)
	return x
}

// fill fills an index and keeps it up to date until the test ends. The test waits for
// Run to return, because the next test may change the poll interval.
func fill(t *testing.T, x *index.Index) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-x.Filled():
	case <-time.After(patience):
		t.Fatal("the index is not filled")
	}
}

func name(t testing.TB, s string) registry.Name {
	t.Helper()
	n, err := registry.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// kind names a decision.
func kind(d registry.Decision) string {
	switch d.Code {
	case registry.CodeReserved:
		return "reserved by " + d.Ruling.Name.String()
	case "":
		return "free"
	default:
		return string(d.Code)
	}
}

// lookup decides on names at a time.
func lookup(t testing.TB, s registry.Store, at time.Time, withRivals bool, names ...registry.Name) []registry.Decision {
	t.Helper()
	decisions, err := s.Lookup(t.Context(), registry.Inquiry{Names: names, At: at.UTC(), WithRivals: withRivals})
	if err != nil {
		t.Fatal(err)
	}
	return decisions
}

// glance returns the kind of the decision that the index makes on a name.
func glance(t testing.TB, x *index.Index, n registry.Name) string {
	t.Helper()
	return kind(lookup(t, x, time.Now(), false, n)[0])
}

// The time limits: what takes an index a second may take three on a busy machine, and
// nothing takes longer than patience.
const (
	aSecond  = 3 * time.Second
	patience = 30 * time.Second
)

// soon waits until the index decides want on a name, for as long as replicas may take.
func soon(t *testing.T, x *index.Index, of, want string) {
	t.Helper()
	n := name(t, of)
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		got := glance(t, x, n)
		if got == want {
			return
		}
		if time.Since(start) > aSecond {
			t.Fatalf("%s is still %s, want %s", of, got, want)
		}
	}
}

func register(t *testing.T, s registry.Store, names ...string) {
	t.Helper()
	r := registry.New(s, nil)
	for _, n := range names {
		if d, err := r.Register(t.Context(), registry.Application{Name: n, FavoriteColor: "blue", Category: "cat"}); err != nil || d.Code != "" {
			t.Fatal(err)
		}
	}
}

func TestTheIndexKnowsTheRegistryAndWhatIsChangedThroughIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, open database) {
		s := open()
		desk := registry.New(s, nil)
		register(t, s, "Bella", "Max")
		desk.Reserve(t.Context(), "Admin")
		desk.AllowLookalike(t.Context(), "M.a.x")
		x := run(t, s)
		must := func(of, want string) {
			t.Helper()
			if got := glance(t, x, name(t, of)); got != want {
				t.Errorf("%s is %s, want %s", of, got, want)
			}
		}
		must("BELLA", "taken")
		must("Bel-la", "similar")
		must("Ad-min", "reserved by Admin")
		must("M.a.x", "free")
		must("Rex", "free")

		through := registry.New(x, nil)
		register(t, x, "M.a.x", "Rex")
		must("M.a.x", "taken")
		must("Rex", "taken")
		through.Rename(t.Context(), "Rex", "Zorro", false)
		must("Zorro", "taken")
		must("Rex", "reserved by Rex")
		through.Release(t.Context(), "Max")
		must("Max", "reserved by Max")
		through.Unreserve(t.Context(), "Max")
		must("Max", "free")
		through.Unreserve(t.Context(), "Admin")
		must("Admin", "free")
		if names, bytes := x.Size(); names != 3 || bytes < 24 {
			t.Errorf("it has %d names in %d bytes", names, bytes)
		}
	})
}

func TestTheIndexLearnsFromOthersWithinASecond(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, open database) {
		x := run(t, open())
		other := open()
		desk := registry.New(other, nil)
		for i := range 5 {
			register(t, other, fmt.Sprint("Bella ", i))
			soon(t, x, fmt.Sprint("Bella ", i), "taken")
		}
		desk.Rename(t.Context(), "Bella 1", "Luna", false)
		soon(t, x, "Bella 1", "reserved by Bella 1")
		soon(t, x, "Luna", "taken")
		register(t, other, "Max") // so the next record is not in turn
		register(t, x, "Rex")
		soon(t, x, "Max", "taken")
		soon(t, x, "Rex", "taken")
	})
}

// TestIndexesAgreeWithTheRegistry makes random changes through two indexes of one
// database, and compares both with the database once they have caught up.
func TestIndexesAgreeWithTheRegistry(t *testing.T) {
	index.PollOften(t)
	names := []string{"Bella", "Bel-la", "BELLA", "Max", "M.a.x", "McIntosh", "Mcintosh", "Luna"}
	onBoth(t, func(t *testing.T, open database) {
		store := open()
		indexes := []*index.Index{run(t, open()), run(t, open())}
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				r := registry.New(rapid.SampledFrom(indexes).Draw(rt, "index"), nil)
				n := rapid.SampledFrom(names).Draw(rt, "name")
				switch ctx := t.Context(); rapid.IntRange(0, 5).Draw(rt, "action") {
				case 0, 1:
					before := lookup(t, store, time.Now(), true, name(t, n))
					d, err := r.Register(ctx, registry.Application{Name: n, FavoriteColor: "blue", Category: "cat"})
					if err != nil || kind(d) != kind(before[0]) {
						rt.Fatalf("%s was %s in the database, and registering it gave %v, %v", n, kind(before[0]), d, err)
					}
				case 2:
					r.Rename(ctx, n, rapid.SampledFrom(names).Draw(rt, "to"), false)
				case 3:
					r.Release(ctx, n)
				case 4:
					r.AllowLookalike(ctx, n)
				case 5:
					r.Unreserve(ctx, n)
				}
			}
			asked := make([]registry.Name, len(names))
			for i, n := range names {
				asked[i] = name(t, n)
			}
			decided := time.Now()
			want := lookup(t, store, decided, true, asked...)
			for _, x := range indexes {
				for !x.AsOf().After(decided) {
					time.Sleep(time.Millisecond)
				}
				for i, got := range lookup(t, x, decided, false, asked...) {
					if kind(got) != kind(want[i]) {
						rt.Fatalf("%s is %s in an index, and %s in the database", names[i], kind(got), kind(want[i]))
					}
				}
			}
		})
	})
}

// An exchange is a store whose database can be replaced or become unreachable.
type exchange struct {
	registry.Store
	now atomic.Pointer[registry.Store] // nil for an unreachable database
}

func newExchange(s registry.Store) *exchange {
	e := &exchange{Store: s}
	e.now.Store(&s)
	return e
}

var errGone = registry.Unavailable(errors.New("the database is gone"))

func (e *exchange) JournalHead(ctx context.Context) (registry.Head, error) {
	if s := e.now.Load(); s != nil {
		return (*s).JournalHead(ctx)
	}
	return registry.Head{}, errGone
}

func (e *exchange) Journal(ctx context.Context, q registry.JournalQuery) ([]registry.Record, error) {
	if s := e.now.Load(); s != nil {
		return (*s).Journal(ctx, q)
	}
	return nil, errGone
}

func (e *exchange) EachKey(ctx context.Context, visit func(key, lookalike []byte)) error {
	if s := e.now.Load(); s != nil {
		return (*s).EachKey(ctx, visit)
	}
	return errGone
}

func newStore(t *testing.T) registry.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "book.db"), sqlite.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestChecksGoOnWhileTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	register(t, store, "Bella")
	e := newExchange(store)
	x := run(t, e)
	reg := registry.New(x, nil)
	e.now.Store(nil)
	gone := time.Now()
	register(t, store, "Max") // as another server does, which still reaches it
	verdicts, err := reg.Check(t.Context(), "Bella", "Max")
	for err == nil && verdicts[0].AsOf.IsZero() { // for two seconds
		if time.Since(gone) > 3*2*time.Second {
			t.Fatal("the verdicts do not state their age")
		}
		time.Sleep(5 * time.Millisecond)
		verdicts, err = reg.Check(t.Context(), "Bella", "Max")
	}
	if err != nil {
		t.Fatal(err)
	}
	if verdicts[0].Code != registry.CodeTaken || verdicts[1].Code != "" {
		t.Errorf("the verdicts are %v", verdicts)
	}
	for _, v := range verdicts {
		if d := v.AsOf.Sub(gone); d > 0 || d < -aSecond {
			t.Errorf("it is as of %v, and the database is gone since %v", v.AsOf, gone)
		}
	}
	e.now.Store(&store)
	for start := time.Now(); glance(t, x, name(t, "Max")) != "taken"; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatal("the index does not learn what others registered meanwhile")
		}
	}
	if verdicts, err = reg.Check(t.Context(), "Bella"); err != nil || !verdicts[0].AsOf.IsZero() {
		t.Errorf("afterwards: %v, %v", verdicts, err)
	}
}

// TestTheIndexIsRebuiltForAnotherDatabase replaces the database, as restoring a backup
// does, by one whose journal is shorter, as long, or longer.
func TestTheIndexIsRebuiltForAnotherDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		names []string
	}{
		{"a shorter one", []string{"Luna"}},
		{"one as long", []string{"Luna", "Rex"}},
		{"a longer one", []string{"Luna", "Rex", "Zorro"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			store, other := newStore(t), newStore(t)
			register(t, store, "Bella", "Max")
			register(t, other, c.names...)
			e := newExchange(store)
			x := run(t, e)
			e.now.Store(&other)
			for start := time.Now(); glance(t, x, name(t, "Luna")) != "taken"; time.Sleep(5 * time.Millisecond) {
				if time.Since(start) > patience {
					t.Fatal("the other database is not read")
				}
			}
			if got := glance(t, x, name(t, "Bella")); got != "free" {
				t.Errorf("a pet of the former database is %s", got)
			}
		})
	}
}

// A hooked store calls a function after each call of JournalHead, and can leave a row of the journal out.
type hooked struct {
	registry.Store
	head    func(n int32, h registry.Head) // called after the nth call
	heads   atomic.Int32
	rows    atomic.Int32 // counts the calls of Journal
	missing atomic.Int64 // the row to leave out
}

func (h *hooked) JournalHead(ctx context.Context) (registry.Head, error) {
	head, err := h.Store.JournalHead(ctx)
	if n := h.heads.Add(1); h.head != nil {
		h.head(n, head)
	}
	return head, err
}

func (h *hooked) Journal(ctx context.Context, q registry.JournalQuery) ([]registry.Record, error) {
	h.rows.Add(1)
	rows, err := h.Store.Journal(ctx, q)
	return slices.DeleteFunc(rows, func(r registry.Record) bool { return r.Seq == h.missing.Load() }), err
}

// TestTheIndexIsFilledWithWhatItsOwnProcessDoesMeanwhile registers pets through the
// index while it is filled. It must have them then, and AsOf must be true.
func TestTheIndexIsFilledWithWhatItsOwnProcessDoesMeanwhile(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	register(t, store, "Bella")
	h := &hooked{Store: store}
	x := index.New(h, slog.New(slog.DiscardHandler))
	var last time.Time
	h.head = func(n int32, head registry.Head) {
		if n <= 3 { // before it reads, after it has read, and when it begins to learn
			register(t, x, fmt.Sprintf("Max %d", n))
			last = time.Now()
		}
	}
	fill(t, x)
	for n := range 3 {
		if got := glance(t, x, name(t, fmt.Sprintf("Max %d", n+1))); got != "taken" {
			t.Errorf("pet %d, registered while the index was filled, is %s", n+1, got)
		}
	}
	if age := last.Sub(x.AsOf()); age > aSecond {
		t.Errorf("it is said to be %v old", age)
	}
}

// TestTheIndexIsRebuiltAfterAMissingRow removes a row from the journal, for which the index must not wait.
func TestTheIndexIsRebuiltAfterAMissingRow(t *testing.T) {
	index.PollOften(t)
	store := newStore(t)
	register(t, store, "Bella")
	h := &hooked{Store: store}
	x := run(t, h)
	h.missing.Store(2)
	register(t, store, "Max", "Rex")
	for start := time.Now(); glance(t, x, name(t, "Max")) != "taken" || glance(t, x, name(t, "Rex")) != "taken"; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("the registry is not read; rows were asked for %d times", h.rows.Load())
		}
	}
	if n := h.rows.Load(); n > 100 {
		t.Errorf("rows were asked for %d times", n)
	}
}

func TestAnEmptyIndexAsksTheStore(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	register(t, store, "Bella")
	x := index.New(store, slog.New(slog.DiscardHandler))
	if !x.AsOf().IsZero() {
		t.Error("an index that was not filled knows a name")
	}
	verdicts, err := registry.New(x, nil).Check(t.Context(), "Bella")
	if err != nil || verdicts[0].Rival == nil || verdicts[0].Rival.FavoriteColor != "blue" {
		t.Errorf("the store was not asked instead: %v, %v", verdicts, err)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, size := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			x, names := index.NewFilled(size)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 7919) % len(names)
				if _, err := x.Lookup(b.Context(), registry.Inquiry{Names: names[i : i+1]}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A silentStore answers no lookup.
type silentStore struct{ registry.Store }

func (silentStore) Lookup(ctx context.Context, _ registry.Inquiry) ([]registry.Decision, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestALookupInTheDatabaseIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x, start := index.New(silentStore{}, slog.New(slog.DiscardHandler)), time.Now()
		_, err := x.Lookup(t.Context(), registry.Inquiry{})
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second {
			t.Errorf("%v after %v, want the end of the time after 10 s", err, took)
		}
	})
}
