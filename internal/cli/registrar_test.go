package cli_test

import (
	"nametag/internal/programtest"

	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// registrar returns a function that runs a command as ann on a database that
// has Rex, Bella and Rexina.
func registrar(t *testing.T, database string) func(args ...string) result {
	t.Helper()
	bring(t, database, write(t, "pets.csv", "name,category,color,registered_at\n"+
		"Rex,dog,red,2001-02-03\nBella,cat,light blue,2001-02-04\nRexina,dog,<red>,2001-02-05\n"))
	return func(args ...string) result {
		t.Helper()
		return run(t, environ{"USER": "ann", "NAMETAG_DATABASE": database}, "", args...)
	}
}

// inDays is a day as sentences have it.
func inDays(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format("2 January 2006") }

// times are those of the journal.
var times = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)

func TestPetsFind(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		is(t, nametag("pets", "find", "REX"), 0,
			"Rexina  dog  <red>  2001-02-05 00:00:00 UTC\nRex     dog  red    2001-02-03 00:00:00 UTC\n", "")
		is(t, nametag("pets", "find", "--json", "xin"), 0,
			`{"name":"Rexina","favorite_color":"<red>","category":"dog","registered_at":"2001-02-05T00:00:00.000000Z"}`+"\n", "")
		is(t, nametag("pets", "find", "zz"), 0, "", "No pet has a name that contains “zz”.\n")
		refuses(t, nametag("pets", "find", strings.Repeat("x", 51)), 1, "shorten it by 1")
		for _, nothing := range []string{"", " \t"} {
			r := nametag("pets", "find", nothing)
			refuses(t, r, 2, "give a part of the name")
			if r.stdout != "" {
				t.Errorf("of pets that have %q in their names it lists %s", nothing, r.stdout)
			}
		}
	})
}

func TestPetsFindReadsEveryPage(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	var file strings.Builder
	file.WriteString("name,category\n")
	for i := range 2100 {
		fmt.Fprintf(&file, "Pet %d,dog\n", i)
	}
	bring(t, database, write(t, "pets.csv", file.String()))
	if n := strings.Count(must(t, "pets", "find", "pet", "--database", database), "\n"); n < 2000 {
		t.Errorf("%d pets are found", n)
	}
}

func TestAPetIsRenamedAndItsOldNameIsKept(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		is(t, nametag("pets", "rename", "rex", "Max", "--reason", " Misspelt   at the counter. "), 0,
			"“Rex” is now called “Max”. “Rex” is free for others after "+inDays(90)+".\n", "")
		is(t, nametag("pets", "rename", "max", "MAX", "--reason=Louder.", "--as=bob"), 0, "“Max” is now called “MAX”.\n", "")
		if got := names(t, database); !got["MAX"] || got["Rex"] || len(got) != 3 {
			t.Errorf("the book has %v", got)
		}

		shown := nametag("pets", "show", "Rex")
		shown.stdout = times.ReplaceAllString(shown.stdout, "TIME")
		is(t, shown, 0, `“Rex” is now called “MAX”.

MAX
  favourite colour  red
  category          dog
  registered        TIME

#1  TIME  “Rex” was imported: a dog, favourite colour red, registered on 3 February 2001
                             by an import
#4  TIME  “Rex” was renamed to “Max”; “Rex” is in quarantine until `+inDays(90)+`
                             by the registrar, ann: Misspelt at the counter.
#5  TIME  “Max” was renamed to “MAX”
                             by the registrar, bob: Louder.
`, "")
		var told struct {
			Pet     map[string]string
			Former  string `json:"former_name"`
			Journal []struct {
				Seq    int
				Action string
				Reason string
			}
		}
		if err := json.Unmarshal([]byte(nametag("pets", "show", "--json", "Rex").stdout), &told); err != nil {
			t.Fatal(err)
		}
		if told.Pet["name"] != "MAX" || told.Former != "Rex" || len(told.Journal) != 3 || told.Journal[2].Action != "renamed" || told.Journal[2].Reason != "Louder." {
			t.Errorf("JSON tells %+v", told)
		}

		refuses(t, nametag("pets", "rename", "Nobody", "Somebody", "--reason=x"), 1, "No pet is registered as “Nobody”")
		refuses(t, nametag("pets", "rename", "Bella", "maX", "--reason=x"), 1, "“maX” is taken")
		refuses(t, nametag("pets", "rename", "Bella", "Rex", "--reason=x"), 1, "free again after "+inDays(90))
		refuses(t, nametag("pets", "rename", "Bella", "...", "--reason=x"), 1, "no letter and no digit")
		refuses(t, nametag("pets", "rename", "Bella", "Bella Blue", "--reason=x", "--policy=akc", "--policy="+write(t, "p.yaml", "words: {max: 1}")), 1, "may have 1 here")
		refuses(t, nametag("pets", "rename", "Bella", "M.ax", "--reason=x"), 1, "too much like “MAX”", "With --let-pass it is allowed")
		r := nametag("pets", "rename", "Bella", "M.ax", "--reason=x", "--let-pass", "--policy", write(t, "none.yaml", "quarantine: none"))
		refuses(t, r, 0, "The last registration was judged by the policy open-", "this command judges by none-")
		r.stderr = ""
		is(t, r, 0, "“Bella” is now called “M.ax”. “Bella” is free for others at once.\n", "")
		if _, report := bring(t, database, write(t, "more.csv", "name,category\nBella,cat\n")); len(report) > 0 {
			t.Errorf("a name that is free is refused: %q", report)
		}
	})
}

