package storetest

import (
	"testing"
	"time"

	"nametag/internal/registry"
)

// lawTests are about lookalikes, rulings, changes and the journal.
var lawTests = map[string]func(*testing.T, registry.Store){
	"ALookalikeIsRefused":                lookalikeIsRefused,
	"TheFirstOfLookalikesWinsInACall":    firstLookalikeWins,
	"ALookalikeCanBeAllowed":             lookalikeLetPass,
	"AReservedNameIsRefused":             reservedIsNobodys,
	"ANameThatIsHeldCanNotBeReserved":    heldCanNotBeReserved,
	"AFormerNameIsQuarantined":           renamedLeavesQuarantine,
	"APetMayBeRenamedToItself":           renamedToItself,
	"AnUnavailableNameStopsARename":      renameIsJudged,
	"AReleasedNameIsFreeAfterQuarantine": releasedIsFreeLater,
	"AMissingNameCanNotBeChanged":        nothingToChange,
	"TheJournalRecordsEverything":        journalTells,
	"TheJournalIsReadInPages":            journalInParts,
	"LookupReturnsTheFirstObstacle":      lookTells,
}

// on returns a change that is made days after day.
func on(days int, a registry.Action, c registry.Change) registry.Change {
	c.Action = a
	c.Origin = registry.Origin{At: day.AddDate(0, 0, days), Via: registry.ViaRegistrar, Who: "ada", Reason: "because"}
	return c
}

func apply(t testing.TB, s registry.Store, c registry.Change) registry.Decision {
	t.Helper()
	res, err := s.Apply(t.Context(), c)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return res
}

func reserve(t testing.TB, s registry.Store, name string) registry.Ruling {
	t.Helper()
	n := parse(t, name)
	res := apply(t, s, on(0, registry.ActionReserved, registry.Change{Key: n.Key(), Name: n}))
	if res.Code != "" {
		t.Fatalf("reserving %s: %v", name, res)
	}
	return *res.Ruling
}

// at sets the dates of entries to days after day.
func at(days int, entries ...registry.Entry) []registry.Entry {
	for i := range entries {
		entries[i].Action = registry.ActionRegistered
		entries[i].Origin.At = day.AddDate(0, 0, days)
	}
	return entries
}

func similar(to registry.Pet) registry.Decision {
	return registry.Decision{Code: registry.CodeSimilar, Rival: &to}
}

func keptBy(r registry.Ruling) registry.Decision {
	return registry.Decision{Code: registry.CodeReserved, Ruling: &r}
}

func lookalikeIsRefused(t *testing.T, s registry.Store) {
	bella := newPet(t, "Bella")
	insert(t, s, entriesOf(bella)...)
	for _, name := range []string{"Bel-la", "Bеlla", "B.E.L.L.A.", "BeIIa"} { // the second has a Cyrillic е, the last capital i's
		equal(t, name, insert(t, s, entriesOf(newPet(t, name))...), []registry.Decision{similar(bella)})
	}
	lola, iola := newPet(t, "Lola"), newPet(t, "Iola")
	equal(t, "others", insert(t, s, entriesOf(lola, iola)...), []registry.Decision{registered(lola), registered(iola)})
}

func firstLookalikeWins(t *testing.T, s registry.Store) {
	first, second, third, zoe := newPet(t, "Zo-e"), newPet(t, "zoe"), newPet(t, "A-da"), newPet(t, "ZO.E")
	ada := newPet(t, "Ada")
	equal(t, "results", insert(t, s, entriesOf(first, second, third, zoe, ada)...),
		[]registry.Decision{registered(first), similar(first), registered(third), similar(first), similar(third)})
}

