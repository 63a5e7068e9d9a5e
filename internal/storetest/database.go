package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nametag/internal/registry"
)

var databaseTests = map[string]func(*testing.T, Database){
	"ANewDatabaseIsOpenedConcurrently":    manyOpenAtOnce,
	"MigrateUpgradesAnEarlierSchema":      earlierSchema,
	"ALaterSchemaIsRefusedButStillServed": laterSchema,
	"AnAnswerSurvivesThePet":              answerSurvivesPet,
	"ChangesOfEveryKindRace":              changesMeet,
	"TheJournalHasOneHead":                oneHead,
	"AMissingHeadIsReported":              headMissing,
	"AHistoryIsCompleteAfterAnUpgrade":    historyAfterUpgrade,
	"LookalikeKeysAreComputedAgain":       keysComputedAgain,
	"ComputingKeysCanStopHalfway":         keysComputedHalfway,
	"KeysAreNotComputedWithoutAHead":      keysNeedHead,
	"MigrateUpgradesOlderKeys":            olderKeys,
	"OrphansAreFound":                     orphansFound,
	"AReaderChangesNothing":               readerChangesNothing,
	"AReaderNeedsTheSchemaOfTheProgram":   readerNeedsSchema,
	"KeysAreDeletedInBatches":             keysForgottenInBatches,
	"SearchesLeaveRoomForEverythingElse":  searchesLeaveRoom,
	"ACancelledSearchFreesItsPlace":       searchFreesPlace,
}

func manyOpenAtOnce(t *testing.T, db Database) {
	const n = 8
	stores, errs := make([]Store, n), make([]error, n)
	together(n, func(i int) { stores[i], errs[i] = db.Open(t.Context(), Options{Migrate: true}) })
	for i := range n {
		Enter(t, Opened(t, stores[i], errs[i]), fmt.Sprint("Pet ", i))
	}
}

func earlierSchema(t *testing.T, db Database) {
	Mentions(t, refused(t, db, Options{}), "schema 0", "run “nametag migrate”")
	s := open(t, db, Options{SkipSchemaCheck: true})
	if err := s.Ready(t.Context()); err == nil {
		t.Error("a database without a schema is ready")
	}
	first, target, err := s.Migrate(t.Context())
	if err != nil || first != 0 || target == 0 {
		t.Errorf("Migrate: from %d to %d, %v", first, target, err)
	}
	if from, to, err := s.Migrate(t.Context()); err != nil || from != target || to != target {
		t.Errorf("Migrate again: from %d to %d, %v; want %d twice", from, to, err, target)
	}
	Enter(t, s, "Rex")
}