func TestAPetIsCorrected(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		is(t, nametag("pets", "correct", "BELLA", "--color= dark  blue ", "--reason=Misheard."), 0,
			"“Bella” is now a cat with the favourite colour dark blue.\n", "")
		is(t, nametag("pets", "correct", "Bella", "--color=<red>", "--category=Dogs", "--as=bob", "--reason=The vet says so."), 0,
			"“Bella” is now a dog with the favourite colour <red>.\n", "")
		is(t, nametag("pets", "correct", "Rex", "--category=dog", "--reason=x"), 0, "“Rex” is now a dog with the favourite colour red.\n", "")
		shown := nametag("pets", "show", "Bella")
		shown.stdout = times.ReplaceAllString(shown.stdout, "TIME")
		is(t, shown, 0, `Bella
  favourite colour  <red>
  category          dog
  registered        TIME

#2  TIME  “Bella” was imported: a cat, favourite colour light blue, registered on 4 February 2001
                             by an import
#4  TIME  “Bella” was corrected: favourite colour dark blue instead of light blue
                             by the registrar, ann: Misheard.
#5  TIME  “Bella” was corrected: favourite colour <red> instead of dark blue, a dog instead of a cat
                             by the registrar, bob: The vet says so.
`, "")
		if story := nametag("journal", "show", "Rex").stdout; !strings.Contains(story, "“Rex” was corrected: it was right before\n") {
			t.Errorf("of Rex the journal tells %s", story)
		}
		is(t, nametag("journal", "verify", "--head=0:"+strings.Repeat("0", 64)), 0, nametag("journal", "verify").stdout, "")

		refuses(t, nametag("pets", "correct", "Bella", "--reason=x"), 2, "nothing to correct", "--color (NAMETAG_COLOR)", "--category (NAMETAG_CATEGORY)")
		refuses(t, nametag("pets", "correct", "Bella", "--color=red"), 2, "--reason")
		refuses(t, nametag("pets", "correct", "Bella", "--color= ", "--reason=x"), 2, "--color")
		refuses(t, nametag("pets", "correct", "Bella", "--category=goat", "--reason=x"), 1, "“goat” is not a category of this registry. Please choose cat or dog.")
		refuses(t, nametag("pets", "correct", "Nobody", "--category=cat", "--reason=x"), 1, "No pet is registered as “Nobody”")
	})
}