func lookalikeLetPass(t *testing.T, s registry.Store) {
	bella, dashed, dotted := newPet(t, "Bella"), newPet(t, "Bel-la"), newPet(t, "Bel.la")
	insert(t, s, entriesOf(bella)...)
	permit := on(1, registry.ActionAllowLookalike, registry.Change{Key: dashed.Name.Key(), Name: dashed.Name})
	equal(t, "status", apply(t, s, permit).Code, registry.Code(""))
	equal(t, "the other", insert(t, s, entriesOf(dotted)...), []registry.Decision{similar(bella)})
	equal(t, "let pass", insert(t, s, entriesOf(dashed)...), []registry.Decision{registered(dashed)})
	equal(t, "rulings", rulings(t, s), nil)

	equal(t, "let pass by its entry", insert(t, s, passing(entriesOf(dotted))...), []registry.Decision{registered(dotted)})
	equal(t, "the next", insert(t, s, entriesOf(newPet(t, "Bel_la"))...), []registry.Decision{similar(bella)})
}

func rulings(t testing.TB, s registry.Store) []registry.Ruling {
	t.Helper()
	return rulingsAfter(t, s, "")
}

func rulingsAfter(t testing.TB, s registry.Store, key string) []registry.Ruling {
	t.Helper()
	list, err := s.Rulings(t.Context(), key, 100)
	if err != nil {
		t.Fatalf("Rulings: %v", err)
	}
	var all []registry.Ruling
	for _, r := range list {
		all = append(all, r.Ruling())
	}
	return all
}

func reservedIsNobodys(t *testing.T, s registry.Store) {
	king := reserve(t, s, "King")
	for _, name := range []string{"King", "KING", "Ki-ng"} {
		equal(t, name, insert(t, s, entriesOf(newPet(t, name))...), []registry.Decision{keptBy(king)})
	}
	queen := reserve(t, s, "Queen")
	equal(t, "rulings", rulings(t, s), []registry.Ruling{king, queen})
	equal(t, "the rest", rulingsAfter(t, s, "king"), []registry.Ruling{queen})

	res := apply(t, s, on(1, registry.ActionUnreserved, registry.Change{Key: "king", Name: king.Name}))
	equal(t, "taken back", res, registry.Decision{Ruling: &king})
	pet := newPet(t, "King")
	equal(t, "then", insert(t, s, entriesOf(pet)...), []registry.Decision{registered(pet)})
}

func heldCanNotBeReserved(t *testing.T, s registry.Store) {
	rex := newPet(t, "Rex")
	insert(t, s, entriesOf(rex)...)
	for _, a := range []registry.Action{registry.ActionReserved, registry.ActionAllowLookalike} {
		equal(t, string(a), apply(t, s, on(1, a, registry.Change{Key: "rex", Name: parse(t, "REX")})), taken(rex))
	}
}

func renamedLeavesQuarantine(t *testing.T, s registry.Store) {
	rex := newPet(t, "Rex")
	insert(t, s, entriesOf(rex)...)
	maxPet := rex
	maxPet.Name = parse(t, "Max")
	c := on(1, registry.ActionRenamed, registry.Change{Key: "rex", Name: maxPet.Name, Until: day.AddDate(0, 0, 10)})
	kept := registry.Ruling{Kind: registry.RulingQuarantine, Name: rex.Name, At: day.AddDate(0, 0, 1), Until: c.Until}
	equal(t, "renamed", apply(t, s, c), registry.Decision{Pet: &maxPet, Ruling: &kept})
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 5}), []registry.Pet{maxPet})
	equal(t, "rulings", rulings(t, s), []registry.Ruling{kept})
	equal(t, "in quarantine", insert(t, s, at(9, entriesOf(newPet(t, "R-ex"))...)...), []registry.Decision{keptBy(kept)})
	equal(t, "the new name", insert(t, s, at(9, entriesOf(newPet(t, "MAX"))...)...), []registry.Decision{taken(maxPet)})
	again := newPet(t, "Rex")
	equal(t, "later", insert(t, s, at(10, entriesOf(again)...)...), []registry.Decision{registered(again)})
	equal(t, "rulings, later", rulings(t, s), nil)
}

