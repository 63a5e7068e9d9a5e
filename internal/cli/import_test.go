package cli_test

import (
	"nametag/internal/programtest"

	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// refusals reads a report: "line name code: reason", one a row.
func refusals(t *testing.T, report string) []string {
	t.Helper()
	f, err := os.Open(report)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"line", "name", "code", "reason"}; !cmp.Equal(rows[0], want) {
		t.Errorf("the report's header is %q, want %q", rows[0], want)
	}
	var all []string
	for _, row := range rows[1:] {
		all = append(all, fmt.Sprintf("%s %s %s: %s", row[0], row[1], row[2], row[3]))
	}
	return all
}

// bring imports a file and returns what the command said and its report.
func bring(t *testing.T, database, file string, flags ...string) (string, []string) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.csv")
	args := append([]string{"import", "--database", database, "--report", report}, flags...)
	return must(t, append(args, file)...), refusals(t, report)
}

// everyRefusal has a row for every reason to refuse one.
const everyRefusal = "license_issue_date,animals_name,species,color\r\n" +
	"2018-11-16,Rex,Dog,red\r\n" + // 2
	"2018-11-17,,Cat,red\r\n" + // 3
	"2018-11-17," + "Abcdefghij Abcdefghij Abcdefghij Abcdefghij Abcdefghij" + ",Cat,red\r\n" + // 4
	"2018-11-17,Bob\a,Cat,red\r\n" + // 5
	"2018-11-17,Billy,Goat,red\r\n" + // 6
	"2018-11-17,REX ,Cat,blue\r\n" + // 7
	"2018-11-16,Rex,Dog,red\r\n" + // 8
	"2018-11-17,Bel\"la,Cat,red\r\n" + // 9
	"2018-11-17,Bella,Cat\r\n" + // 10
	"2018-11-31,Bella,Cat,red\r\n" + // 11
	"2999-01-01,Bella,Cat,red\r\n" + // 12
	"2018-11-17,\"Bella\r\nBlue\",Cat,\"light\r\n  blue\"\r\n" + // 13 to 15
	"2018-11-17,-,Pig,\r\n" + // 16
	"2018-11-17,=1+1,dogs,\r\n" + // 17
	"2018-11-17,＝1+1,Cat,\"=2\"\r\n" + // 18
	"2018-11-17,\"Open,Cat,red\r\n" + // 19
	"2018-11-18,Last,Cat,red" // 20

func everyReason(rexDog string) []string {
	return []string{
		"3  empty: The name is empty. Please type one.",
		"4 Abcdefghij Abcdefghij Abcdefghij Abcdefghij Abcdefghij too_long: The name has 54 characters and may have 50. Please shorten it by 4.",
		"5 Bob\ufffd not_allowed: The name contains a control character (U+0007), which is not allowed. Please remove it.",
		"6 Billy unknown_category: “Goat” is not a category of this registry. Please choose cat or dog.",
		"7 REX  taken: " + rexDog,
		"8 Rex taken: " + rexDog,
		"9  bad_row: a quotation mark stands inside a field that is not quoted",
		"10  bad_row: the row has 3 columns where the header has 4",
		"11 Bella bad_date: “2018-11-31” is not a date: write it like 2018-11-16 or 2018-11-16T09:30:00Z",
		"12 Bella bad_date: “2999-01-01” is in the future",
		"16 '- not_allowed: “-” has no letter and no digit. A name needs at least one, or a picture such as 🐕. “Pig” is not a category of this registry. Please choose cat or dog.",
		"18 '＝1+1 taken: taken by line 17 of this file, “=1+1”",
		"19  bad_row: a quotation mark opens a field and nothing closes it",
	}
}