func TestAPetIsReleased(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		is(t, nametag("pets", "release", "BELLA", "--reason=Its owner asked for it."), 0,
			"“Bella” has left the book. “Bella” is free for others after "+inDays(90)+".\n", "")
		refuses(t, nametag("pets", "show", "Bella"), 1, "No pet is registered as “Bella”. What became of it is in “nametag journal show Bella”.\n")
		refuses(t, nametag("pets", "show", "Nobody"), 1, "No pet is registered as “Nobody”.\n")
		refuses(t, nametag("pets", "show", "..."), 1, "no letter and no digit")
		refuses(t, nametag("pets", "release", "Bella", "--reason=x"), 1, "No pet is registered as “Bella”")
		if _, report := bring(t, database, write(t, "more.csv", "name,category\nBel-la,cat\n")); len(report) != 1 || !strings.Contains(report[0], "reserved: “Bel-la” is too much like “Bella”, which was given up by its pet") {
			t.Errorf("a name like one in quarantine: %q", report)
		}

		is(t, nametag("names", "unreserve", "bella", "--reason=Its owner wants it back."), 0, "“Bella” is no longer in quarantine.\n", "")
		if _, report := bring(t, database, write(t, "more.csv", "name,category\nBella,cat\n"), "--as=carol"); len(report) > 0 {
			t.Errorf("a name out of quarantine is refused: %q", report)
		}
		story := nametag("journal", "show", "BELLA")
		story.stdout = times.ReplaceAllString(story.stdout, "TIME")
		is(t, story, 0, `#2  TIME  “Bella” was imported: a cat, favourite colour light blue, registered on 4 February 2001
                             by an import
#4  TIME  “Bella” left the book; “Bella” is in quarantine until `+inDays(90)+`
                             by the registrar, ann: Its owner asked for it.
#5  TIME  “Bella” was no longer in quarantine
                             by the registrar, ann: Its owner wants it back.
#6  TIME  “Bella” was imported: a cat, favourite colour unknown, registered on `+inDays(0)+`
                             by an import, carol
`, "")
	})
}

func TestNamesAreReservedAndLetPass(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		is(t, nametag("names", "list"), 0, "", "No name is reserved, in quarantine or let pass.\n")
		is(t, nametag("names", "reserve", "King", "--reason=Not for pets."), 0,
			"“King” is reserved, until you take it back with “nametag names unreserve”.\n", "")
		is(t, nametag("names", "let-pass", "R.ex", "--reason=They know each other."), 0,
			"Whoever registers “R.ex” next may have it, even if it looks like another name.\n", "")
		nametag("pets", "release", "Bella", "--reason=x")
		for _, command := range []string{"reserve", "let-pass"} {
			is(t, nametag("names", command, "REX", "--reason=x"), 1, "",
				"nametag: “REX” is taken: a dog has had “Rex” since 3 February 2001. Rename or release that pet first, see “nametag pets --help”.\n")
		}
		refuses(t, nametag("names", "reserve", "", "--reason=x"), 1, "The name is empty")
		refuses(t, nametag("names", "unreserve", "Queen", "--reason=x"), 1, "There is no ruling on “Queen” to take back.")

		policy := write(t, "policy.yaml", clubPolicy)
		want := "King Rex  reserved by the policy             Kept for the club's own dogs.\n" +
			"Bella     in quarantine until " + inDays(90) + "  Its pet gave it up.\n" +
			"King      reserved since " + inDays(0) + "  Not for pets.\n" +
			"R.ex      let pass since " + inDays(0) + "  They know each other.\n"
		list := nametag("names", "list", "--policy", policy)
		list.stdout = regexp.MustCompile(` {2,}`).ReplaceAllString(list.stdout, "  ")
		is(t, list, 0, regexp.MustCompile(` {2,}`).ReplaceAllString(want, "  "), "")
		var kinds []string
		for line := range strings.Lines(nametag("names", "list", "--json", "--policy", policy).stdout) {
			var k struct{ Name, Kind, By, Reason, Since, Until string }
			if err := json.Unmarshal([]byte(line), &k); err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, fmt.Sprintf("%s %s %s %t %t %s", k.Name, k.Kind, k.By, k.Since != "", k.Until != "", k.Reason))
		}
		if diff := cmp.Diff([]string{
			"King Rex reserved policy false false Kept for the club's own dogs.",
			"Bella quarantine book true true ",
			"King reserved book true false Not for pets.",
			"R.ex let_pass book true false They know each other.",
		}, kinds); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}

		_, report := bring(t, database, write(t, "more.csv", "name,category\nR.ex,cat\nKing,cat\nRe.x,cat\n"))
		if len(report) != 2 || !strings.Contains(report[0], "3 King reserved: “King” is reserved: Not for pets. Please try another name.") || !strings.Contains(report[1], "4 Re.x similar") {
			t.Errorf("the report is %q", report)
		}
		is(t, nametag("names", "unreserve", "king", "--reason=x"), 0, "“King” is no longer reserved.\n", "")
		is(t, nametag("names", "list"), 0, "Bella  in quarantine until "+inDays(90)+"  Its pet gave it up.\n", "")

		nametag("names", "let-pass", "Be.lla", "--reason=x")
		is(t, nametag("names", "unreserve", "Be.lla", "--reason=x"), 0, "“Be.lla” is no longer let pass.\n", "")
		refuses(t, nametag("names", "let-pass", "Rex.", "--reason=x", "--policy=kennel-club"), 1, "The name needs at least 2 words")
		refuses(t, nametag("names", "let-pass", "King Rex", "--reason=x", "--policy", policy), 1, "“King Rex” is reserved")
		refuses(t, nametag("names", "let-pass", "Bella", "--reason=x"), 1, "“Bella” was given up by its pet")
		refuses(t, nametag("names", "unreserve", "King Rex", "--reason=x", "--policy", policy), 1,
			"The policy, club-", "“King Rex” is reserved: Kept for the club's own dogs", "There is no ruling on “King Rex” to take back.")
	})
}

