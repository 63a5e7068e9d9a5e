package registry_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nametag/internal/registry"
	"nametag/internal/sqlite"
	"nametag/internal/wording"
)

// A desk is a registry on a book of its own, with a clock that the test sets.
type desk struct {
	*registry.Registry
	store registry.Store
	file  string
	now   time.Time
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{file: filepath.Join(t.TempDir(), "book.db"), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, err := sqlite.Open(t.Context(), d.file, sqlite.Options{Serve: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d.store = s
	d.Registry = registry.New(s, func() time.Time { return d.now }).WithOrigin(registry.ViaRegistrar, "ada", "because")
	return d
}

func (d *desk) register(t testing.TB, name string) registry.Decision {
	t.Helper()
	return must(t)(d.Register(t.Context(), registry.Application{Name: name, FavoriteColor: "sky blue", Category: "cat"}))
}

func (d *desk) mustRegister(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		allowed(t, d.register(t, name))
	}
}

// must returns a decision that no error came with.
func must(t testing.TB) func(registry.Decision, error) registry.Decision {
	t.Helper()
	return func(d registry.Decision, err error) registry.Decision {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// allowed sees that d refuses nothing.
func allowed(t testing.TB, d registry.Decision) {
	t.Helper()
	if d.Code != "" {
		t.Fatalf("refused: %s: %s", d.Code, wording.Reason(d))
	}
}

// refuses sees that d has this code and that people are told so.
func refuses(t testing.TB, d registry.Decision, code registry.Code, words ...string) {
	t.Helper()
	if d.Code != code {
		t.Errorf("the code is %q, want %q", d.Code, code)
	}
	for _, w := range words {
		if reason := wording.Reason(d); !strings.Contains(reason, w) {
			t.Errorf("%q does not say %q", reason, w)
		}
	}
}

// says sees that err has this code and that people are told so.
func says(t testing.TB, err error, code registry.Code, words ...string) {
	t.Helper()
	if registry.ErrorCode(err) != code {
		t.Errorf("%v, want %s", err, code)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestChecksAndRegistrationsDecideAlike(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRegister(t, "Bella", "Gone")
	allowed(t, must(t)(d.Reserve(t.Context(), "King")))
	allowed(t, must(t)(d.Release(t.Context(), "gone")))
	for name, want := range map[string]struct {
		code   registry.Code
		reason string
	}{
		"Free":   {"", ""},
		"BELLA":  {registry.CodeTaken, "“BELLA” is taken: a cat has had “Bella” since 1 March 2026."},
		"Bel-la": {registry.CodeSimilar, "“Bel-la” is too similar to “Bella”, which a cat has had since 1 March 2026."},
		"King":   {registry.CodeReserved, "“King” is reserved: because."},
		"Ki-ng":  {registry.CodeReserved, "“Ki-ng” is too similar to “King”, which is reserved: because."},
		"Gone":   {registry.CodeReserved, "“Gone” was given up by its pet and is free again after 30 May 2026."},
		"--":     {registry.CodeInvalid, "no letter"},
	} {
		checked := must(t)(d.Suggest(t.Context(), registry.Application{Name: name, FavoriteColor: "sky blue", Category: "cat"}))
		refuses(t, checked, want.code, want.reason)
		decided := d.register(t, name)
		refuses(t, decided, want.code, want.reason)
		if want.code == "" || want.code == registry.CodeInvalid {
			continue
		}
		if !slices.Equal(decided.Suggestions, checked.Suggestions) || len(checked.Suggestions) != 3 {
			t.Errorf("%s: registering suggests %q, checking %q", name, decided.Suggestions, checked.Suggestions)
		}
		base := name
		if checked.Code == registry.CodeSimilar { // not of the spelling that passes for another
			base = checked.Rival.Name.String()
		}
		if checked.Suggestions[0].String() != base+" Sky Blue" {
			t.Errorf("%s: %q are suggested", name, checked.Suggestions)
		}
	}
	d.now = d.now.AddDate(0, 0, 91)
	d.mustRegister(t, "Gone")
}

func TestSuggestionsGoOnWhereOthersWereTaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRegister(t, "Bella", "Bella II", "Bella Sky Blue")
	ask := func(name string) []string {
		v, err := d.Suggest(t.Context(), registry.Application{Name: name, FavoriteColor: "sky blue", Category: "cat"})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, n := range v.Suggestions {
			names = append(names, n.String())
		}
		return names
	}
	got := ask("Bella")
	if len(got) != 3 || slices.Contains(got, "Bella II") || slices.Contains(got, "Bella Sky Blue") || got[0] != "Bella the Cat" {
		t.Errorf("suggested: %q", got)
	}
	if again := ask("Bella"); !slices.Equal(got, again) {
		t.Errorf("then: %q", again)
	}
	if got := ask("Bella II"); !slices.Contains(got, "Bella III") {
		t.Errorf("instead of the second: %q", got)
	}
}

func TestAPolicyThatMakesSuggestionsHard(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRegister(t, "Bella")
	for _, r := range registry.Presets() {
		p := newPolicy(t, r)
		v, err := d.WithPolicy(p).Suggest(t.Context(), registry.Application{Name: "Bella"})
		if err != nil || len(v.Suggestions) != 3 {
			t.Errorf("%s: %q, %v", r.Name, v.Suggestions, err)
		}
		for _, n := range v.Suggestions {
			refuses(t, p.Judge(n), "")
		}
	}
}

func TestRegistrarsWorkOnTheRecord(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t), t.Context()
	d.mustRegister(t, "Rex", "Bella")
	allowed(t, must(t)(d.Rename(ctx, "rex", "Max", false)))
	allowed(t, must(t)(d.Rename(ctx, "Max", "Tom", false)))
	refuses(t, must(t)(d.Rename(ctx, "Tom", "Bel-la", false)), registry.CodeSimilar)
	allowed(t, must(t)(d.Rename(ctx, "Tom", "Bel-la", true)))
	_, err := d.Rename(ctx, "Tom", "Tim", false)
	says(t, err, registry.CodeNotFound, "“Tom”")
	refuses(t, must(t)(d.Rename(ctx, "Bella", "REX", false)), registry.CodeReserved, "30 May 2026")
	refuses(t, must(t)(d.Rename(ctx, "Bella", "", false)), registry.CodeInvalid, "is empty")
	refuses(t, must(t)(d.Reserve(ctx, "BELLA")), registry.CodeTaken)
	_, err = d.Unreserve(ctx, "Nobody")
	says(t, err, registry.CodeNotFound, "no ruling on “Nobody”")
	_, err = d.Release(ctx, "Nobody")
	says(t, err, registry.CodeNotFound)

	for _, old := range []string{"Rex", "max", "Tom"} {
		if pet, err := d.Successor(ctx, old); err != nil || pet.Name.String() != "Bel-la" {
			t.Errorf("who was %s is %v (%v)", old, pet, err)
		}
	}
	_, err = d.Successor(ctx, "Nobody")
	says(t, err, registry.CodeNotFound)

	// Other pets get the first two names, and stories of their own.
	for _, name := range []string{"Rex", "Max"} {
		allowed(t, must(t)(d.Unreserve(ctx, name)))
		d.mustRegister(t, name)
	}
	told := func(name string) string {
		story, err := d.History(ctx, parseName(t, name))
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, e := range story {
			words = append(words, fmt.Sprintf("%d %s", e.Seq, e.Action))
		}
		return strings.Join(words, ", ")
	}
	for name, want := range map[string]string{
		"Bel-la": "1 registered, 3 renamed, 4 renamed, 5 renamed",
		"Rex":    "1 registered, 3 renamed, 6 unreserved, 7 registered",
		"Max":    "1 registered, 3 renamed, 4 renamed, 8 unreserved, 9 registered",
		"Bella":  "2 registered",
		"Nobody": "",
	} {
		if got := told(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if n, of, err := d.WithPolicy(newPolicy(t, preset(t, "kennel-club"))).CountViolations(ctx); n != 4 || of != 4 || err != nil {
		t.Errorf("%d of %d pets break the policy (%v)", n, of, err)
	}
	if n, _, err := d.CountViolations(ctx); n != 0 || err != nil {
		t.Errorf("%d pets break the policy that they were registered under (%v)", n, err)
	}
	allowed(t, must(t)(d.Release(ctx, "Max")))
	if pet, err := d.Successor(ctx, "Rex"); err != nil || pet.Name.String() != "Bel-la" {
		t.Errorf("who was the first Rex is %v (%v)", pet, err)
	}
	_, err = d.Successor(ctx, "Max") // the last of that name has left the book
	says(t, err, registry.CodeNotFound)
}

// An idempotency key remembers that the name was reserved, but not why.
func TestARetryOfAReservedNameIsToldSo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	allowed(t, must(t)(d.Reserve(t.Context(), "King")))
	for _, words := range []string{"“King” is reserved: because.", "“King” is reserved."} {
		refused := must(t)(d.Register(t.Context(), registry.Application{Name: "King", FavoriteColor: "red", Category: "cat", IdempotencyKey: "k"}))
		refuses(t, refused, registry.CodeReserved, words)
	}
}

func TestALookalikeIsLetPassOnce(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t), t.Context()
	d.mustRegister(t, "Bella")
	refuses(t, d.register(t, "Bel-la"), registry.CodeSimilar)
	allowed(t, must(t)(d.AllowLookalike(ctx, "Bel-la")))
	if v, err := d.Check(ctx, "Bel-la", "Bel.la"); err != nil || v[0].Code != "" || v[1].Code != registry.CodeSimilar {
		t.Errorf("decisions: %v, %v", v, err)
	}
	d.mustRegister(t, "Bel-la")
	open := newPolicy(t, registry.Rules{Name: "all", AllowLookalikes: true})
	if v, err := d.WithPolicy(open).Check(ctx, "Bel.la"); err != nil || v[0].Code != "" {
		t.Errorf("decision: %v, %v", v, err)
	}
	allowed(t, must(t)(d.WithPolicy(open).Register(ctx, registry.Application{Name: "Bel.la", FavoriteColor: "red", Category: "dog"})))
}

// Whatever is done to the journal behind the program's back is found.
func TestVerifyFindsEveryTampering(t *testing.T) {
	t.Parallel()
	const rows = 5
	for name, test := range map[string]struct {
		do   string
		want string // "" for what only a noted head shows
	}{
		"a byte altered":        {`UPDATE journal SET entry = replace(entry, '"Pet 3"', '"Pet 8"') WHERE seq = 3`, "Row 3 was altered"},
		"a hash altered":        {`UPDATE journal SET hash = zeroblob(32) WHERE seq = 3`, "Row 3 was altered"},
		"a hash made longer":    {`UPDATE journal SET hash = CAST(hash || x'00' AS BLOB) WHERE seq = 3`, "Row 3 was altered"},
		"a row removed":         {`DELETE FROM journal WHERE seq = 3`, "Row 3 is missing."},
		"rows removed":          {`DELETE FROM journal WHERE seq IN (2, 3)`, "Rows 2 to 3 are missing."},
		"the last row removed":  {`DELETE FROM journal WHERE seq = 5`, "The journal head is row 5"},
		"the last row hidden":   {`DELETE FROM journal WHERE seq = 5; UPDATE journal_head SET (seq, hash) = (SELECT seq, hash FROM journal WHERE seq = 4)`, "“Pet 5” is in the registry, but not in the journal."},
		"all rows removed":      {`DELETE FROM journal; UPDATE journal_head SET seq = 0, hash = zeroblob(32)`, "“Pet 1” is in the registry, but not in the journal."},
		"all removed":           {`DELETE FROM journal; DELETE FROM pets; UPDATE journal_head SET seq = 0, hash = zeroblob(32)`, ""},
		"the head set back":     {`UPDATE journal_head SET (seq, hash) = (SELECT seq, hash FROM journal WHERE seq = 1)`, "The journal continues to row 5, but its head is row 1."},
		"the head set to none":  {`UPDATE journal_head SET seq = 0, hash = zeroblob(32)`, "The journal continues to row 5, but its head is row 0."},
		"the head's hash wrong": {`UPDATE journal_head SET hash = zeroblob(32)`, "The journal head is row 5, but that row is missing or another."},
		"the head set forward":  {`UPDATE journal_head SET seq = 6`, "The journal head is row 6"},
		"the head removed":      {`DELETE FROM journal_head`, "The journal head is missing, so rows after row 5 may be missing"},
		"and an altered row":    {`DELETE FROM journal_head; UPDATE journal SET hash = zeroblob(32) WHERE seq = 3`, "Row 3 was altered"},
		"a row inserted":        {`INSERT INTO journal SELECT 6, name_key, former_key, entry, hash, by_pet FROM journal WHERE seq = 5`, "Row 6 was altered"},
		"a row filed elsewhere": {`UPDATE journal SET name_key = 'nobody' WHERE seq = 3`, "Row 3 has other name keys"},
		"rows exchanged":        {`UPDATE journal SET seq = 9 WHERE seq = 2; UPDATE journal SET seq = 2 WHERE seq = 3; UPDATE journal SET seq = 3 WHERE seq = 9`, "Row 2 was altered"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			for i := range rows {
				d.mustRegister(t, fmt.Sprintf("Pet %d", i+1))
			}
			whole, err := d.VerifyJournal(t.Context(), nil, nil)
			if err != nil || len(whole.Faults) > 0 || whole.Head.Seq != rows {
				t.Fatalf("before: %v, %v", whole, err)
			}
			tamper(t, d.file, test.do)
			v, err := d.VerifyJournal(t.Context(), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if found := strings.Join(append(v.Faults, v.Differences...), "\n"); test.want == "" && found != "" || !strings.Contains(found, test.want) {
				t.Errorf("found: %q, want %q", found, test.want)
			}
			v, err = d.VerifyJournal(t.Context(), []registry.Head{whole.Head}, nil)
			if err != nil || len(v.Faults) == 0 {
				t.Errorf("with a head that was noted: %v, %v", v, err)
			}
		})
	}
}

// Whatever is done to the book behind the program's back is found.
func TestVerifyFindsWhatWasChangedPastTheJournal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do   string
		want []string
	}{
		"nothing": {`UPDATE pets SET name = name`, nil},
		"a pet renamed": {`UPDATE pets SET name = 'Stella', name_key = 'stella', lookalike_key = 'stella' WHERE name = 'Bella'`,
			[]string{"“Bella” is in the journal, but not in the registry.", "“Stella” is in the registry, but not in the journal."}},
		"a pet removed": {`DELETE FROM pets WHERE name = 'Bella'`, []string{"“Bella” is in the journal, but not in the registry."}},
		"a pet put back": {`INSERT INTO pets SELECT 'gone', 'gone', 0, 'Gone', favorite_color, category, registered_at_us, 0 FROM pets WHERE name = 'Bella'`,
			[]string{"“Gone” is in the registry, but not in the journal."}},
		"a spelling": {`UPDATE pets SET name = 'BELLA' WHERE name = 'Bella'`, []string{"“BELLA” is in the journal with another spelling: “Bella”, not “BELLA”."}},
		"a colour and a category": {`UPDATE pets SET favorite_color = 'red', category = 'dog' WHERE name = 'Bella'`,
			[]string{"“Bella” is in the journal with another colour: “sky blue”, not “red”, with another category: “cat”, not “dog”."}},
		"a date": {`UPDATE pets SET registered_at_us = registered_at_us - 1 WHERE name = 'Bella'`,
			[]string{"“Bella” is in the journal with another date: “2026-03-01T12:00:00Z”, not “2026-03-01T11:59:59.999999Z”."}},
		"a lookalike key": {`UPDATE pets SET lookalike_key = 'x' WHERE name = 'Bella'`, []string{"“Bella” is in the journal with another lookalike key: “bella”, not “x”."}},
		"who is let pass": {`UPDATE pets SET let_pass = 1 WHERE name = 'Bella'`,
			[]string{"“Bella” is in the journal with another exemption: “false”, not “true”."}},
		"colours exchanged": {`UPDATE pets SET favorite_color = CASE name WHEN 'Max' THEN 'sky blue' ELSE 'green' END WHERE name IN ('Max', 'Bella')`,
			[]string{"“Bella” is in the journal with another colour: “sky blue”, not “green”.", "“Max” is in the journal with another colour: “green”, not “sky blue”."}},
		"a ruling removed": {`DELETE FROM rulings WHERE name = 'King'`, []string{"A ruling on “King” is in the journal, but not in the registry: reserved."}},
		"a ruling added": {`INSERT INTO rulings SELECT 'x', 'x', kind, 'X', reason, at_us, until_us FROM rulings WHERE name = 'King'`,
			[]string{"A ruling on “X” is in the registry, but not in the journal: reserved."}},
		"a quarantine cut": {`UPDATE rulings SET until_us = NULL WHERE name = 'Gone'`,
			[]string{"The ruling on “Gone” differs in the journal: its end: “2026-05-30T12:00:00Z”, not “none”."}},
		"a reason": {`UPDATE rulings SET reason = 'x' WHERE name = 'King'`,
			[]string{"The ruling on “King” differs in the journal: its reason: “because”, not “x”."}},
	} {
		t.Run(name, func(t *testing.T) {
			d, ctx := newDesk(t), t.Context()
			d.mustRegister(t, "Bella", "Rex", "Gone")
			allowed(t, must(t)(d.Reserve(ctx, "King")))
			allowed(t, must(t)(d.Rename(ctx, "Rex", "Max", false)))
			if _, err := d.Correct(ctx, "Max", "green", ""); err != nil {
				t.Fatal(err)
			}
			allowed(t, must(t)(d.Release(ctx, "Gone")))
			allowed(t, must(t)(d.Unreserve(ctx, "Rex")))
			tamper(t, d.file, test.do)
			v, err := d.VerifyJournal(ctx, nil, nil)
			if err != nil || len(v.Faults) > 0 || !slices.Equal(v.Differences, test.want) {
				t.Errorf("found: %q and %q (%v), want %q", v.Faults, v.Differences, err, test.want)
			}
		})
	}
}

// For each name, the last row of the journal counts, so a difference can be corrected by another row.
func TestADifferenceIsCorrectedInTheJournal(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t), t.Context()
	d.mustRegister(t, "Bella", "Rex")
	tamper(t, d.file, `UPDATE pets SET favorite_color = 'red' WHERE name = 'Bella'; DELETE FROM pets WHERE name = 'Rex'`)
	if v, err := d.VerifyJournal(ctx, nil, nil); err != nil || len(v.Differences) != 2 {
		t.Fatalf("found: %+v, %v", v, err)
	}
	if _, err := d.Correct(ctx, "Bella", "sky blue", ""); err != nil {
		t.Fatal(err)
	}
	d.mustRegister(t, "Rex")
	if v, err := d.VerifyJournal(ctx, nil, nil); err != nil || len(v.Faults)+len(v.Differences) > 0 {
		t.Errorf("found then: %+v, %v", v, err)
	}
}

// A busyStore has a pet registered whenever the book or the journal was read.
type busyStore struct {
	registry.Store
	register func()
}

func (s busyStore) Snapshot(ctx context.Context, visit func(registry.State) error) (registry.Head, error) {
	defer s.register()
	return s.Store.Snapshot(ctx, visit)
}

func (s busyStore) Journal(ctx context.Context, q registry.JournalQuery) ([]registry.Record, error) {
	defer s.register()
	return s.Store.Journal(ctx, q)
}

func TestVerifyMindsWhoeverRegistersMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRegister(t, "Bella", "Rex")
	n := 0
	busy := busyStore{d.store, func() {
		n++
		d.mustRegister(t, fmt.Sprintf("Pet %d", n))
	}}
	r := registry.New(busy, nil)
	if v, err := r.VerifyJournal(t.Context(), nil, nil); err != nil || len(v.Faults)+len(v.Differences) > 0 || v.Head.Seq < 3 {
		t.Errorf("found: %+v, %v", v, err)
	}
	tamper(t, d.file, `DELETE FROM pets WHERE name = 'Bella'`)
	v, err := r.VerifyJournal(t.Context(), nil, nil)
	if want := []string{"“Bella” is in the journal, but not in the registry."}; err != nil || len(v.Faults) > 0 || !slices.Equal(v.Differences, want) {
		t.Errorf("found: %+v, %v; want %q", v, err, want)
	}
}