func TestImportReportsEveryRefusal(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		file := write(t, "pets.csv", everyRefusal)
		summary, report := bring(t, database, file)
		want := everyReason("taken by line 2 of this file, “Rex”")
		if diff := cmp.Diff(want, report); diff != "" {
			t.Errorf("the report (-want +got):\n%s", diff)
		}
		if got := names(t, database); !maps.Equal(got, map[string]bool{"Rex": true, "Bella Blue": true, "=1+1": true, "Last": true}) {
			t.Errorf("the book has %v", got)
		}
		for _, s := range []string{"17  rows read", " 4  registered", "13  refused", " 3    bad_row ", " 3    taken "} {
			if !strings.Contains(summary, s) {
				t.Errorf("the summary lacks %q:\n%s", s, summary)
			}
		}
	})
}

func TestImportNamesWhoHasANameInTheBook(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		bring(t, database, write(t, "old.csv", "name,category,color,registered_at\nRex,dog,red,2001-02-03\nBella,cat,blue,2001-02-04\n"))
		_, report := bring(t, database, write(t, "new.csv", "name,category,color\n"+
			"REX,cat,red\n"+ // another pet
			"Rex,dog,red\n"+ // the same, as far as the file tells
			"rex,dog,red\n"+ // a later row of the file
			"Bella,cat,green\n"))
		want := []string{
			"2 REX taken: “REX” is taken: a dog has had “Rex” since 3 February 2001. Please try another name.",
			"3 Rex already_registered: already in the book",
			"4 rex taken: taken by line 3 of this file, “Rex”",
			"5 Bella taken: “Bella” is taken: a cat has had it since 4 February 2001. Please try another name.",
		}
		if diff := cmp.Diff(want, report); diff != "" {
			t.Errorf("the report (-want +got):\n%s", diff)
		}
		_, report = bring(t, database, write(t, "dated.csv", "name,category,color,registered_at\nRex,dog,red,2001-02-05\n"))
		if len(report) != 1 || !strings.HasPrefix(report[0], "2 Rex taken: ") {
			t.Errorf("a pet registered on another day is another pet, but the report is %q", report)
		}
	})
}

func TestImportAgainFindsEverythingRegistered(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		file := write(t, "pets.csv", everyRefusal)
		bring(t, database, file)
		before := must(t, "export", "--database", database)
		_, report := bring(t, database, file)
		want := everyReason("taken by line 2 of this file, “Rex”")
		want = append([]string{"2 Rex already_registered: already in the book"}, want...)
		want = append(want[:11:11], append([]string{"13 Bella Blue already_registered: already in the book"}, want[11:]...)...)
		want = append(want[:13:13], append([]string{"17 '=1+1 already_registered: already in the book"}, want[13:]...)...)
		want = append(want, "20 Last already_registered: already in the book")
		// The name is reported as the file has it.
		for i, s := range report {
			report[i] = strings.Replace(s, "Bella\nBlue", "Bella Blue", 1)
		}
		if diff := cmp.Diff(want, report); diff != "" {
			t.Errorf("the report (-want +got):\n%s", diff)
		}
		if after := must(t, "export", "--database", database); after != before {
			t.Error("the second import changed the book")
		}
	})
}

func TestADryRunSaysWhatARunWouldAndRegistersNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		bring(t, database, write(t, "old.csv", "name,category,color,registered_at\nLast,cat,red,2018-11-18\nBella Blue,dog,red,2001-02-03\n"))
		before := must(t, "export", "--database", database)
		file := write(t, "pets.csv", everyRefusal)
		dry, dryReport := bring(t, database, file, "--dry-run")
		if after := must(t, "export", "--database", database); after != before {
			t.Error("the dry run changed the book")
		}
		_, report := bring(t, database, file)
		if diff := cmp.Diff(report, dryReport); diff != "" {
			t.Errorf("the reports differ (-run +dry run):\n%s", diff)
		}
		if !strings.Contains(dry, " 2  would be registered (dry run)") {
			t.Errorf("the summary of the dry run:\n%s", dry)
		}
	})
}