// What the help says to do about a lookalike is needed for it, and works.
func TestTheExamplesOfLettingPassDo(t *testing.T) {
	for _, example := range []string{
		`nametag names let-pass Mamie --reason "Its owner knows of Marnie."`,
		`nametag pets rename Mary Mamie --let-pass --as ann --reason "Agreed with the owner of Marnie."`,
	} {
		before, quoted, _ := strings.Cut(strings.TrimSuffix(example, `"`), ` "`)
		args := append(strings.Fields(before)[1:], quoted)
		if help := must(t, args[0], args[1], "--help"); !strings.Contains(strings.Join(strings.Fields(help), " "), example) {
			t.Errorf("%s is no example in\n%s", example, help)
		}
		database := filepath.Join(t.TempDir(), "pets.db")
		bring(t, database, write(t, "pets.csv", "name,category\nMarnie,dog\nMary,dog\n"))
		mamie := write(t, "more.csv", "name,category\nMamie,dog\n")
		if _, report := bring(t, database, mamie); len(report) != 1 || !strings.Contains(report[0], "similar") {
			t.Errorf("Mamie without leave: %q", report)
		}
		if r := run(t, environ{"USER": "ann", "NAMETAG_DATABASE": database}, "", args...); r.code != 0 {
			t.Errorf("%s: %+v", example, r)
		}
		bring(t, database, mamie) // what was let pass is to be registered yet
		if got := names(t, database); !got["Mamie"] || !got["Marnie"] {
			t.Errorf("%s: the book has %v", example, got)
		}
	}
}

func TestTheRegistrarWorksBesideAServer(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		p := programtest.Serve(t, nil, "--database", database)
		for _, args := range [][]string{
			{"pets", "rename", "Rex", "Max", "--reason=x"}, {"pets", "release", "Bella", "--reason=x"},
			{"names", "reserve", "King", "--reason=x"}, {"names", "let-pass", "M.ax", "--reason=x"}, {"names", "unreserve", "Bella", "--reason=x"},
			{"pets", "show", "Rex"}, {"pets", "find", "x"}, {"names", "list"}, {"journal", "show", "Rex"}, {"journal", "export"},
		} {
			if r := nametag(args...); r.code != 0 {
				t.Errorf("nametag %s: %+v", strings.Join(args, " "), r)
			}
		}
		for name, want := range map[string]bool{"Bella": true, "M.ax": true, "King": false, "Rex": false} {
			if ok, err := register(http.DefaultClient, p.URL, name); ok != want {
				t.Errorf("the server registers %s: %t, %v", name, ok, err)
			}
		}
		if r := nametag("journal", "verify"); r.code != 0 || !strings.Contains(r.stdout, ": 10 rows. ") {
			t.Errorf("%+v", r)
		}
	})
}

