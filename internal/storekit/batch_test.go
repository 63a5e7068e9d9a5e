package storekit

import (
	"slices"
	"testing"

	"nametag"
)

func pet(t *testing.T, name string) nametag.Pet {
	t.Helper()
	n, err := nametag.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return nametag.Pet{Name: n, FavoriteColor: "red", Category: nametag.Cat}
}

func statuses(results []nametag.Result) []nametag.InsertStatus {
	var all []nametag.InsertStatus
	for _, r := range results {
		all = append(all, r.Status)
	}
	return all
}

func TestTheFirstOfANameIsTheCandidate(t *testing.T) {
	b := NewBatch([]nametag.Entry{{Pet: pet(t, "Rex")}, {Pet: pet(t, "Ada")}, {Pet: pet(t, "REX")}})
	var names []string
	for _, p := range b.Candidates() {
		names = append(names, p.Name.String())
	}
	if want := []string{"Ada", "Rex"}; !slices.Equal(names, want) {
		t.Fatalf("candidates %q, want %q", names, want)
	}
	b.Settle(map[string]bool{"ada": true, "rex": true}, nil)
	want := []nametag.InsertStatus{nametag.InsertRegistered, nametag.InsertRegistered, nametag.InsertTaken}
	if got := statuses(b.Results()); !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	if holder := b.Results()[2].Pet.Name.String(); holder != "Rex" {
		t.Errorf("the third is told that %q has the name, want Rex", holder)
	}
}

func TestAKeyOfAnEarlierCallDecidesForEveryEntryThatHasIt(t *testing.T) {
	mine, other := [32]byte{1}, [32]byte{2}
	b := NewBatch([]nametag.Entry{
		{Pet: pet(t, "Rex"), IdempotencyKey: "k", Fingerprint: other},
		{Pet: pet(t, "Rex"), IdempotencyKey: "k", Fingerprint: mine},
		{Pet: pet(t, "Rex")},
	})
	old := nametag.Result{Status: nametag.InsertTaken, Pet: pet(t, "Old")}
	b.Replay(Answer{Claim{"k", mine}, old})
	if n := len(b.Candidates()); n != 1 {
		t.Fatalf("%d candidates, want the one without a key", n)
	}
	b.Settle(map[string]bool{"rex": true}, nil)
	want := []nametag.InsertStatus{nametag.InsertKeyReused, nametag.InsertTaken, nametag.InsertRegistered}
	if got := statuses(b.Results()); !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	if got := b.Results()[1].Pet; !got.Same(old.Pet) {
		t.Errorf("the retry is told of %v, want %v", got, old.Pet)
	}
	if answers := b.Answers(); len(answers) != 0 {
		t.Errorf("answers to remember: %v, want none", answers)
	}
}

func TestALoserWhoseHolderIsGoneKnowsNobody(t *testing.T) {
	b := NewBatch([]nametag.Entry{{Pet: pet(t, "Rex"), IdempotencyKey: "k"}})
	b.Candidates()
	if got := b.Losers(nil); !slices.Equal(got, []string{"rex"}) {
		t.Fatalf("losers %q, want rex", got)
	}
	b.Settle(nil, nil)
	want := nametag.Result{Status: nametag.InsertTaken}
	if got := b.Results()[0]; got != want {
		t.Errorf("result %v, want %v", got, want)
	}
	if answers := b.Answers(); len(answers) != 1 || answers[0].Result != want {
		t.Errorf("answers %v, want the one result", answers)
	}
}