// A name that the registrar lets pass may look like another of the file, and like
// one in the book.
func TestADryRunKnowsWhoIsLetPass(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database) // Rex, Bella and Rexina
		for _, name := range []string{"Bel-la", "To.m", "T.im"} {
			nametag("names", "let-pass", name, "--reason=x")
		}
		file := write(t, "more.csv", "name,category,let_pass\n"+
			"Bel-la,cat,\n"+ // permitted, like one in the book
			"B.ella,cat,\n"+
			"Tom,cat,\nTo.m,cat,\n"+ // permitted, like one of the file
			"T-om,cat,\n"+
			"T.im,cat,\nTim,cat,\n"+ // permitted, and the first that looks so
			"R.ex,cat,true\nR-ex,cat,false\n"+ // let pass by its row, like one in the book
			"Z.oe,cat,true\nZoe,cat,\nZ-oe,cat,\n") // and one that keeps nobody away
		_, dry := bring(t, database, file, "--dry-run")
		_, report := bring(t, database, file)
		var lines []string
		for i, s := range append(dry, report...) {
			line, _, _ := strings.Cut(s, ":")
			lines = append(lines, line)
			if i < len(dry) && i < len(report) && strings.Fields(s)[0] != strings.Fields(report[i])[0] {
				t.Errorf("the dry run says %q, the run %q", s, report[i])
			}
		}
		want := []string{"3 B.ella similar", "6 T-om similar", "8 Tim similar", "10 R-ex similar", "13 Z-oe similar"}
		if diff := cmp.Diff(append(want, want...), lines); diff != "" {
			t.Errorf("refused by the dry run and by the run (-want +got):\n%s", diff)
		}
	})
}

func TestADryRunNeedsNoDatabase(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	_, report := bring(t, database, write(t, "pets.csv", everyRefusal), "--dry-run")
	if diff := cmp.Diff(everyReason("taken by line 2 of this file, “Rex”"), report); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(database); err == nil {
		t.Error("the dry run created a database")
	}
}

func TestImportReadsOtherDelimitersAndHeaders(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	file := write(t, "pets.tsv", "\ufeffCalled\tKind\tHue\tSince\nRex, the dog\tDog\tred\t2001-02-03\n")
	bring(t, database, file, "--delimiter=tab", "--name-column=called", "--category-column=KIND", "--color-column=hue", "--date-column=since")
	want := "name,favorite_color,category,registered_at,let_pass\n\"Rex, the dog\",red,dog,2001-02-03T00:00:00.000000Z,false\n"
	if got := must(t, "export", "--database", database); got != want {
		t.Errorf("the book is %q, want %q", got, want)
	}
}

func TestImportFromStandardInputReportsInTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	r := run(t, nil, "name,category\nRex,dog\n", "import", "--database=pets.db", "-")
	if r.code != 0 || !strings.Contains(r.stdout, "import.refused.csv") {
		t.Errorf("%+v", r)
	}
	if got := refusals(t, "import.refused.csv"); len(got) != 0 {
		t.Errorf("refused: %q", got)
	}
	if err := os.Mkdir("books", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("books/Pets.CSV", []byte("name,category\nREX,dog\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "--database=pets.db", "books/Pets.CSV")
	if got := refusals(t, "Pets.refused.csv"); len(got) != 1 {
		t.Errorf("refused: %q", got)
	}
}

func TestImportFailsBeforeItBegins(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	must(t, "migrate", "--database", database)
	file := write(t, "pets.csv", "Title,Kind\nRex,dog\n")
	good := write(t, "good.csv", "name,category\nRex,dog\n")
	for _, test := range []struct {
		name string
		code int
		args []string
		says []string
	}{
		{"no name column", 2, []string{file}, []string{"Title, Kind", "--name-column"}},
		{"no category column", 2, []string{"--name-column=title", file}, []string{"Title, Kind", "--category-column"}},
		{"no such column", 2, []string{"--date-column=Day", good}, []string{"“Day”", "name, category", "--date-column"}},
		{"empty file", 1, []string{write(t, "empty.csv", "")}, []string{"empty.csv", "header line"}},
		{"no file", 1, []string{file + "x"}, []string{file + "x", "no such file"}},
		{"a directory", 1, []string{t.TempDir()}, []string{"is a directory"}},
		{"report over the input", 2, []string{"--report", good, good}, []string{"--report"}},
		{"report over the database", 2, []string{"--report", database, good}, []string{"database", "--report"}},
		{"report over its log", 2, []string{"--report", database + "-wal", good}, []string{"database", "--report"}},
		{"report that can't be written", 1, []string{"--report", filepath.Join(file, "x"), good}, []string{"--report", file}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			r := run(t, nil, "", append([]string{"import", "--database", database}, test.args...)...)
			refuses(t, r, test.code, test.says...)
		})
	}
	if content, _ := os.ReadFile(good); string(content) != "name,category\nRex,dog\n" {
		t.Error("the input was overwritten")
	}
	if _, err := os.Stat(database); err == nil && len(names(t, database)) > 0 {
		t.Error("a pet was registered all the same")
	}
}

func TestTheReportDoesNotReplaceStandardInput(t *testing.T) {
	file := write(t, "pets.csv", "name,category\nRex,dog\n")
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := programtest.Command("import", "--database", filepath.Join(t.TempDir(), "pets.db"), "--report", file, "-")
	cmd.Stdin = in
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(said), "--report") {
		t.Errorf("%v: %s", err, said)
	}
	if content, _ := os.ReadFile(file); string(content) != "name,category\nRex,dog\n" {
		t.Errorf("the input is now %q", content)
	}
}