func TestAMistypedPathMakesNoDatabase(t *testing.T) {
	dir := t.TempDir()
	database := filepath.Join(dir, "pets.db")
	for _, args := range [][]string{
		{"pets", "rename", "Rex", "Max", "--reason=x"}, {"pets", "release", "Rex", "--reason=x"}, {"pets", "find", "x"}, {"pets", "show", "x"},
		{"pets", "correct", "Rex", "--color=red", "--reason=x"},
		{"names", "reserve", "Rex", "--reason=x"}, {"names", "unreserve", "Rex", "--reason=x"}, {"names", "let-pass", "Rex", "--reason=x"}, {"names", "list"},
		{"journal", "verify"}, {"journal", "show", "Rex"}, {"journal", "export"}, {"journal", "export", "-o", filepath.Join(dir, "journal")},
	} {
		refuses(t, run(t, environ{"SUDO_USER": "ann"}, "", append(args, "--database", database)...), 1, database)
	}
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
	refuses(t, run(t, environ{"USER": "ann"}, "", "names", "reserve", "Rex", "--reason=x"), 2, "home", "--database")
}

// execute changes a database behind the program's back.
func execute(t *testing.T, database, statement string) {
	t.Helper()
	if !strings.HasPrefix(database, "postgres") {
		db, err := sql.Open("sqlite", database)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		return
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestJournalVerifyFindsWhatWasAltered(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		must(t, "migrate", "--database", database)
		is(t, run(t, nil, "", "journal", "verify", "--database", database), 0,
			"The journal is whole: 0 rows. Head: 0:"+strings.Repeat("0", 64)+"\n", "")
		nametag := registrar(t, database)
		head := func() string {
			t.Helper()
			r := nametag("journal", "verify")
			whole, head, _ := strings.Cut(r.stdout, ". Head: ")
			if r.code != 0 || !strings.HasPrefix(whole, "The journal is whole: ") {
				t.Fatalf("%+v", r)
			}
			return strings.TrimSpace(head)
		}
		first := head()
		nametag("names", "reserve", "King", "--reason=x")
		second := head()
		if !strings.HasPrefix(first, "3:") || !strings.HasPrefix(second, "4:") || len(second) != 2+64 {
			t.Errorf("the heads are %s and %s", first, second)
		}
		is(t, nametag("journal", "verify", "--head", first, "--head="+second), 0, "The journal is whole: 4 rows. Head: "+second+"\n", "")
		other := "3:" + strings.Repeat("0", 64)
		r := nametag("journal", "verify", "--head", second, "--head", other, "--head", "9"+second[1:])
		refuses(t, r, 1, "the journal is not whole: 2 faults")
		r.stderr = ""
		is(t, r, 1, "Row 3 is not the one that was noted: it, or rows before it, were written anew.\n"+
			"Row 9 was noted, but is not there: the journal ends with row 4.\n", "")

		execute(t, database, `UPDATE journal SET entry = replace(entry, 'red', 'tan') WHERE seq = 1`)
		r = nametag("journal", "verify")
		refuses(t, r, 1, "the journal is not whole: 1 fault\n")
		if !strings.Contains(r.stdout, "Row 1 is not what was written") || strings.Count(r.stdout, "\n") != 1 {
			t.Errorf("of an altered row it says %q", r.stdout)
		}
		execute(t, database, `DELETE FROM journal WHERE seq IN (1, 2)`)
		if r = nametag("journal", "verify"); r.code != 1 || !strings.Contains(r.stdout, "Rows 1 to 2 are missing.\n") {
			t.Errorf("of missing rows it says %+v", r)
		}
		execute(t, database, `UPDATE journal SET entry = 'not JSON'`)
		refuses(t, nametag("journal", "show", "King"), 1, "row 4 of the journal can't be read")
	})
}

func TestAJournalWithoutItsHeadIsVerifiedAndNotWrittenTo(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		execute(t, database, `DELETE FROM journal_head`)
		refuses(t, nametag("pets", "release", "Rex", "--reason=x"), 1, "the journal's head is missing", "run “nametag journal verify”")
		execute(t, database, `DELETE FROM journal WHERE seq = 2`)
		r := nametag("journal", "verify")
		refuses(t, r, 1, "the journal is not whole: 2 faults\n")
		r.stderr = ""
		is(t, r, 1, "Row 2 is missing.\n"+
			"The journal's head is missing, so rows may be missing after row 3: nothing can be changed without it. Bring back a backup.\n", "")
		if got := names(t, database); !got["Rex"] {
			t.Errorf("the book has %v", got)
		}
	})
}

