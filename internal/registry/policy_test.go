package registry_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

func preset(t *testing.T, name string) registry.Rules {
	t.Helper()
	for _, r := range registry.Presets() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no preset %q", name)
	return registry.Rules{}
}

func newPolicy(t *testing.T, r registry.Rules) *registry.Policy {
	t.Helper()
	p, err := registry.NewPolicy(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parseName(t *testing.T, s string) registry.Name {
	t.Helper()
	n, err := registry.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPresetsJudge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		preset, name string
		want         registry.Code
	}{
		{"open", "Bella", ""},
		{"open", strings.Repeat("x", 50), ""},
		{"thoroughbred", "Seattle Slew's Sun", ""}, // 18
		{"thoroughbred", "Seattle Slew's Sons", registry.CodeTooLong},
		{"kennel-club", "Bella", registry.CodeTooShort},
		{"kennel-club", "Bella of the Nine Isles' End", ""}, // 22 letters, 28 characters
		{"kennel-club", "Bella of the Twenty-nine Isles", registry.CodeTooLong},
		{"cfa-cat", strings.Repeat("x", 35), ""},
		{"cfa-cat", strings.Repeat("x", 36), registry.CodeTooLong},
		{"akc", "O'Malley-Smith the Great", ""},
		{"akc", "Möbius", registry.CodeNotAllowed},
		{"akc", "Rex 2", registry.CodeNotAllowed},
		{"akc", "Dıana", registry.CodeNotAllowed},
		{"akc", "Roſe", registry.CodeNotAllowed},
		{"kennel-club", "Rex´s", registry.CodeTooShort}, // one word, though its key has a space
		{"kennel-club", "Zoë¨", registry.CodeTooShort},
	} {
		d := newPolicy(t, preset(t, test.preset)).Judge(parseName(t, test.name))
		if d.Reason() != test.want {
			t.Errorf("%s judges %q: %q, want %q", test.preset, test.name, d.Reason(), test.want)
		}
	}
}

func TestAPolicyOfOnesOwn(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, registry.Rules{
		Name:       "north",
		Length:     registry.LengthRule{Min: 3},
		Words:      registry.WordRule{Max: 2},
		Characters: "a-z ö 0-9 '",
		Forbidden:  []string{"Champion"},
		Reserved:   []registry.Reserved{{Name: "King", Reason: "Kept for the club's own dogs."}},
		Categories: []registry.Category{"horse", "dog"},
	})
	for name, want := range map[string]string{
		"Rex":           "",
		"REX 2":         "",
		"Möbius":        "",
		"Championess":   "", // another word
		"Bo":            "length.min: The name has 2 characters; this registry requires 3.",
		"One Two Three": "words.max: The name has 3 words",
		"Zoë":           "characters: The name contains “ë” (U+00EB)",
		"the champion":  "forbidden: This registry does not allow the word “Champion”",
		"KING":          "reserved: “KING” is reserved: Kept for the club's own dogs.",
		"King":          "reserved: “King” is reserved: Kept for the club's own dogs.",
		"K'ing":         "reserved: “K'ing” is too similar to “King”",
	} {
		d := p.Judge(parseName(t, name))
		if got := d.Rule + ": " + wording.Reason(d); want == "" && d.Code != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %q", name, got, want)
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
	t.Parallel()
	for rule, r := range map[string]registry.Rules{
		"length.max":        {Length: registry.LengthRule{Max: 51}},
		"length.min":        {Length: registry.LengthRule{Min: 9, Max: 8}},
		"words.min":         {Words: registry.WordRule{Min: 3, Max: 2}},
		"words.max":         {Words: registry.WordRule{Max: -1}},
		"characters":        {Characters: "A-Z abc"},
		"forbidden.1":       {Forbidden: []string{"best", "two words"}},
		"forbidden.0":       {Forbidden: []string{"--"}},
		"reserved.0.name":   {Reserved: []registry.Reserved{{Name: "", Reason: "x"}}},
		"reserved.0.reason": {Reserved: []registry.Reserved{{Name: "King"}}},
		"reserved.1.name":   {Reserved: []registry.Reserved{{Name: "King", Reason: "x"}, {Name: "KING", Reason: "y"}}},
		"categories.1":      {Categories: []registry.Category{"dog", "dog"}},
		"categories.0":      {Categories: []registry.Category{"Dog"}},
		"quarantine":        {Quarantine: -time.Hour},
	} {
		_, err := registry.NewPolicy(r)
		if e, ok := errors.AsType[*registry.RuleError](err); !ok || e.Rule != rule {
			t.Errorf("%s: %v", rule, err)
		}
	}
	_, err := registry.NewPolicy(registry.Rules{Length: registry.LengthRule{Max: 4}, Words: registry.WordRule{Min: 3}})
	if err == nil || !strings.Contains(err.Error(), "do not fit") {
		t.Errorf("three words in four characters: %v", err)
	}
}

func TestEveryRuleThatCanNotBeFollowedIsSaid(t *testing.T) {
	t.Parallel()
	_, err := registry.NewPolicy(registry.Rules{
		Length:     registry.LengthRule{Min: 20, Max: 5},
		Words:      registry.WordRule{Min: 4, Max: 1},
		Characters: "Z-A AB",
		Forbidden:  []string{"", "a b"},
		Reserved:   []registry.Reserved{{}, {Name: "King", Reason: "x"}, {Name: "KING", Reason: "y"}},
		Categories: []registry.Category{"dog", "Dog", "dogs"},
		Quarantine: -time.Hour,
	})
	var rules []string
	for line := range strings.Lines(err.Error()) {
		rule, _, _ := strings.Cut(line, ":")
		rules = append(rules, rule)
	}
	if got, want := strings.Join(rules, " "), "quarantine length.min words.min words.min categories.1 categories.2 characters characters "+
		"forbidden.0 forbidden.1 reserved.0.reason reserved.0.name reserved.2.name"; got != want {
		t.Errorf("it tells of %s, want %s", got, want)
	}
}

func TestEachRuleMakesAnotherVersion(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range append(registry.Presets(), registry.Rules{Name: "open"}, registry.Rules{Name: "open", Forbidden: []string{"best"}}) {
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

func TestLettersStandForBothTheirCases(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		characters, name string
		ok               bool
	}{
		{"A-Z", "Rex", true},
		{"a-z", "REX", true},
		{"a-z", "İrex", false},
		{"Α-Ω", "Νικος", true}, // in Greek
		{"A-Z ß", "STRAẞE", true},
		{"a-z ı", "Dıana", true},
	} {
		d := newPolicy(t, registry.Rules{Characters: test.characters}).Judge(parseName(t, test.name))
		if (d.Code == "") != test.ok {
			t.Errorf("of %s, %q: %s", test.characters, test.name, wording.Reason(d))
		}
	}
}

func TestForbiddenWordsAreForbiddenInDisguise(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		forbidden string
		names     []string
	}{
		{"champion", []string{"Champion", "CHAMPION", "ChampIon", "Best Champion", "Champion's Son", "Champion-Rex", "Champion´s"}},
		{"champion", []string{"Chаmpion", "The Chаmpion", "Chаmpion-Rex", "Chаmpion´s"}}, // a Cyrillic а
		{"champion", []string{"Champi0n", "C-hampion", "Champ'ion", "C.h.a.m.p.i.o.n.", "Champıon", "Ｃhampion", "Chaмpi0n"}},
		{"bella", []string{"BeIIa", "Be11a", "Be|la"}},
		{"t-bone", []string{"T-Bone", "T.Bone"}},
		{"hell", []string{"Hell's Angel", "He-ll", "Не11"}},
	} {
		p := newPolicy(t, registry.Rules{Forbidden: []string{test.forbidden}})
		for _, name := range test.names {
			if d := p.Judge(parseName(t, name)); d.Reason() != registry.CodeNotAllowed {
				t.Errorf("%q is forbidden, and %q: %q", test.forbidden, name, d.Reason())
			}
		}
	}
}

func TestOrdinaryWordsAreNotForbidden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		forbidden string
		names     []string
	}{
		{"champion", []string{"Championess", "Champagne", "Champs"}},
		{"champion", []string{"Champ Ion", "Charnpion", "Champ1on", "Chámpion"}}, // as decision 11 says
		{"bum", []string{"Burn", "Slow Burn", "BURN", "Burn-Out"}},
		{"hell", []string{"He'll Do", "He’ll Do", "Shell", "Hello"}},
		{"ill", []string{"I'll Be Back", "Henry III", "Will"}},
		{"loo", []string{"100", "100%", "No. 100", "Lou"}},
		{"lan", []string{"Ian", "IAN"}},
	} {
		p := newPolicy(t, registry.Rules{Forbidden: []string{test.forbidden}})
		for _, name := range test.names {
			if d := p.Judge(parseName(t, name)); d.Code != "" {
				t.Errorf("%q is forbidden, and %q: %s", test.forbidden, name, wording.Reason(d))
			}
		}
	}
}

