package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"nametag/internal/registry"
)

var raceTests = map[string]func(*testing.T, registry.Store){
	"ExactlyOneOfManyGetsAName":           exactlyOneGetsName,
	"ExactlyOneOfLookalikesGetsItsName":   exactlyOneLookalike,
	"BatchesInOppositeOrderShareTheNames": oppositeBulks,
	"BatchesWithKeysInOppositeOrderToo":   oppositeBulksWithKeys,
	"ManyRetriesOfOneKeyGetOneAnswer":     manyRetries,
	"OneKeyForManyRegistersOnePet":        oneKeyManyRegistrations,
	"EntriesWithAndWithoutKeysRace":       keysAndBareEntries,
}

// together runs f(0) … f(n-1) at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

func exactlyOneGetsName(t *testing.T, s registry.Store) {
	raceFor(t, s, "Bella", "BELLA", "bella", " Bella ")
}

func exactlyOneLookalike(t *testing.T, s registry.Store) {
	raceFor(t, s, "Bella", "BELLA", "Bеlla", "Bel-la") // the third has a Cyrillic е
}

// raceFor registers pets with these names concurrently, and checks that exactly one is
// registered and that the others are refused because of it.
func raceFor(t *testing.T, s registry.Store, names ...string) {
	const n = 64
	reg := registry.New(s, nil)
	decisions, errs := make([]registry.Decision, n), make([]error, n)
	together(n, func(i int) {
		name := names[i%len(names)]
		decisions[i], errs[i] = reg.Register(t.Context(), registry.Application{
			Name: name, FavoriteColor: fmt.Sprintf("colour %d", i), Category: "cat"})
	})
	winner := -1
	for i, d := range decisions {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if d.Code == "" {
			if winner >= 0 {
				t.Fatalf("both %d and %d got the name", winner, i)
			}
			winner = i
		}
	}
	if winner < 0 {
		t.Fatalf("nobody got the name: %v", decisions[0])
	}
	got := *decisions[winner].Pet
	for i, d := range decisions {
		if i == winner {
			continue
		}
		isRefusal := d.Code == registry.CodeTaken || d.Code == registry.CodeSimilar
		if !isRefusal || d.Rival == nil || !d.Rival.Same(got) {
			t.Errorf("%d was told %v, want that %v has the name", i, d, got)
		}
	}
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 5}), []registry.Pet{got})
}

func oppositeBulks(t *testing.T, s registry.Store) {
	raceBulks(t, s, func(p registry.Pet, _ int) registry.Entry { return registry.Entry{Pet: p} })
}

func oppositeBulksWithKeys(t *testing.T, s registry.Store) {
	raceBulks(t, s, func(p registry.Pet, bulk int) registry.Entry {
		return keyed(p, fmt.Sprintf("bulk %d: %s", bulk, p.Name))
	})
}

// raceBulks inserts batches of the same names concurrently, half of them in the opposite order. It checks that each
// name is registered once and that every result has its true holder.
func raceBulks(t *testing.T, s registry.Store, entry func(p registry.Pet, bulk int) registry.Entry) {
	const bulks, size = 12, 200
	all := make([][]registry.Decision, bulks)
	errs := make([]error, bulks)
	sent := make([][]registry.Entry, bulks)
	for i := range bulks {
		for _, p := range numbered(t, "Pet", size) {
			p.FavoriteColor = registry.Color(fmt.Sprintf("colour of bulk %d", i))
			sent[i] = append(sent[i], entry(p, i))
		}
		if i%2 == 1 {
			slices.Reverse(sent[i])
		}
	}
	together(bulks, func(i int) { all[i], errs[i] = s.Insert(t.Context(), sent[i]) })

	holders := make(map[string]registry.Pet)
	for i, results := range all {
		if errs[i] != nil {
			t.Fatalf("bulk %d: %v", i, errs[i])
		}
		for j, res := range results {
			if res.Code != "" {
				continue
			}
			if !res.Pet.Same(sent[i][j].Pet) {
				t.Fatalf("bulk %d registered %v, was told of %v", i, sent[i][j].Pet, res.Pet)
			}
			key := res.Pet.Name.Key()
			if other, ok := holders[key]; ok {
				t.Fatalf("%q was given to %v and to %v", key, other, res.Pet)
			}
			holders[key] = *res.Pet
		}
	}
	if len(holders) != size {
		t.Fatalf("%d names were given away, want %d", len(holders), size)
	}
	for i, results := range all {
		for j, res := range results {
			key := sent[i][j].Pet.Name.Key()
			if res.Code == registry.CodeTaken && !res.Rival.Same(holders[key]) {
				t.Fatalf("bulk %d was told that %v has %q; %v has it", i, res.Rival, key, holders[key])
			}
		}
	}
	equal(t, "in the book", find(t, s, slices.Collect(keysOf(holders))...), holders)
}

func keysOf(m map[string]registry.Pet) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func manyRetries(t *testing.T, s registry.Store) {
	const n = 32
	rex := newPet(t, "Rex")
	results, errs := make([][]registry.Decision, n), make([]error, n)
	together(n, func(i int) { results[i], errs[i] = s.Insert(t.Context(), []registry.Entry{keyed(rex, "k")}) })
	for i := range n {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		equal(t, "answer", results[i], []registry.Decision{registered(rex)})
	}
}

