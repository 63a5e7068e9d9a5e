package cli_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nametag/internal/programtest"
)

func TestPetsFindReadsEveryPage(t *testing.T) {
	t.Parallel()
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