func renamedToItself(t *testing.T, s registry.Store) {
	rex := newPet(t, "rex")
	insert(t, s, entriesOf(rex)...)
	for _, name := range []string{"Rex", "R-ex"} {
		key := rex.Name.Key()
		rex.Name = parse(t, name)
		c := on(1, registry.ActionRenamed, registry.Change{Key: key, Name: rex.Name})
		equal(t, name, apply(t, s, c), registry.Decision{Pet: &rex})
	}
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 5}), []registry.Pet{rex})
	equal(t, "a lookalike", insert(t, s, entriesOf(newPet(t, "Rex"))...), []registry.Decision{similar(rex)})
}

func renameIsJudged(t *testing.T, s registry.Store) {
	rex, bella := newPet(t, "Rex"), newPet(t, "Bella")
	insert(t, s, entriesOf(rex, bella)...)
	king := reserve(t, s, "King")
	to := func(name string) registry.Decision {
		return apply(t, s, on(1, registry.ActionRenamed, registry.Change{Key: "rex", Name: parse(t, name)}))
	}
	equal(t, "taken", to("BELLA"), taken(bella))
	equal(t, "similar", to("Bel-la"), similar(bella))
	equal(t, "reserved", to("Ki-ng"), keptBy(king))
	equal(t, "in the book", find(t, s, "rex", "bella"), map[string]registry.Pet{"rex": rex, "bella": bella})
}

func releasedIsFreeLater(t *testing.T, s registry.Store) {
	rex, ada := newPet(t, "Rex"), newPet(t, "Ada")
	insert(t, s, entriesOf(rex, ada)...)
	release := func(key string, until time.Time) registry.Decision {
		return apply(t, s, on(1, registry.ActionReleased, registry.Change{Key: key, Until: until}))
	}
	kept := registry.Ruling{Kind: registry.RulingQuarantine, Name: rex.Name, At: day.AddDate(0, 0, 1), Until: day.AddDate(0, 0, 3)}
	equal(t, "released", release("rex", kept.Until), registry.Decision{Pet: &rex, Ruling: &kept})
	equal(t, "with no quarantine", release("ada", time.Time{}), registry.Decision{Pet: &ada})
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 5}), nil)
	equal(t, "the next day", insert(t, s, at(2, entriesOf(rex, ada)...)...), []registry.Decision{
		keptBy(kept), registered(ada)})
	equal(t, "then", insert(t, s, at(3, entriesOf(rex)...)...), []registry.Decision{registered(rex)})
}

func nothingToChange(t *testing.T, s registry.Store) {
	before := head(t, s)
	for _, a := range []registry.Action{registry.ActionRenamed, registry.ActionCorrected, registry.ActionReleased, registry.ActionUnreserved} {
		equal(t, string(a), apply(t, s, on(0, a, registry.Change{Key: "rex", Name: parse(t, "Max")})), registry.Decision{Code: registry.CodeNotFound})
	}
	if _, err := s.Apply(t.Context(), on(0, "painted", registry.Change{Key: "rex"})); err == nil {
		t.Error("a change that there is not was made")
	}
	equal(t, "head", head(t, s), before)
}

func head(t testing.TB, s registry.Store) registry.Head {
	t.Helper()
	h, err := s.JournalHead(t.Context())
	if err != nil {
		t.Fatalf("JournalHead: %v", err)
	}
	return h
}

func records(t testing.TB, s registry.Store, q registry.JournalQuery) []registry.Record {
	t.Helper()
	list, err := s.Journal(t.Context(), q)
	if err != nil {
		t.Fatalf("Journal: %v", err)
	}
	return list
}

