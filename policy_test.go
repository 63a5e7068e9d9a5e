package nametag_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nametag"
)

func preset(t *testing.T, name string) nametag.Rules {
	t.Helper()
	for _, r := range nametag.Presets() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no preset %q", name)
	return nametag.Rules{}
}

func newPolicy(t *testing.T, r nametag.Rules) *nametag.Policy {
	t.Helper()
	p, err := nametag.NewPolicy(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parseName(t *testing.T, s string) nametag.Name {
	t.Helper()
	n, err := nametag.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPresetsJudge(t *testing.T) {
	for _, test := range []struct {
		preset, name string
		want         nametag.Code
	}{
		{"open", "Bella", ""},
		{"open", strings.Repeat("x", 50), ""},
		{"thoroughbred", "Seattle Slew's Sun", ""}, // 18
		{"thoroughbred", "Seattle Slew's Sons", nametag.CodeTooLong},
		{"kennel-club", "Bella", nametag.CodeTooShort},
		{"kennel-club", "Bella of the Nine Isles' End", ""}, // 22 letters, 28 characters
		{"kennel-club", "Bella of the Twenty-nine Isles", nametag.CodeTooLong},
		{"cfa-cat", strings.Repeat("x", 35), ""},
		{"cfa-cat", strings.Repeat("x", 36), nametag.CodeTooLong},
		{"akc", "O'Malley-Smith the Great", ""},
		{"akc", "Möbius", nametag.CodeNotAllowed},
		{"akc", "Rex 2", nametag.CodeNotAllowed},
	} {
		err := newPolicy(t, preset(t, test.preset)).Judge(parseName(t, test.name))
		if nametag.ErrorCode(err) != test.want {
			t.Errorf("%s judges %q: %v, want %q", test.preset, test.name, err, test.want)
		}
	}
}

func TestAPolicyOfOnesOwn(t *testing.T) {
	p := newPolicy(t, nametag.Rules{
		Name:       "north",
		Length:     nametag.LengthRule{Min: 3},
		Words:      nametag.WordRule{Max: 2},
		Characters: "a-z ö 0-9 '",
		Forbidden:  []string{"Champion"},
		Reserved:   []nametag.Reserved{{Name: "King", Reason: "Kept for the club's own dogs."}},
		Categories: []nametag.Category{"horse", "dog"},
	})
	for name, want := range map[string]string{
		"Rex":           "",
		"REX 2":         "",
		"Möbius":        "",
		"Championess":   "", // another word
		"Bo":            "2 characters and needs 3",
		"One Two Three": "3 words",
		"Zoë":           "“ë” (U+00EB)",
		"the champion":  "“Champion” is not used",
		"KING":          "“KING” is too much like “King”, which is reserved: Kept for the club's own dogs. Please",
		"King":          "“King” is reserved: Kept for the club's own dogs. Please",
		"K'ing":         "too much like “King”",
	} {
		err := p.Judge(parseName(t, name))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	if c, err := p.ParseCategory("Horses"); c != "horse" || err != nil {
		t.Errorf("ParseCategory: %q, %v", c, err)
	}
	if _, err := p.ParseCategory("cat"); err == nil || !strings.Contains(err.Error(), "choose horse or dog") {
		t.Errorf("ParseCategory of a cat: %v", err)
	}
}

func TestRulesThatCanNotBeFollowed(t *testing.T) {
	for rule, r := range map[string]nametag.Rules{
		"length.max":        {Length: nametag.LengthRule{Max: 51}},
		"length.min":        {Length: nametag.LengthRule{Min: 9, Max: 8}},
		"words.min":         {Words: nametag.WordRule{Min: 3, Max: 2}},
		"words.max":         {Words: nametag.WordRule{Max: -1}},
		"characters":        {Characters: "A-Z abc"},
		"forbidden.1":       {Forbidden: []string{"best", "two words"}},
		"forbidden.0":       {Forbidden: []string{"--"}},
		"reserved.0.name":   {Reserved: []nametag.Reserved{{Name: "", Reason: "x"}}},
		"reserved.0.reason": {Reserved: []nametag.Reserved{{Name: "King"}}},
		"reserved.1.name":   {Reserved: []nametag.Reserved{{Name: "King", Reason: "x"}, {Name: "KING", Reason: "y"}}},
		"categories.1":      {Categories: []nametag.Category{"dog", "dog"}},
		"categories.0":      {Categories: []nametag.Category{"Dog"}},
		"quarantine":        {Quarantine: -time.Hour},
	} {
		_, err := nametag.NewPolicy(r)
		if e, ok := errors.AsType[*nametag.RuleError](err); !ok || e.Rule != rule {
			t.Errorf("%s: %v", rule, err)
		}
	}
	_, err := nametag.NewPolicy(nametag.Rules{Length: nametag.LengthRule{Max: 4}, Words: nametag.WordRule{Min: 3}})
	if err == nil || !strings.Contains(err.Error(), "do not fit") {
		t.Errorf("three words in four characters: %v", err)
	}
}

func TestEachRuleMakesAnotherVersion(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range append(nametag.Presets(), nametag.Rules{Name: "open"}, nametag.Rules{Name: "open", Forbidden: []string{"best"}}) {
		v := newPolicy(t, r).Version()
		if seen[v] {
			t.Errorf("two policies have the version %s", v)
		}
		seen[v] = true
	}
	if a, b := newPolicy(t, preset(t, "akc")).Version(), newPolicy(t, preset(t, "akc")).Version(); a != b {
		t.Errorf("one policy has the versions %s and %s", a, b)
	}
}