func TestCorrecting(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t), t.Context()
	d.mustRegister(t, "Bella")
	for _, test := range []struct {
		color, category string
		want            registry.Pet
	}{
		{" light   green ", "", registry.Pet{FavoriteColor: "light green", Category: "cat"}},
		{"", "Dogs", registry.Pet{FavoriteColor: "light green", Category: "dog"}},
		{"red", "cat", registry.Pet{FavoriteColor: "red", Category: "cat"}},
	} {
		pet, err := d.Correct(ctx, "BELLA", test.color, test.category)
		test.want.Name, test.want.RegisteredAt = parseName(t, "Bella"), d.now
		if found, ferr := d.Pet(ctx, "Bella"); err != nil || ferr != nil || !pet.Same(test.want) || !found.Same(test.want) {
			t.Errorf("%q, %q: %v (%v), in the book %v (%v)", test.color, test.category, pet, err, found, ferr)
		}
	}
	_, err := d.Correct(ctx, "Nobody", "red", "")
	says(t, err, registry.CodeNotFound, "“Nobody”")
	_, err = d.Correct(ctx, "Bella", "\a", "")
	says(t, err, registry.CodeNotAllowed)
	_, err = d.Correct(ctx, "Bella", "", "goat")
	says(t, err, registry.CodeUnknownCategory, "goat")
	story, err := d.History(ctx, parseName(t, "Bella"))
	if err != nil || len(story) != 4 || story[3].Action != registry.ActionCorrected || story[3].Before.Pet.Category != "dog" || story[3].Reason != "because" {
		t.Errorf("the journal tells %+v (%v)", story, err)
	}
}