func TestACommandUnderAnotherPolicyThanRegistrationsWarns(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		const kept = "“King” is reserved, until you take it back with “nametag names unreserve”.\n"
		is(t, nametag("names", "reserve", "King", "--reason=x"), 0, kept, "")
		nametag("names", "reserve", "Queen", "--reason=x", "--policy=cfa-cat") // is no registration
		is(t, nametag("names", "reserve", "King", "--reason=x"), 0, kept, "")

		warning := regexp.MustCompile(`^The last registration was judged by the policy (\S+)-[0-9a-f]{8}, this command judges by (\S+)-[0-9a-f]{8}: is --policy \(NAMETAG_POLICY\) (.+)\?\n$`)
		bring(t, database, write(t, "cats.csv", "name,category\nTom,cat\n"), "--policy=cfa-cat")
		for _, test := range []struct {
			flag string
			want []string
		}{
			{"--as=ann", []string{"cfa-cat", "open", "missing"}},
			{"--policy=akc", []string{"cfa-cat", "akc", "the right one"}},
			{"--policy=cfa-cat", nil},
		} {
			r := nametag("names", "reserve", "King", "--reason=x", test.flag)
			said := warning.FindStringSubmatch(r.stderr)
			if r.code != 0 || r.stdout != kept || len(said) == 0 && r.stderr != "" || !slices.Equal(said[min(1, len(said)):], test.want) {
				t.Errorf("with %s: %+v, want a warning of %s", test.flag, r, test.want)
			}
		}

		p := programtest.Serve(t, environ{"NAMETAG_POLICY": "thoroughbred"}, "--database", database)
		res, err := http.Post(p.URL+"/api/v1/pets", "application/json", strings.NewReader(`{"name":"Silver","favorite_color":"red","category":"horse"}`))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if r := nametag("names", "reserve", "King", "--reason=x"); !strings.Contains(r.stderr, "by the policy thoroughbred-") {
			t.Errorf("beside a server with another policy: %+v", r)
		}
	})
}

func TestARefusedRenameSaysWhatToDoFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		nametag("pets", "rename", "Rex", "Max", "--reason=x")
		nametag("names", "reserve", "King's Own", "--reason=Not for pets.")
		end := "“Rex” was given up by its pet and is free again after " + inDays(90) + "."
		is(t, nametag("pets", "rename", "Max", "Rex", "--reason=x"), 1, "", "nametag: "+end+
			" To give it before then, also back to the pet that had it, take the quarantine of “Rex” off first: “nametag names unreserve Rex”.\n")
		is(t, nametag("pets", "rename", "Bella", "R.ex", "--reason=x"), 1, "", "nametag: “R.ex” is too much like “Rex”, which"+strings.TrimPrefix(end, "“Rex”")+
			" To give it before then, also back to the pet that had it, take the quarantine of “Rex” off first: “nametag names unreserve Rex”. With --let-pass it is allowed all the same.\n")
		is(t, nametag("pets", "rename", "Bella", "king's own", "--reason=x"), 1, "",
			"nametag: “king's own” is reserved: Not for pets. To give it all the same, take the reservation of “King's Own” back first: “nametag names unreserve 'King'\\''s Own'”.\n")
		if r := nametag("pets", "rename", "Bella", "R.ex", "--reason=x", "--let-pass"); r.code != 0 {
			t.Errorf("with --let-pass: %+v", r)
		}
		is(t, nametag("names", "unreserve", "Rex", "--reason=x"), 0, "“Rex” is no longer in quarantine.\n", "")
		if r := nametag("pets", "rename", "Max", "Rex", "--reason=x", "--let-pass"); r.code != 0 {
			t.Errorf("back to its former name: %+v", r)
		}
	})
}

