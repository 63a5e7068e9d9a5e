package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nametag/internal/pgtest"
)

func TestExportComesBackAsTheSameBook(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var file strings.Builder
		file.WriteString("name,category,color,registered_at\n")
		for i := range 2100 { // three pages, many of one moment
			fmt.Fprintf(&file, "Pet %d,dog,red,2001-02-03T04:05:06.%06dZ\n", i, i/700)
		}
		file.WriteString("\"Says \"\"woof\"\", twice\",cat,\"red, green\",2010-01-01\n" +
			"=1+1,cat,@red,2010-01-01T12:30:00.123456+02:00\n" +
			"''=1+2,cat,'=,2010-01-02\nMöbius 🐈,cat,−x,1815-06-18\n'n Sync,cat,+-,9999-12-31\n")
		bring(t, database, write(t, "pets.csv", file.String()))

		exported := filepath.Join(t.TempDir(), "export.csv")
		must(t, "export", "--database", database, "--output", exported)
		first, err := os.ReadFile(exported)
		if err != nil {
			t.Fatal(err)
		}
		if stdout := must(t, "export", "--database", database); stdout != string(first) {
			t.Error("the file and standard output differ")
		}
		if !strings.HasPrefix(string(first), "name,favorite_color,category,registered_at,let_pass\n") ||
			!strings.Contains(string(first), "\n'=1+1,'@red,cat,2010-01-01T10:30:00.123456Z,false\n") {
			t.Errorf("the export begins with %.300s", first)
		}

		copied := filepath.Join(t.TempDir(), "copy.db")
		if _, report := bring(t, copied, exported); len(report) != 0 {
			t.Errorf("refused: %q", report)
		}
		for _, format := range []string{"csv", "jsonl"} {
			want := must(t, "export", "--database", database, "--format", format)
			if got := must(t, "export", "--database", copied, "--format", format); got != want || strings.Count(got, "\n") < 2104 {
				t.Errorf("the %s of the copy differs from that of the book", format)
			}
		}
	})
}

// Who was let pass, and who keeps others away, comes back as it was, whoever was
// registered first.
func TestLookalikesComeBackAsTheyWere(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		nametag := registrar(t, database) // Rex, Bella and Rexina
		for _, name := range []string{"Bel-la", "R.ex", "Re.x"} {
			nametag("names", "let-pass", name, "--reason=x")
		}
		_, report := bring(t, database, write(t, "more.csv", "name,category,registered_at\nR.ex,cat,1999-01-01\nBel-la,cat,2001-02-05\nRe.x,cat,2001-02-06\nMax,dog,1998-01-01\nTom,dog,2001-03-01\n"))
		if len(report) > 0 {
			t.Fatalf("refused: %q", report)
		}
		nametag("pets", "rename", "Max", "To.m", "--let-pass", "--reason=x")
		nametag("pets", "release", "Rex", "--reason=x") // R.ex and Re.x keep nobody away, and nobody does any more

		exported := filepath.Join(t.TempDir(), "export.csv")
		must(t, "export", "--database", database, "--output", exported)
		want := must(t, "export", "--database", database, "--format=jsonl")
		var order []string
		for line := range strings.Lines(want) {
			var pet struct {
				Name    string
				LetPass bool `json:"let_pass"`
			}
			if err := json.Unmarshal([]byte(line), &pet); err != nil {
				t.Fatal(err)
			}
			order = append(order, fmt.Sprintf("%s %t", pet.Name, pet.LetPass))
		}
		if got := strings.Join(order, ", "); got != "To.m true, R.ex true, Bella false, Bel-la true, Rexina false, Re.x true, Tom false" {
			t.Errorf("the export has %s", got)
		}

		empty := pgtest.URL(t)
		must(t, "migrate", "--database", empty)
		for _, copied := range []string{filepath.Join(t.TempDir(), "copy.db"), empty} {
			dry, refused := bring(t, copied, exported, "--dry-run")
			if len(refused) > 0 || !strings.Contains(dry, "7  would be registered") {
				t.Errorf("refused by the dry run: %q\n%s", refused, dry)
			}
			if _, report := bring(t, copied, exported); len(report) > 0 {
				t.Errorf("refused: %q", report)
			}
			if got := must(t, "export", "--database", copied, "--format=jsonl"); got != want {
				t.Errorf("the copy has\n%s, want\n%s", got, want)
			}
			must(t, "journal", "verify", "--database", copied)
			_, report := bring(t, copied, write(t, "more.csv", "name,category\nB.ella,cat\nRex,cat\n"))
			if len(report) != 1 || !strings.Contains(report[0], "“B.ella” is too much like “Bella”") {
				t.Errorf("of others that look like them, the copy refuses %q", report)
			}
		}
	})
}

func TestAWordThatDoesNotSayWhetherANameIsLetPass(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	summary, report := bring(t, database, write(t, "pets.csv", "name,category,let_pass\nRex,dog,perhaps\nBella,dog,\nBel-la,dog,false\nBel.la,dog,TRUE\n"))
	if len(report) != 2 || !strings.HasPrefix(report[0], "2 Rex bad_let_pass: “perhaps” does not say whether the name is let pass") || !strings.HasPrefix(report[1], "4 Bel-la similar: ") {
		t.Errorf("refused: %q", report)
	}
	if !strings.Contains(summary, "bad_let_pass        let_pass is neither true nor false") {
		t.Errorf("the summary:\n%s", summary)
	}
}

func TestExportJSONL(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	bring(t, database, write(t, "pets.csv", "name,category,color,registered_at\n=<b>,cat,red,2010-01-01\n"))
	want := `{"name":"=<b>","favorite_color":"red","category":"cat","registered_at":"2010-01-01T00:00:00.000000Z","let_pass":false}` + "\n"
	if got := must(t, "export", "--format=jsonl", "--database", database); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestExportOfNothingCreatesNothing(t *testing.T) {
	dir := t.TempDir()
	database, output := filepath.Join(dir, "pets.db"), filepath.Join(dir, "pets.csv")
	refuses(t, run(t, nil, "", "export", "--database", database, "--output", output), 1, database)
	refuses(t, run(t, environ{"HOME": dir}, "", "export", "--output", output), 1, "nametag.db")
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}

func TestAFailedExportLeavesTheOldFile(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	bring(t, database, write(t, "pets.csv", "name,category\nRex,dog\n"))
	output := write(t, "out.csv", "the old one")
	must(t, "export", "--database", database, "--output", output)
	if content, _ := os.ReadFile(output); !strings.Contains(string(content), "Rex") {
		t.Errorf("the file has %q", content)
	}
	if files, _ := os.ReadDir(filepath.Dir(output)); len(files) != 1 {
		t.Errorf("there is %v, want the export alone", files)
	}
	refuses(t, run(t, nil, "", "export", "--database", database, "--output", filepath.Join(output, "x")), 1, output)
	must(t, "export", "--database", database, "--output", os.DevNull)
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Error("the null device was replaced by a file")
	}
}

func TestExportDoesNotReplaceTheDatabase(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	bring(t, database, write(t, "pets.csv", "name,category\nRex,dog\n"))
	for _, output := range []string{database, database + "-wal", filepath.Join(filepath.Dir(database), ".", "pets.db.lock")} {
		refuses(t, run(t, nil, "", "export", "--database", database, "--output", output), 2, "belongs to the database", "--output")
	}
	if got := names(t, database); !got["Rex"] {
		t.Errorf("the book has %v", got)
	}
}