func TestAPolicyIsItsOwn(t *testing.T) {
	t.Parallel()
	given := registry.Rules{Forbidden: []string{"best"}, Reserved: []registry.Reserved{{Name: "King", Reason: "x"}}, Categories: []registry.Category{"dog"}}
	p := newPolicy(t, given)
	for _, r := range []registry.Rules{given, p.Rules()} {
		r.Forbidden[0], r.Reserved[0].Name, r.Categories[0] = "worst", "Queen", "cat"
	}
	if r := p.Rules(); r.Forbidden[0] != "best" || r.Reserved[0].Name != "King" || r.Categories[0] != "dog" {
		t.Errorf("its rules are now %+v", r)
	}
	if _, err := p.ParseCategory("dog"); err != nil {
		t.Error(err)
	}
}

func TestWhereLookalikesAreAllowedAReservedNameKeepsItselfOnly(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, registry.Rules{AllowLookalikes: true, Reserved: []registry.Reserved{{Name: "King", Reason: "x"}}})
	if d := p.Judge(parseName(t, "KING")); d.Code != registry.CodeReserved {
		t.Errorf("the name itself: %q", d.Code)
	}
	if d := p.Judge(parseName(t, "Ki-ng")); d.Code != "" {
		t.Errorf("a lookalike: %q", d.Code)
	}
}