func TestAPetsStoryIsNotThatOfWhoHadItsNameBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		free := "--policy=" + write(t, "open.yaml", "quarantine: none")
		nametag("pets", "release", "Rex", "--reason=x", free)
		bring(t, database, write(t, "more.csv", "name,category\nRex,cat\n"))
		nametag("pets", "rename", "Rex", "Max", "--reason=y", free)
		nametag("pets", "correct", "Max", "--color=blue", "--reason=z")
		shown := nametag("pets", "show", "Max")
		shown.stdout = times.ReplaceAllString(shown.stdout, "TIME")
		is(t, shown, 0, `Max
  favourite colour  blue
  category          cat
  registered        TIME

#5  TIME  “Rex” was imported: a cat, favourite colour unknown, registered on `+inDays(0)+`
                             by an import
#6  TIME  “Rex” was renamed to “Max”
                             by the registrar, ann: y
#7  TIME  “Max” was corrected: favourite colour blue instead of unknown
                             by the registrar, ann: z

What there was on its name before is in “nametag journal show Max”.
`, "")
		if told := nametag("pets", "show", "--json", "Max").stdout; !strings.Contains(told, `"journal":[{"seq":5,`) {
			t.Errorf("JSON tells %s", told)
		}
		if story := nametag("journal", "show", "Max").stdout; !strings.HasPrefix(story, "#1 ") || !strings.Contains(story, "#4 ") {
			t.Errorf("the journal tells %s", story)
		}
		if r := nametag("pets", "show", "Bella"); strings.Contains(r.stdout, "before") {
			t.Errorf("of a name that was nobody's before: %s", r.stdout)
		}
	})
}

func TestANameThatBeginsWithADash(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	bring(t, database, write(t, "pets.csv", "name,category\n-Dash,dog\n"))
	refuses(t, run(t, nil, "", "pets", "show", "-Dash", "--database", database), 2, "unknown flag -D", "Put -- before a name that begins with a dash.", "Run “nametag pets show --help”")
	must(t, "pets", "show", "--database", database, "--", "-Dash")
	if r := run(t, nil, "", "version", "-x"); r.code != 2 || strings.Contains(r.stderr, "Put --") {
		t.Errorf("of a command without names: %+v", r)
	}
	nametag := run(t, environ{"USER": "ann"}, "", "pets", "release", "--reason=x", "--database", database, "--", "-Dash")
	is(t, nametag, 0, "“-Dash” has left the book. “-Dash” is free for others after "+inDays(90)+".\n", "")
	refuses(t, run(t, nil, "", "pets", "show", "--database", database, "--", "-dash"), 1, "“nametag journal show -- -dash”")
}

func TestMessagesToRegistrars(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	nametag := registrar(t, database)
	is(t, nametag("pets", "show", ""), 1, "", "nametag: No pet has this name: no pet may. The name is empty. Please type one.\n")
	refuses(t, nametag("pets", "release", "Rex", "--reason=x", "--as="), 2, "--as: it is empty; say who does this")
	missing := filepath.Join(t.TempDir(), "missing", "x.csv")
	for _, command := range [][]string{{"export"}, {"journal", "export"}} {
		refuses(t, nametag(append(command, "--output", missing)...), 1, "open "+missing+": no such file or directory\n")
	}
	for _, command := range [][]string{{"pets", "find"}, {"pets", "show"}, {"journal", "show"}} {
		if help := must(t, append(command, "--help")...); !strings.Contains(help, "\nExamples:\n\n    nametag "+strings.Join(command, " ")) {
			t.Errorf("the help has no example:\n%s", help)
		}
	}
}

func TestJournalVerifyFindsWhatWasChangedPastIt(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		nametag("names", "reserve", "King", "--reason=x")
		nametag("pets", "release", "Rexina", "--reason=x")
		if r := nametag("journal", "verify"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
		execute(t, database, `UPDATE pets SET favorite_color = 'tan' WHERE name = 'Bella'`)
		execute(t, database, `DELETE FROM pets WHERE name = 'Rex'`)
		execute(t, database, `DELETE FROM rulings WHERE name = 'King'`)
		r := nametag("journal", "verify")
		refuses(t, r, 1, "the journal is whole, but the book was changed past it: 3 differences", "“nametag journal show”")
		r.stderr = ""
		is(t, r, 1, "“Bella” is in the journal with another colour: “light blue”, not “tan”.\n"+
			"The journal has a ruling on “King” that is not in the book: reserved.\n"+
			"“Rex” is in the journal, but not in the book.\n"+
			"Row 1, about “rex”, is not found by its name, as the pet that it entered does not lead to it. "+
			"This has it found, in the database: UPDATE journal SET by_pet = NULL WHERE seq = 1\n", "")

		nametag("pets", "correct", "Bella", "--color=light blue", "--reason=It was changed by SQL.")
		nametag("names", "reserve", "King", "--reason=x")
		bring(t, database, write(t, "back.csv", "name,category,color,registered_at\nRex,dog,red,2001-02-03\n"))
		r = nametag("journal", "verify")
		refuses(t, r, 1, "the journal is whole, but not found by its names: 1 row")
		execute(t, database, `UPDATE journal SET by_pet = NULL WHERE seq = 1`)
		if r := nametag("journal", "verify"); r.code != 0 {
			t.Errorf("when all is mended: %+v", r)
		}
	})
}

