package cli_test

import (
	"nametag/internal/programtest"

	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nametag/internal/registry"
)

const clubPolicy = `extends: kennel-club
name: club
length: {max: 20}
characters: "A-Z '"
words: {max: 3}
forbidden: [champion]
reserved:
- name: King Rex
  reason: Kept for the club's own dogs.
`

// is checks what a command left behind.
func is(t *testing.T, r result, code int, stdout, stderr string) {
	t.Helper()
	if diff := cmp.Diff(result{code, stdout, stderr}, r, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("the command (-want +got):\n%s", diff)
	}
}

func TestPolicyCheckSaysTheRulesInWords(t *testing.T) {
	out := must(t, "policy", "check", write(t, "policy.yaml", clubPolicy))
	first, rest, _ := strings.Cut(out, "\n")
	if !strings.HasPrefix(first, "club (version club-") {
		t.Errorf("it begins with %q", first)
	}
	want := `
length           1 to 20 letters and digits, spaces and signs not counted
characters       A-Z ' and spaces; letters in both cases
words            2 to 3 words
forbidden words  champion
reserved names   King Rex: Kept for the club's own dogs.
categories       dog
lookalikes       refused: a name that looks like another, or like a reserved one, is not given
quarantine       90 days after a name was given up
`
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Errorf("the rules (-want +got):\n%s", diff)
	}
	for text, says := range map[string]string{
		"length: {min: 3}":       "3 to 50 characters, spaces and signs included",
		"words: {min: 1}":        "any number of words",
		"words: {max: 1}":        "at most 1 word\n",
		"words: {min: 2}":        "2 words or more",
		"words: {min: 2,max: 2}": "2 words\n",
		"quarantine: none":       "none: a name that was given up is free at once",
		"quarantine: 1 day":      "1 day after",
		"lookalikes: allow":      "lookalikes       allowed\n",
		"extends: open":          "open (version open-",
	} {
		if out := must(t, "policy", "check", write(t, "open.yaml", text)); !strings.Contains(out, says) {
			t.Errorf("%q: it should say %q, but says:\n%s", text, says, out)
		}
	}
}

func TestPolicyListHasThePresets(t *testing.T) {
	out := must(t, "policy", "list")
	for _, r := range registry.Presets() {
		if !strings.Contains(out, r.Name+" ") {
			t.Errorf("%s is not in the list:\n%s", r.Name, out)
		}
		must(t, "policy", "check", r.Name)
	}
}

