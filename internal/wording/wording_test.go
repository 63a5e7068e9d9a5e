package wording

import (
	"slices"
	"testing"

	"nametag/internal/registry"
)

func TestReasons(t *testing.T) {
	rules := registry.Open.Rules()
	rules.Reserved = []registry.Reserved{{Name: "King", Reason: "Kept for the club."}}
	policy, err := registry.NewPolicy(rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		application registry.Application
		reason      string
		reasons     []string
	}{
		{registry.Application{Name: "King", FavoriteColor: "red", Category: "dog"}, "“King” is reserved: Kept for the club.",
			[]string{"“King” is reserved: Kept for the club."}},
		{registry.Application{Name: " ", FavoriteColor: "red", Category: "dog"}, "The name is empty. Please type one.",
			[]string{"The name is empty. Please type one."}},
		{registry.Application{Name: "King", FavoriteColor: "", Category: "Goat"}, "3 fields are invalid.",
			[]string{"“King” is reserved: Kept for the club.", "The favourite colour is empty. Please type one.",
				"“Goat” is not a category of this registry. Please choose cat or dog."}},
	} {
		d := test.application.Parse(policy)
		if got := Reason(d); got != test.reason {
			t.Errorf("%+v: %s, want %s", test.application, got, test.reason)
		}
		if got := Reasons(d); !slices.Equal(got, test.reasons) {
			t.Errorf("%+v: %q, want %q", test.application, got, test.reasons)
		}
	}
}