func TestAnInterruptedImportGoesOnWhenRunAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var file strings.Builder
		file.WriteString("name,category,registered_at\n")
		for i := range 2500 {
			fmt.Fprintf(&file, "Pet %d,dog,2001-02-03\n", i)
		}
		report := filepath.Join(t.TempDir(), "report.csv")
		cmd := programtest.Command("import", "--database", database, "--report", report, "-")
		cmd.Env = []string{}
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill() })
		io.WriteString(in, file.String()) // and no end: the import waits for more
		waitFor(t, func() bool {
			r := run(t, nil, "", "export", "--database", database)
			return r.code == 0 && strings.Count(r.stdout, "\n") >= 2001
		})
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		refuses(t, result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, 1,
			"after line 2001", "interrupted", "Run the same command again")
		if !strings.Contains(stdout.String(), "2,000  registered") {
			t.Errorf("the summary:\n%s", &stdout)
		}
		if got := refusals(t, report); len(got) != 0 {
			t.Errorf("refused: %q", got)
		}

		summary, again := bring(t, database, write(t, "pets.csv", file.String()))
		if !strings.Contains(summary, "  500  registered") || len(again) != 2000 {
			t.Errorf("run again, %d rows are refused and the summary is\n%s", len(again), summary)
		}
		for _, s := range again {
			if !strings.Contains(s, "already_registered") {
				t.Errorf("refused: %s", s)
				break
			}
		}
	})
}

// waitFor waits until ready says so.
func waitFor(t *testing.T, ready func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !ready(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("waited for a minute in vain")
		}
	}
}

func TestAFailingDatabaseStopsAnImport(t *testing.T) {
	database := filepath.Join(t.TempDir(), "not-a-database.db")
	if err := os.WriteFile(database, []byte(strings.Repeat("this is no database. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	r := run(t, nil, "name,category\nRex,dog\n", "import", "--database", database, "-")
	refuses(t, r, 1, database)
}

func TestAFullDiskIsSaid(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("the test of a full disk left out: there is no ", full)
	}
	database := filepath.Join(t.TempDir(), "pets.db")
	bring(t, database, write(t, "pets.csv", "name,category\nRex,dog\n"))
	r := run(t, nil, "name,category\nBella,dog\n", "import", "--database", database, "--report", full, "-")
	refuses(t, r, 1, "report", "no space left")
	if got := names(t, database); len(got) != 1 {
		t.Errorf("the book has %v, want what it had", got)
	}
	refuses(t, run(t, nil, "", "export", "--database", database, "--output", full), 1, "no space left")
}