func TestAPolicyThatIsWrongIsSaidWithItsLines(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("policy.yaml", []byte("length: {min: 9}\nlenght: {max: 3}\nquarantine: soon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"policy.yaml:2: there is no rule \"lenght\"", "\npolicy.yaml:3: quarantine: give a span of time"}
	refuses(t, run(t, nil, "", "policy", "check", "policy.yaml"), 1, want...)
	refuses(t, run(t, nil, "", "policy", "try", "policy.yaml", "-"), 2, want...)
	refuses(t, run(t, nil, "", "serve", "--policy=policy.yaml"), 2, append(want, "--policy")...)
	refuses(t, run(t, environ{"NAMETAG_POLICY": "policy.yaml"}, "", "import", "-"), 2, append(want, "NAMETAG_POLICY")...)
}

func TestPolicyTryJudgesNamesWithoutADatabase(t *testing.T) {
	file := write(t, "names.csv", "Called;Born\n"+
		"Rex;1\n"+ // 2
		"Rex of York;\n"+
		"rex OF york;\n"+
		"Rex-of York;\n"+ // 5
		"RexofYo rk;\n"+
		"Champion Joe;\n"+
		"King Rex;\n"+
		"Kin Grex;\n"+
		"Abcdefghij Abcdefghijk;\n"+ // 10
		"A B C D;\n"+
		";\n"+
		"Two\n"+
		"=1+1;\n"+
		"Max of Kent;") // 15
	r := run(t, nil, "", "policy", "try", write(t, "policy.yaml", clubPolicy), "--delimiter=;", "--name-column=called", file)
	want := `line,name,code,reason
2,Rex,too_short,"The name needs at least 2 words here, parted by spaces."
4,rex OF york,taken,"taken by line 3 of this file, “Rex of York”"
5,Rex-of York,not_allowed,"The name contains “-” (U+002D), and this registry takes only A-Z '. Please remove it."
6,RexofYo rk,similar,"too much like line 3 of this file, “Rex of York”"
7,Champion Joe,not_allowed,The word “champion” is not used in names here. Please try another name.
8,King Rex,reserved,“King Rex” is reserved: Kept for the club's own dogs. Please try another name.
9,Kin Grex,reserved,"“Kin Grex” is too much like “King Rex”, which is reserved: Kept for the club's own dogs. Please try another name."
10,Abcdefghij Abcdefghijk,too_long,The name has 21 letters and may have 20 here. Please shorten it by 1.
11,A B C D,too_long,The name has 4 words and may have 3 here.
12,,empty,The name is empty. Please type one.
13,,bad_row,the row has 1 column where the header has 2
14,'=1+1,too_short,"The name needs at least 2 words here, parted by spaces."
`
	if diff := cmp.Diff(want, r.stdout); diff != "" || r.code != 0 {
		t.Errorf("exit code %d, the refused names (-want +got):\n%s", r.code, diff)
	}
	refuses(t, r, 0, "14  rows read", " 2  would be given by club-", "12  refused", " 2    reserved            the name is kept from everybody",
		" 1    similar             another pet has a name that looks like it", " 2    too_short           a name is too short")

	allowing := write(t, "allowing.yaml", "lookalikes: allow")
	is(t, result{code: 0, stdout: run(t, nil, "Name\nRex\nR.ex\n", "policy", "try", allowing, "-").stdout}, 0, "line,name,code,reason\n", "")
}

func TestPolicyTryFails(t *testing.T) {
	refuses(t, run(t, nil, "Called\nRex\n", "policy", "try", "open", "-"), 2, "Called", "--name-column")
	refuses(t, run(t, nil, "", "policy", "try", "open", "-"), 1, "header line")
	refuses(t, run(t, nil, "", "policy", "try", "open", filepath.Join(t.TempDir(), "missing.csv")), 1, "missing.csv")
}

func TestImportJudgesUnderThePolicy(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		policy := write(t, "policy.yaml", clubPolicy)
		must(t, "migrate", "--database", database)
		must(t, "names", "reserve", "Her Majesty", "--reason=Not for dogs.", "--as=ann", "--database", database)
		bring(t, database, write(t, "old.csv", "name,category,color,registered_at\nOld Dog,dog,red,2001-02-03\n"), "--policy", policy)
		const csv = "name,category,color\n" +
			"Rex of York,dog,red\n" +
			"Rex,dog,red\n" +
			"R Exofyork,dog,red\n" +
			"Kin Grex,dog,red\n" +
			"H Ermajesty,dog,red\n" +
			"O Lddog,dog,red\n" +
			"Bella Blue,cat,red\n"
		want := []string{
			"3 Rex too_short: The name needs at least 2 words here, parted by spaces.",
			"4 R Exofyork similar: too much like line 2 of this file, “Rex of York”",
			"5 Kin Grex reserved: “Kin Grex” is too much like “King Rex”, which is reserved: Kept for the club's own dogs. Please try another name.",
			"6 H Ermajesty reserved: “H Ermajesty” is too much like “Her Majesty”, which is reserved: Not for dogs. Please try another name.",
			"7 O Lddog similar: “O Lddog” is too much like “Old Dog”, which a dog has had since 3 February 2001. Please try another name.",
			"8 Bella Blue unknown_category: “cat” is not a category of this registry. Please choose dog.",
		}
		file := write(t, "pets.csv", csv)
		for _, flags := range [][]string{{"--dry-run", "--policy", policy}, {"--policy", policy}} {
			summary, report := bring(t, database, file, flags...)
			if diff := cmp.Diff(want, report); diff != "" {
				t.Errorf("the report with %s (-want +got):\n%s", flags, diff)
			}
			if !strings.Contains(summary, "2    similar             another pet has a name that looks like it") {
				t.Errorf("the summary with %s:\n%s", flags, summary)
			}
		}
		_, again := bring(t, database, file, "--policy", policy)
		if diff := cmp.Diff(append([]string{"2 Rex of York already_registered: already in the book"}, want...), again); diff != "" {
			t.Errorf("the report of the second import (-want +got):\n%s", diff)
		}
		if story := must(t, "journal", "show", "Rex of York", "--json", "--database", database); !strings.Contains(story, `"via":"import","policy":"club-`) {
			t.Errorf("the journal has %s", story)
		}
	})
}

func TestImportAllowsLookalikesWhereThePolicyDoes(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		policy := write(t, "policy.yaml", "lookalikes: allow")
		file := write(t, "pets.csv", "name,category\nRex,dog\nR.ex,dog\n")
		must(t, "migrate", "--database", database)
		for _, flags := range [][]string{{"--dry-run"}, nil} {
			if _, report := bring(t, database, file, append(flags, "--policy", policy)...); len(report) > 0 {
				t.Errorf("refused: %q", report)
			}
		}
		if _, report := bring(t, database, write(t, "more.csv", "name,category\nRe.x,dog\n")); len(report) != 1 || !strings.Contains(report[0], "similar") {
			t.Errorf("without the policy, the report is %q", report)
		}
	})
}

func TestServeJudgesUnderThePolicyAndCountsMisfits(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		bring(t, database, write(t, "old.csv", "name,category\nRex,dog\nOld Dog,dog\nBella,cat\n"))
		p := programtest.Serve(t, environ{"NAMETAG_POLICY": write(t, "policy.yaml", clubPolicy)}, "--database", database)
		if version, _ := p.Start["policy"].(string); !strings.HasPrefix(version, "club-") {
			t.Errorf("the server says that its policy is %q", version)
		}
		if line := p.Logged("break the policy; they keep their names"); !strings.Contains(line, `"level":"INFO"`) || !strings.Contains(line, `"pets":3,"misfits":2,"policy":"club-`) {
			t.Errorf("of misfits it logs %s", line)
		}
		exported := must(t, "export", "--database", database)
		if r := run(t, nil, exported, "policy", "try", write(t, "policy.yaml", clubPolicy), "-"); !strings.Contains(r.stdout, ",Rex,too_short,") || strings.Contains(r.stdout, "Old Dog") {
			t.Errorf("what the log says lists %+v", r)
		}
		if code, body := get(t, p.URL+"/api/v1/names/Champion%20Joe"); code != 200 || !strings.Contains(body, "not used in names here") {
			t.Errorf("of a forbidden word the server says %d %s", code, body)
		}
	})
}
