package policyfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nametag/internal/registry"
)

const kennel = `# What our club gives.
extends: kennel-club
name: north-kennels
length: {min: 2, max: 20, count: letters}
characters: "A-Z ' -"
words: {max: 5}
forbidden: [champion, best]
reserved:
  - name: King
    reason: Kept for the club's own dogs.
categories:
  - dog
  - wolf
lookalikes: allow
quarantine: 12 weeks
`

func TestEveryRule(t *testing.T) {
	t.Parallel()
	p, err := Parse("policy.yaml", []byte(kennel))
	if err != nil {
		t.Fatal(err)
	}
	want := registry.Rules{
		Name:            "north-kennels",
		Length:          registry.LengthRule{Min: 2, Max: 20, LettersOnly: true},
		Characters:      "A-Z ' -",
		Words:           registry.WordRule{Min: 2, Max: 5},
		Forbidden:       []string{"champion", "best"},
		Reserved:        []registry.Reserved{{Name: "King", Reason: "Kept for the club's own dogs."}},
		Categories:      []registry.Category{"dog", "wolf"},
		AllowLookalikes: true,
		Quarantine:      84 * 24 * time.Hour,
	}
	if diff := cmp.Diff(want, p.Rules()); diff != "" {
		t.Errorf("the rules (-want +got):\n%s", diff)
	}
}

func TestFilesInheritFromThePreset(t *testing.T) {
	t.Parallel()
	open := registry.Open.Rules()
	named := func(name string, change func(*registry.Rules)) registry.Rules {
		r := open
		r.Name = name
		change(&r)
		return r
	}
	for _, test := range []struct {
		file, text string
		want       registry.Rules
	}{
		{"etc/my.club.yaml", "extends: open", named("my.club", func(*registry.Rules) {})},
		{"Hündchen", "quarantine: none", named("Hündchen", func(r *registry.Rules) { r.Quarantine = 0 })},
		{"a.yml", "quarantine: 1 day\nwords: {max: none}", named("a", func(r *registry.Rules) { r.Quarantine = 24 * time.Hour })},
		{"a.yml", "quarantine: \"2 years\"", named("a", func(r *registry.Rules) { r.Quarantine = 2 * 365 * 24 * time.Hour })},
		{"a.yml", "categories: [horse]", named("a", func(r *registry.Rules) { r.Categories = []registry.Category{"horse"} })},
		{"a.yml", "# the order does not matter\nlength: {max: none}\ncharacters: any\nextends: akc\nlookalikes: refuse\n",
			named("a", func(r *registry.Rules) { r.Categories = []registry.Category{"dog"} })},
		{"a.yml", "{extends: kennel-club, words: {min: none}, length: {count: characters}}",
			named("a", func(r *registry.Rules) {
				r.Categories = []registry.Category{"dog"}
				r.Length.Max = 24
			})},
	} {
		p, err := Parse(test.file, []byte(test.text))
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, p.Rules()); diff != "" {
			t.Errorf("%q: the rules (-want +got):\n%s", test.text, diff)
		}
	}
}