// A name with more events than are read at once.
func TestAStoryIsToldToItsEnd(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t), t.Context()
	for range 1001 {
		allowed(t, must(t)(d.Reserve(ctx, "Rex")))
	}
	allowed(t, must(t)(d.Unreserve(ctx, "Rex")))
	d.mustRegister(t, "Rex")
	allowed(t, must(t)(d.Rename(ctx, "Rex", "Max", false)))
	for _, name := range []string{"Rex", "Max"} {
		story, err := d.History(ctx, parseName(t, name))
		if err != nil || len(story) != 1004 || story[1003].Action != registry.ActionRenamed {
			t.Errorf("the story of %s has %d events (%v)", name, len(story), err)
		}
	}
	if pet, err := d.Successor(ctx, "Rex"); err != nil || pet.Name.String() != "Max" {
		t.Errorf("who was Rex is %v (%v)", pet, err)
	}
}

func tamper(t *testing.T, file, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

func TestParseHead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.mustRegister(t, "Rex")
	v, err := d.VerifyJournal(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := registry.ParseHead(v.Head.String()); err != nil || h != v.Head {
		t.Errorf("%v, %v", h, err)
	}
	for _, bad := range []string{"", "7", "7:", "7:00", "x:" + v.Head.String()[2:], "-1" + v.Head.String()[1:], v.Head.String() + "00"} {
		if _, err := registry.ParseHead(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// frequentNames returns the n most frequent names of Seattle's pets.
func frequentNames(t testing.TB, n int) []string {
	t.Helper()
	count, shown := map[string]int{}, map[string]string{}
	for _, name := range licences(t) {
		count[name.Key()]++
		shown[name.Key()] = name.String()
	}
	keys := make([]string, 0, len(count))
	for key := range count {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if c := count[b] - count[a]; c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	names := make([]string, n)
	for i, key := range keys[:n] {
		names[i] = shown[key]
	}
	return names
}

// fill registers names as an import does, as far as they may be registered.
func fill(t testing.TB, r *registry.Registry, names []string) {
	t.Helper()
	var applications []registry.Application
	for _, name := range names {
		applications = append(applications, registry.Application{Name: name, FavoriteColor: "red", Category: "dog"})
	}
	for part := range slices.Chunk(applications, 1000) {
		if _, err := r.RegisterAll(context.Background(), part); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSuggestionsForTheNamesOfSeattle(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	names := frequentNames(t, 1000)
	fill(t, d.Registry, frequentNames(t, 10_000))
	for _, name := range names {
		v, err := d.Suggest(t.Context(), registry.Application{Name: name, Category: "dog", FavoriteColor: "blue"})
		if err != nil {
			t.Fatal(err)
		}
		if v.Code == "" || len(v.Suggestions) != 3 {
			t.Fatalf("%s is %q, and %q are suggested", name, v.Code, v.Suggestions)
		}
		seen := map[string]bool{}
		var texts []string
		for _, n := range v.Suggestions {
			seen[n.Key()], seen[n.LookalikeKey()] = true, true
			texts = append(texts, n.String())
			refuses(t, d.Policy().Judge(n), "")
		}
		if len(seen) < 3 {
			t.Errorf("%s: %q are suggested", name, texts)
		}
		free, err := d.Check(t.Context(), texts...)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range free {
			if f.Code != "" {
				t.Errorf("%s: %s is suggested, but it is %s", name, f.Name, f.Code)
			}
		}
	}
}

// The ratio of the two is what suggestions cost.
func BenchmarkCheck(b *testing.B) {
	d := newDesk(b)
	names := frequentNames(b, 1000)
	fill(b, d.Registry, frequentNames(b, 10_000))
	b.Run("Taken", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := d.Check(b.Context(), names[i%len(names)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("TakenWithSuggestions", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := d.Suggest(b.Context(), registry.Application{Name: names[i%len(names)]}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