func TestJournalShow(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		refuses(t, nametag("journal", "show", "Nobody"), 1, "the journal knows nothing of “Nobody”")
		nametag("names", "let-pass", "Max", "--reason=x")
		nametag("names", "reserve", "Max", "--reason=y")
		nametag("names", "unreserve", "Max", "--reason=z")
		r := nametag("journal", "show", "max")
		r.stdout = times.ReplaceAllString(r.stdout, "TIME")
		is(t, r, 0, `#4  TIME  “Max” was let pass, though it looks like another name
                             by the registrar, ann: x
#5  TIME  “Max” was reserved
                             by the registrar, ann: y
#6  TIME  “Max” was no longer reserved
                             by the registrar, ann: z
`, "")
		r = nametag("journal", "show", "--json", "Rex")
		if r.code != 0 || strings.Count(r.stdout, "\n") != 1 || !strings.HasPrefix(r.stdout, `{"seq":1,"at":"`) || !strings.Contains(r.stdout, `"action":"imported","via":"import"`) {
			t.Errorf("%+v", r)
		}
		p := programtest.Serve(t, nil, "--database", database)
		if _, err := register(http.DefaultClient, p.URL, "Max"); err != nil {
			t.Fatal(err)
		}
		if r = nametag("journal", "show", "Max"); !strings.Contains(r.stdout, "“Max” was registered: a cat, favourite colour red\n") {
			t.Errorf("%+v", r)
		}
	})
}

// checkJournal is the check of docs/operating.md.
func checkJournal(t *testing.T, export string) {
	t.Helper()
	var previous [32]byte
	for line := range strings.Lines(export) {
		stated, entry := line[9:73], line[83:len(line)-2]
		previous = sha256.Sum256(append(previous[:], entry...))
		if fmt.Sprintf("%x", previous) != stated || !json.Valid([]byte(line)) {
			t.Fatalf("it does not hold for %s", line)
		}
	}
}

func TestJournalExportCanBeCheckedByAnybody(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database)
		nametag("pets", "rename", "Rex", "Möbius & <Söhne>\u2028", "--reason=  \"quoted\" \u00e4 ")
		nametag("pets", "rename", "Rex", "Möbius & <Söhne>", "--reason=  \"quoted\" \u00e4 ")
		all := nametag("journal", "export")
		if all.code != 0 || strings.Count(all.stdout, "\n") != 4 || !strings.Contains(all.stdout, "Möbius & <Söhne>") {
			t.Errorf("%+v", all)
		}
		checkJournal(t, all.stdout)
		is(t, nametag("journal", "export", "--after=3"), 0, strings.SplitAfter(all.stdout, "\n")[3], "")
		is(t, nametag("journal", "export", "--after=4"), 0, "", "")
		shortened := filepath.Join(t.TempDir(), "journal.jsonl")
		refuses(t, nametag("journal", "export", "--after=5", "-o", shortened), 1, "there is no row 5: the journal ends with row 4.", "“nametag journal verify”")
		if _, err := os.Stat(shortened); err == nil {
			t.Error("what can't be exported makes a file all the same")
		}
		output := filepath.Join(t.TempDir(), "journal.jsonl")
		is(t, nametag("journal", "export", "-o", output), 0, "4 rows written to "+output+"\n", "")
		if content, err := os.ReadFile(output); err != nil || string(content) != all.stdout {
			t.Errorf("the file has %s (%v)", content, err)
		}
		refuses(t, nametag("journal", "export", "-o", filepath.Join(output, "x")), 1, output)
		if !strings.HasPrefix(database, "postgres") {
			refuses(t, nametag("journal", "export", "-o", database), 2, "belongs to the database")
		}
	})
}