func TestPresets(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, want := range registry.Presets() {
		p, err := Load(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		q, err := registry.NewPolicy(want)
		if err != nil || p.Version() != q.Version() {
			t.Errorf("%s is %s, want %s (%v)", want.Name, p.Version(), q.Version(), err)
		}
		q, err = Parse(want.Name+".yaml", []byte("extends: "+want.Name))
		if err != nil || p.Version() != q.Version() {
			t.Errorf("a file that only extends %s is %v, want %s (%v)", want.Name, q, p.Version(), err)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"akc": "length: {max: 7}", "good.yaml": kennel, "bad.yaml": "words: 3", "long.yaml": strings.Repeat("#", MaxSize+1)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("open", 0o700); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"open":      "",
		"good.yaml": "",
		"./akc":     "",
		"akc":       "akc is both a preset and a file: write ./akc for the file, or rename it",
		"kenel":     `there is no preset and no file called "kenel"; the presets are open, thoroughbred, kennel-club, cfa-cat, akc`,
		"none.yaml": "open none.yaml: no such file or directory",
		"./open":    "read ./open: is a directory",
		"bad.yaml":  `bad.yaml:1: words: give bounds such as {min: 2, max: 5}, not 3`,
		"long.yaml": "long.yaml:1: the file is longer than 1024 KiB",
	} {
		p, err := Load(ref)
		if err == nil && want == "" && p != nil {
			continue
		}
		if err == nil || err.Error() != want {
			t.Errorf("Load(%q): %v, want %s", ref, err, want)
		}
	}
	if p, err := Load(filepath.Join(".", "./akc")); err == nil {
		t.Errorf("the file ./akc as a cleaned path gives %v", p.Version())
	}
	if p, err := Load("./akc"); err != nil || p.Rules().Length.Max != 7 || p.Rules().Name != "akc" {
		t.Errorf("./akc gives %v, %v", p, err)
	}
}

func TestProblemsHaveLines(t *testing.T) {
	t.Parallel()
	const presets = "open, thoroughbred, kennel-club, cfa-cat, akc"
	for _, test := range []struct{ text, want string }{
		{"", "1: the file has no rules; write some, such as “extends: open”"},
		{"# nothing\n", "1: the file has no rules; write some, such as “extends: open”"},
		{"---\n~\n", "1: the file has no rules; write some, such as “extends: open”"},
		{"open", `1: give rules such as “extends: kennel-club”, not "open"`},
		{"- open", `1: give rules such as “extends: kennel-club”, not a list`},
		{"extends: open\n---\nname: x\n", "2: a second document begins here; a policy file has only one"},
		{"extends: open\nname: [x\n", "3: this is not YAML: did not find expected ',' or ']' while parsing a flow sequence"},
		{strings.Repeat("[", 20_000), "1: this is not YAML: exceeded max depth of 10000 while increasing flow level"},
		{"name: a: b", "1: this is not YAML: mapping values are not allowed in this context"},
		{"extends: open\nname: *x\n", "2: this is not YAML: unknown anchor 'x' referenced"},
		{"extends: open\nname: \xff\n", "2: this line is not plain text; save the file in UTF-8"},
		{"\xff\xfea\x00", "1: this line is not plain text; save the file in UTF-8"},
		{"extends: open\n\nname: a\x07\n", "3: this line is not plain text; save the file in UTF-8"},

		{"extends: open\nlenght: {max: 3}\n", `2: there is no rule "lenght"; the rules are extends, name, length, characters, words, forbidden, reserved, categories, lookalikes, quarantine`},
		{"length:\n  min: 2\n  most: 3\n", `3: length: there is no rule "most"; the rules are min, max, count`},
		{"reserved:\n- name: King\n  reason: Kept.\n  why: no\n", `4: reserved: there is no rule "why"; the rules are name, reason`},
		{"[a, b]: c", "1: give a rule, not a list"},
		{"words: {<<: {min: 1}}", `1: words: there is no rule <<; the rules are min, max`},
		{"words: {max: 3}\nname: x\nwords: {max: 4}\n", "3: words: line 1 has this rule already; remove one of the two"},
		{"length:\n  max: 3\n  max: 4\n", "3: length.max: line 2 has this rule already; remove one of the two"},

		{"extends: kenel-club", `1: extends: give one of the presets ` + presets + `, not "kenel-club"`},
		{"extends: [open]", `1: extends: give one of the presets ` + presets + `, not a list`},
		{"name: 7", `1: name: give at most 40 letters, digits and - . _, such as north-kennels, not 7`},
		{"name: north kennels", `1: name: give at most 40 letters, digits and - . _, such as north-kennels, not "north kennels"`},
		{"name:", `1: name: give at most 40 letters, digits and - . _, such as north-kennels, not nothing`},
		{"length: 3", `1: length: give bounds such as {min: 2, max: 24, count: letters}, not 3`},
		{"length: {min: two}", `1: length.min: give a whole number from 1 to 50, or none, not "two"`},
		{"length: {min: 0}", `1: length.min: give a whole number from 1 to 50, or none, not 0`},
		{"length: {max: 51}", `1: length.max: give a whole number from 1 to 50, or none, not 51`},
		{"length: {max: 010}", `1: length.max: give a whole number from 1 to 50, or none, not 010`},
		{"length: {max: \"10\"}", `1: length.max: give a whole number from 1 to 50, or none, not "10"`},
		{"words: {max: 1.5}", `1: words.max: give a whole number from 1 to 50, or none, not 1.5`},
		{"words: {min: }", `1: words.min: give a whole number from 1 to 50, or none, not nothing`},
		{"words: {min: &n 2, max: *n}", `1: words.max: give a whole number from 1 to 50, or none, not an alias`},
		{"length: {count: bytes}", `1: length.count: give characters or letters, not "bytes"`},
		{"characters: ' '", `1: characters: give characters and ranges, such as "A-Z 0-9 ' -", or any, not " "`},
		{"characters: [A-Z]", `1: characters: give characters and ranges, such as "A-Z 0-9 ' -", or any, not a list`},
		{"forbidden: champion", `1: forbidden: give a list of words, such as [champion, best], not "champion"`},
		{"forbidden:\n- champion\n- 2020\n", `3: forbidden: give text, such as "champion", not 2020`},
		{"reserved: [King]", `1: reserved: give a name and a reason, such as {name: King, reason: Kept for the club.}, not "King"`},
		{"reserved: {name: King, reason: Kept.}", `1: reserved: give a list of names and reasons, not a mapping`},
		{"reserved:\n- name: King\n", `2: reserved.reason: The reason is empty. Please type one.`},
		{"categories: []", `1: categories: give a list of words, such as [cat, dog], not an empty list`},
		{"categories: horse", `1: categories: give a list of words, such as [cat, dog], not "horse"`},
		{"lookalikes: yes", `1: lookalikes: give refuse or allow, not "yes"`},
		{"quarantine: 90", `1: quarantine: give a duration of at most 100 years, such as 90 days, 12 weeks or 2 years, or none, not 90`},
		{"quarantine: 3 months", `1: quarantine: give a duration of at most 100 years, such as 90 days, 12 weeks or 2 years, or none, not "3 months"`},
		{"quarantine: 101 years", `1: quarantine: give a duration of at most 100 years, such as 90 days, 12 weeks or 2 years, or none, not "101 years"`},
		{"quarantine: 999999 years", `1: quarantine: give a duration of at most 100 years, such as 90 days, 12 weeks or 2 years, or none, not "999999 years"`},

		// Rules that are invalid or contradict each other.
		{"length:\n  min: 9\n  max: 8\n", "2: length.min: 9 is more than length.max, 8: no name could be registered"},
		{"extends: thoroughbred\nlength:\n  min: 20\n", "3: length.min: 20 is more than length.max, 18: no name could be registered"},
		{"extends: kennel-club\nwords:\n  max: 1\n", "3: words.min: 2 is more than words.max, 1: no name could be registered"},
		{"extends: kennel-club\nlength:\n  max: 1\n  count: characters\n", "3: words.min: 2 words do not fit into length.max, 1"},
		{"words: {min: 30}", "1: words.min: 30 words do not fit into length.max, 50"},
		{"characters: \"A-Z 0..9\"", `1: characters: "0..9" is neither a character nor a range such as A-Z; separate them by spaces`},
		{"forbidden:\n- best\n- best of show\n", `3: forbidden: "best of show" is more than one word; forbid one word of it, or reserve the name`},
		{"forbidden: [\"\"]", `1: forbidden: "" cannot be part of a name anyway: The name is empty. Please type one.`},
		{"reserved:\n- name: ''\n  reason: x\n", `2: reserved.name: "" is not a valid name: The name is empty. Please type one.`},
		{"reserved:\n- name: King\n  reason: ' '\n", `3: reserved.reason: The reason is empty. Please type one.`},
		{"reserved:\n- {name: King, reason: a}\n- {name: Queen, reason: a}\n- {name: KING, reason: a}\n", `4: reserved.name: “KING” is reserved already, as “King”`},
		{"categories: [cat, Dog]", `1: categories: "Dog" is not a word of 1 to 20 lower-case letters from a to z, such as cat`},
		{"categories:\n- cat\n- cat\n", `3: categories: cat is listed already`},
		{"categories:\n- horses\n- dogs\n- dog\n", `4: categories: dog is listed already, in the singular or the plural; forms accept either for one category`},
	} {
		_, err := Parse("p.yaml", []byte(test.text))
		if want := "p.yaml:" + test.want; err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", test.text, err, want)
		}
	}
}

func TestAllProblemsAreReported(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"quarantine: soon\nwords: 3\nnome: x\n": `p.yaml:1: quarantine: give a duration of at most 100 years, such as 90 days, 12 weeks or 2 years, or none, not "soon"
p.yaml:2: words: give bounds such as {min: 2, max: 5}, not 3
p.yaml:3: there is no rule "nome"; the rules are extends, name, length, characters, words, forbidden, reserved, categories, lookalikes, quarantine`,

		"categories: [cat, Dog, cat]\nlength: {min: 9, max: 8}\ncharacters: AB\nforbidden:\n- a b\n- fine\n- c d\nreserved:\n- {name: \"-\", reason: a}\n- {name: King, reason: ''}\n": `p.yaml:1: categories: "Dog" is not a word of 1 to 20 lower-case letters from a to z, such as cat
p.yaml:1: categories: cat is listed already
p.yaml:2: length.min: 9 is more than length.max, 8: no name could be registered
p.yaml:3: characters: "AB" is neither a character nor a range such as A-Z; separate them by spaces
p.yaml:5: forbidden: "a b" is more than one word; forbid one word of it, or reserve the name
p.yaml:7: forbidden: "c d" is more than one word; forbid one word of it, or reserve the name
p.yaml:9: reserved.name: "-" is not a valid name: “-” has no letter and no digit. A name needs at least one, or a picture such as 🐕.
p.yaml:10: reserved.reason: The reason is empty. Please type one.`,

		"length: {min: 20, max: 5}\nwords: {min: 3, max: 1}\ncharacters: Z-A AB\nforbidden: [\"\", \"a b\"]\nreserved:\n- name: ''\n  reason: ''\nquarantine: soon\n": `p.yaml:1: length.min: 20 is more than length.max, 5: no name could be registered
p.yaml:2: words.min: 3 is more than words.max, 1: no name could be registered
p.yaml:3: characters: "Z-A" is neither a character nor a range such as A-Z; separate them by spaces
p.yaml:3: characters: "AB" is neither a character nor a range such as A-Z; separate them by spaces
p.yaml:4: forbidden: "" cannot be part of a name anyway: The name is empty. Please type one.
p.yaml:4: forbidden: "a b" is more than one word; forbid one word of it, or reserve the name
p.yaml:6: reserved.name: "" is not a valid name: The name is empty. Please type one.
p.yaml:7: reserved.reason: The reason is empty. Please type one.
p.yaml:8: quarantine: give a duration of at most 100 years, such as 90 days, 12 weeks or 2 years, or none, not "soon"`,

		// A malformed rule contradicts no other.
		"extends: kennel-club\nlength: {min: two, max: 3, count: bytes}\nwords: {min: x, max: 1}\nforbidden:\n- 7\n- a b\nreserved:\n- name: King\n- {name: 7, reason: x}\n- {name: '', reason: x}\n": `p.yaml:2: length.min: give a whole number from 1 to 50, or none, not "two"
p.yaml:2: length.count: give characters or letters, not "bytes"
p.yaml:3: words.min: give a whole number from 1 to 50, or none, not "x"
p.yaml:5: forbidden: give text, such as "champion", not 7
p.yaml:6: forbidden: "a b" is more than one word; forbid one word of it, or reserve the name
p.yaml:8: reserved.reason: The reason is empty. Please type one.
p.yaml:9: reserved.name: give text, such as "King", not 7
p.yaml:10: reserved.name: "" is not a valid name: The name is empty. Please type one.`,
	} {
		_, err := Parse("p.yaml", []byte(text))
		if err == nil {
			t.Errorf("%q is accepted", text)
		} else if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	_, err := Parse("p.yaml", []byte("forbidden: ["+strings.Repeat("a b, ", 10_000)+"]"))
	if err == nil || strings.Count(err.Error(), "\n") != maxProblems {
		t.Errorf("the report of ten thousand problems is\n%v", err)
	}
	_, err = Parse("north kennels.yaml", []byte("extends: open"))
	if want := `north kennels.yaml:1: "north kennels" is not a valid name for a policy; add one, such as “name: north-kennels”`; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestDocumentedExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```yaml\nextends:")
	example, _, _ = strings.Cut(example, "```")
	p, err := Parse("example.yaml", []byte("extends:"+example))
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Rules(); r.Name != "north-kennels" || len(r.Reserved) != 1 || r.Length.Min != 2 || r.Words.Max != 5 {
		t.Errorf("the example means %+v", r)
	}
}

func TestDeploymentExample(t *testing.T) {
	t.Parallel()
	p, err := Load(filepath.Join("..", "..", "deploy", "policies", "example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Rules(); r.Name != "example" || len(r.Reserved) != 1 || r.Length.Max != 30 {
		t.Errorf("the example means %+v", r)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(kennel)
	f.Add("extends: akc\nlength: {max: 3}\nwords: {min: 9}\nreserved: [{name: a, reason: b}, {name: A, reason: b}]\n")
	f.Add("? [a]\n: &x b\n--- !y\n<<: *x")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("p.yaml", []byte(text))
		if err == nil {
			again, err := Parse("p.yaml", []byte(text))
			if err != nil || again.Version() != p.Version() {
				t.Errorf("%q is %s, and then %v, %v", text, p.Version(), again, err)
			}
			return
		}
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok || p != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for i, err := range joined.Unwrap() {
			problem, ok := errors.AsType[*Problem](err)
			if !ok {
				if i != maxProblems {
					t.Errorf("%q: %v", text, err)
				}
				continue
			}
			if lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 2; problem.Line < 1 || problem.Line > lines {
				t.Errorf("%q: line %d: %s", text, problem.Line, problem.Message)
			}
		}
	})
}