func laterSchema(t *testing.T, db Database) {
	server := openNew(t, db)
	db.Execute(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (1000, true)`)
	// An open store continues to work, and a return to this program must be possible.
	for _, opts := range []Options{{}, {Migrate: true}, {ReadOnly: true}} {
		open(t, db, opts)
	}
	Enter(t, open(t, db, Options{Migrate: true}), "Rex")

	db.Execute(t, `UPDATE schema_floor SET version = 1000`)
	if err := server.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	for _, opts := range []Options{{}, {Migrate: true}, {ReadOnly: true}} {
		Mentions(t, refused(t, db, opts), "schema 1000", "use a newer nametag")
	}
	if _, _, err := open(t, db, Options{SkipSchemaCheck: true}).Migrate(t.Context()); err == nil {
		t.Error("Migrate of a later schema succeeded")
	}
}

// answerSurvivesPet changes a pet after an answer, which stays the same.
func answerSurvivesPet(t *testing.T, db Database) {
	reg := registry.New(openNew(t, db), nil)
	first := registry.Application{Name: "Rex", FavoriteColor: "red", Category: "dog", IdempotencyKey: "first"}
	late := registry.Application{Name: "REX", FavoriteColor: "blue", Category: "cat", IdempotencyKey: "late"}
	rex, err := reg.Register(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := reg.Register(t.Context(), late); err != nil || d.Code != registry.CodeTaken {
		t.Fatalf("%v, %v", d, err)
	}
	db.Execute(t, `DELETE FROM pets`)
	if again, err := reg.Register(t.Context(), first); err != nil || !again.Pet.Same(*rex.Pet) {
		t.Errorf("the first is told %v, %v; want %v", again, err, rex)
	}
	d, err := reg.Register(t.Context(), late)
	if err != nil || d.Code != registry.CodeTaken || d.Rival == nil || !d.Rival.Same(*rex.Pet) {
		t.Errorf("the late one is told %v, %v; want that %v has the name", d, err, rex.Pet)
	}
}

func oneHead(t *testing.T, db Database) {
	s := openNew(t, db)
	Enter(t, s, "Rex")
	db.Execute(t, `INSERT INTO journal_head (seq, hash) SELECT 0, hash FROM journal_head WHERE true ON CONFLICT DO NOTHING`)
	Enter(t, s, "Ada")
	equal(t, "head", head(t, s).Seq, 2)
}

func headMissing(t *testing.T, db Database) {
	s := openNew(t, db)
	Enter(t, s, "Rex")
	db.Execute(t, `DELETE FROM journal_head`)
	_, asked := s.JournalHead(t.Context())
	_, entered := s.Insert(t.Context(), entriesOf(newPet(t, "Ada")))
	_, released := s.Apply(t.Context(), registry.Change{Action: registry.ActionReleased, Key: "rex"})
	for what, err := range map[string]error{"JournalHead": asked, "Insert": entered, "Apply": released} {
		if !errors.Is(err, registry.ErrNoHead) {
			t.Errorf("%s: %v, want ErrNoHead", what, err)
		}
	}
	states := 0
	if _, err := s.Snapshot(t.Context(), func(registry.State) error { states++; return nil }); err != nil || states != 1 {
		t.Errorf("the registry has %d pets (%v), want Rex as before", states, err)
	}
}

// historyAfterUpgrade upgrades a database of schema 4, in which all rows of the journal
// are found by their names, and then registers with a program of that schema.
func historyAfterUpgrade(t *testing.T, db Database) {
	before := openNew(t, db)
	Enter(t, before, "Rex")
	Enter(t, before, "Ada")
	for _, undo := range []string{
		`DROP INDEX journal_names`,
		`ALTER TABLE journal DROP COLUMN by_pet`,
		`ALTER TABLE pets DROP COLUMN entered_by`,
		`CREATE INDEX journal_names ON journal (name_key, seq)`,
		`UPDATE schema_floor SET version = 4`,
		`DROP TABLE lookalike_keys`,
		`DELETE FROM goose_db_version WHERE version_id > 4`,
	} {
		db.Execute(t, undo)
	}
	Mentions(t, refused(t, db, Options{}), "schema 4", "run “nametag migrate”")
	s := open(t, db, Options{Migrate: true})
	Enter(t, s, "Old")
	Enter(t, s, "New")
	db.Execute(t, `UPDATE pets SET entered_by = 0 WHERE name_key = 'old'`)
	db.Execute(t, `UPDATE journal SET by_pet = NULL WHERE name_key = 'old'`)

	for key, to := range map[string]string{"rex": "Rex II", "old": "Old II", "new": "New II"} {
		apply(t, s, on(1, registry.ActionRenamed, registry.Change{Key: key, Name: parse(t, to)}))
	}
	for key, want := range map[string]int{"rex": 2, "old": 2, "new": 2, "rex ii": 1, "new ii": 1, "ada": 1} {
		if got := len(records(t, s, registry.JournalQuery{Key: key, Limit: 10})); got != want {
			t.Errorf("the journal has %d rows about %s, want %d", got, key, want)
		}
	}
	isWhole(t, s)
}

// orphansFound removes the pets that lead to rows of the journal, without nametag.
func orphansFound(t *testing.T, db Database) {
	s := openNew(t, db)
	for _, name := range []string{"Rex", "Ada", "Zoe", "Max"} {
		Enter(t, s, name)
	}
	apply(t, s, on(1, registry.ActionReleased, registry.Change{Key: "zoe"}))
	db.Execute(t, `UPDATE pets SET entered_by = 0 WHERE name_key = 'rex'`)
	db.Execute(t, `DELETE FROM pets WHERE name_key = 'ada'`)
	all := records(t, s, registry.JournalQuery{Limit: 10})
	for limit, want := range map[int][]registry.Record{1: all[:1], 10: all[:2]} {
		strays, err := s.Orphans(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "strays", strays, want)
	}
	found, err := registry.New(s, nil).VerifyJournal(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "verification", found, registry.Verification{Head: head(t, s), Orphans: all[:2],
		Differences: []string{"“Ada” is in the journal, but not in the registry."}})
	equal(t, "of Ada", records(t, s, registry.JournalQuery{Key: "ada", Limit: 10}), nil)

	db.Execute(t, `UPDATE journal SET by_pet = NULL WHERE seq IN (1, 2)`)
	equal(t, "of Ada, given back", records(t, s, registry.JournalQuery{Key: "ada", Limit: 10}), all[1:2])
	if strays, err := s.Orphans(t.Context(), 10); err != nil || len(strays) > 0 {
		t.Errorf("there are still orphans: %v, %v", strays, err)
	}
}

func readerChangesNothing(t *testing.T, db Database) {
	server := openNew(t, db)
	rex := Enter(t, server, "Rex")
	insert(t, server, keyed(rex, "k"))
	reader := open(t, db, Options{ReadOnly: true})
	equal(t, "found", find(t, reader, "rex"), map[string]registry.Pet{"rex": rex})
	equal(t, "book", list(t, reader, registry.ListQuery{Limit: 5}), []registry.Pet{rex})
	equal(t, "search", list(t, reader, registry.ListQuery{Contains: "ex", Limit: 5}), []registry.Pet{rex})
	if err := reader.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}

	ada := newPet(t, "Ada")
	_, one := reader.Insert(t.Context(), entriesOf(ada))
	_, two := reader.Insert(t.Context(), []registry.Entry{keyed(ada, "a"), keyed(rex, "b")})
	_, forget := reader.ForgetKeys(t.Context(), time.Now().Add(time.Hour))
	_, _, up := reader.Migrate(t.Context())
	for what, err := range map[string]error{"Insert": one, "Insert with keys": two, "ForgetKeys": forget, "Migrate": up} {
		if registry.ErrorCode(err) != registry.CodeInternal {
			t.Errorf("%s of a reader: %v, want an error without a code", what, err)
		}
	}
	equal(t, "book", list(t, server, registry.ListQuery{Limit: 5}), []registry.Pet{rex})
	equal(t, "a retry", insert(t, server, keyed(rex, "k")), []registry.Decision{taken(rex)})

	equal(t, "registered meanwhile", insert(t, server, entriesOf(ada)...), []registry.Decision{registered(ada)})
	equal(t, "found", find(t, reader, "ada"), map[string]registry.Pet{"ada": ada})
}

func readerNeedsSchema(t *testing.T, db Database) {
	open(t, db, Options{SkipSchemaCheck: true})
	Mentions(t, refused(t, db, Options{ReadOnly: true}), "schema 0", "nametag migrate")
	if err := open(t, db, Options{ReadOnly: true, SkipSchemaCheck: true}).Ready(t.Context()); err == nil {
		t.Error("a database without a schema is ready")
	}
	if s, err := db.Open(t.Context(), Options{ReadOnly: true, Migrate: true}); err == nil {
		s.Close()
		t.Error("a reader may migrate")
	}
	Mentions(t, refused(t, db, Options{}), "schema 0")
}

func keysForgottenInBatches(t *testing.T, db Database) {
	const many = 10_000 // more than a store deletes in one transaction
	s := openNew(t, db)
	entries := make([]registry.Entry, many)
	for i, p := range numbered(t, "Pet", many) {
		entries[i] = keyed(p, p.Name.Key())
	}
	insert(t, s, entries...)
	insert(t, s, keyed(newPet(t, "Rex"), "last"))
	lift := db.Protect(t, "last")
	soon := time.Now().Add(time.Hour)
	some, err := s.ForgetKeys(t.Context(), soon)
	if err == nil || some == 0 || some > many {
		t.Errorf("ForgetKeys, the last of which can't be: %d, %v; want some, and an error", some, err)
	}
	lift()
	if rest, err := s.ForgetKeys(t.Context(), soon); err != nil || some+rest != many+1 {
		t.Errorf("ForgetKeys forgot %d and then %d of %d keys (%v)", some, rest, many+1, err)
	}
}

// slowSearch registers pets and returns a text. To search their keys for it takes long, and can be cancelled between
// two pets: at every position, the text agrees with a long part of each key, from the front and from the back.
func slowSearch(t *testing.T, s registry.Store) string {
	const pets, length = 500, 80_000
	long := strings.Repeat("a", length)
	for i := 0; i < pets; i += 100 {
		entries := make([]registry.Entry, 100)
		for j := range entries {
			key := fmt.Sprint(long, i+j)
			entries[j].Pet = newPet(t, "Longname")
			entries[j].Pet.Name = registry.RestoreName("Longname", key)
			entries[j].Pet.RegisteredAt = day.Add(time.Duration(i+j) * time.Second)
		}
		insert(t, s, passing(entries)...)
	}
	return long[:length/4] + "b" + long[:length/4]
}

// A crowd runs many slow searches, one after another in each of several goroutines.
type crowd struct {
	refused chan error // the errors of the first ones that got no turn
	givenUp atomic.Int32
	end     func() // stops the searches and waits for them
}

func newCrowd(t *testing.T, s registry.Store, contains string) *crowd {
	const n = 12
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{refused: make(chan error, n)}
	search := func() {
		pets, err := s.List(ctx, registry.ListQuery{Contains: contains, Limit: 1})
		switch {
		case ctx.Err() != nil: // its time may have been up in that moment
		case registry.ErrorCode(err) != registry.CodeUnavailable:
			t.Errorf("a slow search: %v, %v; want CodeUnavailable", pets, err)
		case errors.Is(err, context.DeadlineExceeded):
			c.givenUp.Add(1)
		default:
			select {
			case c.refused <- err:
			default:
			}
		}
	}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				search()
			}
		})
	}
	c.end = func() { cancel(); wg.Wait() }
	t.Cleanup(c.end)
	return c
}

func (c *crowd) awaitRefusal(t *testing.T) {
	t.Helper()
	select {
	case err := <-c.refused:
		Mentions(t, err.Error(), "too many searches are running")
	case <-time.After(30 * time.Second):
		t.Fatal("every search got a turn")
	}
}

func searchesLeaveRoom(t *testing.T, db Database) {
	s := openNew(t, db)
	insert(t, s, entriesOf(newPet(t, "Rex"))...)
	c := newCrowd(t, s, slowSearch(t, s))
	c.awaitRefusal(t)
	// On a busy machine one round may take as long as a search, but not every round.
	const rounds = 10
	for i := range rounds {
		before := c.givenUp.Load()
		insert(t, s, entriesOf(newPet(t, fmt.Sprint("Ada ", i)))...)
		if found := find(t, s, "rex", fmt.Sprint("ada ", i)); len(found) != 2 {
			t.Errorf("found %v during searches", found)
		}
		if page := list(t, s, registry.ListQuery{Limit: 1}); len(page) != 1 {
			t.Errorf("listed %v during searches", page)
		}
		if c.givenUp.Load() == before {
			return
		}
	}
	t.Errorf("in each of %d rounds, the other calls waited until a search was cancelled", rounds)
}

func searchFreesPlace(t *testing.T, db Database) {
	s := openNew(t, db)
	insert(t, s, entriesOf(petsAt(t, day.Add(time.Hour), "Rex")...)...) // newer than the others: found at once
	slow := slowSearch(t, s)
	c := newCrowd(t, s, slow)
	c.awaitRefusal(t)
	c.end()
	equal(t, "search", names(list(t, s, registry.ListQuery{Contains: "rex", Limit: 1})), []string{"Rex"})

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := s.List(ctx, registry.ListQuery{Contains: slow, Limit: 1})
	if registry.ErrorCode(err) != registry.CodeUnavailable || ctx.Err() != nil {
		t.Errorf("a slow search: %v, want CodeUnavailable", err)
	}
}