func journalTells(t *testing.T, s registry.Store) {
	equal(t, "head of nothing", head(t, s), registry.Head{})
	rex := newPet(t, "Rex")
	e := registry.Entry{Pet: rex, Action: registry.ActionRegistered,
		Origin: registry.Origin{At: day.Add(time.Hour), Via: registry.ViaAPI, Policy: "open-1"}}
	e.IdempotencyKey = "once"
	entered := insert(t, s, e, registry.Entry{Pet: newPet(t, "REX")}, e)
	again := insert(t, s, e)
	maxName := parse(t, "Max <&>")
	c := on(1, registry.ActionRenamed, registry.Change{Key: "rex", Name: maxName, Until: day.AddDate(0, 0, 9)})
	changed := apply(t, s, c)

	all := records(t, s, registry.JournalQuery{Limit: 10})
	renamed := rex
	renamed.Name = maxName
	kept := registry.NewRulingState(registry.Ruling{Kind: registry.RulingQuarantine, Name: rex.Name, At: c.Origin.At, Until: c.Until})
	one := registry.Head{}.Append(registry.NewEvent(registry.ActionRegistered, e.Origin, registry.State{}, registry.State{Pet: registry.NewPetState(rex, false)}))
	two := one.Head().Append(registry.NewEvent(registry.ActionRenamed, c.Origin,
		registry.State{Pet: registry.NewPetState(rex, false)}, registry.State{Pet: registry.NewPetState(renamed, false), Ruling: kept}))
	equal(t, "journal", all, []registry.Record{one, two})
	told := []*registry.Record{entered[0].Record, entered[1].Record, entered[2].Record, again[0].Record, changed.Record}
	equal(t, "what the results tell of it", told, []*registry.Record{&one, nil, nil, nil, &two})
	equal(t, "head", head(t, s), two.Head())
	equal(t, "of the old name", records(t, s, registry.JournalQuery{Key: "rex", Limit: 10}), all)
	equal(t, "of the new name", records(t, s, registry.JournalQuery{Key: maxName.Key(), Limit: 10}), all[1:])
	equal(t, "of nobody", records(t, s, registry.JournalQuery{Key: "max", Limit: 10}), nil)
	found, err := registry.New(s, nil).VerifyJournal(t.Context(), []registry.Head{one.Head(), two.Head()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "verification", found, registry.Verification{Head: two.Head()})
}

func journalInParts(t *testing.T, s registry.Store) {
	insert(t, s, entriesOf(numbered(t, "Pet", 25)...)...)
	var seqs []int64
	for after := int64(0); ; {
		part := records(t, s, registry.JournalQuery{After: after, Limit: 10})
		for _, r := range part {
			after = r.Seq
			seqs = append(seqs, r.Seq)
		}
		if len(part) < 10 {
			break
		}
	}
	for i, seq := range seqs {
		if seq != int64(i+1) {
			t.Fatalf("row %d has the number %d", i, seq)
		}
	}
	if len(seqs) != 25 {
		t.Errorf("%d rows, want 25", len(seqs))
	}
}

func lookTells(t *testing.T, s registry.Store) {
	bella := newPet(t, "Bella")
	insert(t, s, entriesOf(bella)...)
	king := reserve(t, s, "King")
	apply(t, s, on(0, registry.ActionAllowLookalike, registry.Change{Name: parse(t, "Bel.la")}))
	var asked []registry.Name
	for _, name := range []string{"Free", "BELLA", "Bel-la", "Bel.la", "King", "Ki-ng"} {
		asked = append(asked, parse(t, name))
	}
	got, err := s.Lookup(t.Context(), registry.Inquiry{Names: asked, At: day, WithRivals: true})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "decisions", got, []registry.Decision{{}, taken(bella), similar(bella), {}, keptBy(king), keptBy(king)})
	for i, d := range got {
		equal(t, "name", d.Name, asked[i])
	}
	equal(t, "the rule", got[2].Rule, registry.RuleLookalikes)
	got, err = s.Lookup(t.Context(), registry.Inquiry{Names: asked, At: day, WithRivals: true, AllowLookalike: true})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "decisions that allow lookalikes", got, []registry.Decision{{}, taken(bella), {}, {}, keptBy(king), {}})
	if none, err := s.Lookup(t.Context(), registry.Inquiry{At: day}); err != nil || len(none) != 0 {
		t.Errorf("Lookup of nothing: %v, %v", none, err)
	}
}
