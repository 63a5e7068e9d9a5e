package cli_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestSeattle(t *testing.T) {
	const rows, pets = 52_122, 13_523
	file := filepath.Join("..", "..", "testdata", "seattle_pet_licenses.csv")
	onBoth(t, func(t *testing.T, database string) {
		summary, report := bring(t, database, file)
		t.Logf("the first import:\n%s", summary)
		if got := len(names(t, database)); got != pets {
			t.Errorf("%d pets are in the book, want %d", got, pets)
		}
		if got := len(report); got != rows-pets {
			t.Errorf("%d rows are in the report, want every other one of %d: %d", got, rows, rows-pets)
		}
		last := 0
		for _, s := range report {
			line, err := strconv.Atoi(s[:strings.Index(s, " ")])
			if err != nil || line <= last || strings.HasSuffix(s, ": ") {
				t.Fatalf("the report has %q after line %d", s, last)
			}
			last = line
		}

		again, second := bring(t, database, file)
		t.Logf("the second import:\n%s", again)
		already := 0
		for _, s := range second {
			if strings.Contains(s, " already_registered: ") {
				already++
			}
		}
		if len(second) != rows || already != pets {
			t.Errorf("the second import refuses %d rows, %d of them as registered already, want %d and %d", len(second), already, rows, pets)
		}
		if got := len(names(t, database)); got != pets {
			t.Errorf("after the second import %d pets are in the book, want %d", got, pets)
		}
	})
}