func oneKeyManyRegistrations(t *testing.T, s registry.Store) {
	const n = 16
	pets := numbered(t, "Pet", n)
	results, errs := make([][]registry.Decision, n), make([]error, n)
	together(n, func(i int) { results[i], errs[i] = s.Insert(t.Context(), []registry.Entry{keyed(pets[i], "k")}) })
	var winners []registry.Pet
	for i := range n {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if results[i][0].Code == "" {
			winners = append(winners, pets[i])
			continue
		}
		equal(t, "answer", results[i][0], keyReused)
	}
	equal(t, "book", list(t, s, registry.ListQuery{Limit: n}), winners)
	if len(winners) != 1 {
		t.Errorf("%d registrations were made with one key", len(winners))
	}
}

func keysAndBareEntries(t *testing.T, s registry.Store) {
	const n = 16
	results, errs := make([][]registry.Decision, n), make([]error, n)
	together(n, func(i int) {
		p := newPet(t, "Rex")
		p.FavoriteColor = registry.Color(fmt.Sprint("colour ", i))
		e := registry.Entry{Pet: p}
		if i%2 == 0 {
			e = keyed(p, fmt.Sprint("key ", i))
		}
		results[i], errs[i] = s.Insert(t.Context(), []registry.Entry{e})
	})
	holder := find(t, s, "rex")["rex"]
	winners := 0
	for i := range n {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		told := results[i][0].Rival
		if results[i][0].Code == "" {
			winners++
			told = results[i][0].Pet
		}
		equal(t, "told of", told, &holder)
	}
	if winners != 1 {
		t.Errorf("%d got the name, want one", winners)
	}
}

// changesMeet makes changes of every kind concurrently, on few names and through two stores.
func changesMeet(t *testing.T, db Database) {
	const workers, steps = 12, 40
	stores := []registry.Store{openNew(t, db), open(t, db, Options{})}
	var made atomic.Int32
	together(workers, func(i int) {
		s, random := stores[i%len(stores)], rand.New(rand.NewPCG(1, uint64(i)))
		for step := range steps {
			done, err := anyChange(t, s, random, step)
			if err != nil {
				t.Errorf("worker %d, step %d: %v", i, step, err)
				return
			}
			if done {
				made.Add(1)
			}
		}
	})
	for _, s := range stores {
		isWhole(t, s)
		equal(t, "head", head(t, s).Seq, int64(made.Load()))
	}
	kinds := isReplayed(t, stores[0])
	for _, a := range append(anyAction, registry.ActionRegistered) {
		if kinds[a] == 0 {
			t.Errorf("nothing was %s: %v", a, kinds)
		}
	}
}

var anyAction = []registry.Action{registry.ActionRenamed, registry.ActionCorrected, registry.ActionReleased,
	registry.ActionReserved, registry.ActionUnreserved, registry.ActionUnreserved, registry.ActionAllowLookalike}

// anyChange makes a random change and reports whether it was made.
func anyChange(t *testing.T, s registry.Store, random *rand.Rand, today int) (bool, error) {
	name := func() registry.Name {
		names := []string{"Rex", "R-ex", "R.ex", "Ada", "A-da", "Bo"}
		return parse(t, names[random.IntN(len(names))])
	}
	if n := random.IntN(2 * len(anyAction)); n < len(anyAction) {
		c := registry.Change{Key: name().Key(), Name: name(), AllowLookalike: n%2 == 0, Until: day.AddDate(0, 0, today+random.IntN(3)),
			FavoriteColor: registry.Color(fmt.Sprint("colour ", today))}
		if anyAction[n] != registry.ActionRenamed {
			c.Key = c.Name.Key()
		}
		res, err := s.Apply(t.Context(), on(today, anyAction[n], c))
		return res.Code == "", err
	}
	e := at(today, registry.Entry{Pet: newPet(t, name().String()), AllowLookalike: random.IntN(4) == 0})
	res, err := s.Insert(t.Context(), e)
	return err == nil && res[0].Code == "", err
}

// isWhole checks that the journal has no faults and leads to the state of the registry.
func isWhole(t testing.TB, s registry.Store) {
	t.Helper()
	found, err := registry.New(s, nil).VerifyJournal(t.Context(), nil, nil)
	if err != nil || len(found.Faults)+len(found.Differences)+len(found.Orphans) > 0 {
		t.Errorf("verification: %q, %q and %v (%v)", found.Faults, found.Differences, found.Orphans, err)
	}
}

// isReplayed checks that every row of the journal follows from the state before it, and that the last one leads to the
// state of the registry. It returns the number of rows by action.
func isReplayed(t testing.TB, s registry.Store) map[registry.Action]int {
	t.Helper()
	m, kinds := newModel(), make(map[registry.Action]int)
	for _, r := range records(t, s, registry.JournalQuery{Limit: 10_000}) {
		e, err := r.Event()
		if err != nil {
			t.Fatal(err)
		}
		if p := e.Before.Pet; p != nil {
			equal(t, fmt.Sprintf("the pet before row %d", r.Seq), *p, m.pets[p.NameKey])
		}
		if ru := e.Before.Ruling; ru != nil {
			equal(t, fmt.Sprintf("the ruling before row %d", r.Seq), *ru, m.rulings[ru.NameKey])
		}
		kinds[e.Action]++
		before := len(m.pets) + len(m.rulings)
		m.replay(e)
		equal(t, fmt.Sprintf("what row %d adds", r.Seq), len(m.pets)+len(m.rulings)-before, counted(e.After)-counted(e.Before))
	}
	book := newModel()
	all, _ := states(t, s)
	for _, state := range all {
		book.replay(registry.Event{After: state})
	}
	equal(t, "pets", book.pets, m.pets)
	equal(t, "rulings", book.rulings, m.rulings)
	return kinds
}

// counted returns the number of pets and rulings in s.
func counted(s registry.State) (n int) {
	if s.Pet != nil {
		n++
	}
	if s.Ruling != nil {
		n++
	}
	return n
}
