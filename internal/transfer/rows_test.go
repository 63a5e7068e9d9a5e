package transfer

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct{ text, want, err string }{
		{"", "0001-01-01T00:00:00Z", ""},
		{" 2018-11-16 ", "2018-11-16T00:00:00Z", ""},
		{"2018-11-16T10:30:00.000123+02:00", "2018-11-16T08:30:00.000123Z", ""},
		{"0001-01-02", "0001-01-02T00:00:00Z", ""},
		{"2026-05-02", "2026-05-02T00:00:00Z", ""},
		{"2026-05-03", "", "in the future"},
		{"9999-12-31", "", "in the future"},
		{"9999-12-31T23:59:59-01:00", "", "out of range"},
		{"0000-12-31", "", "out of range"},
		{"0001-01-01", "", "out of range"},
		{"0001-01-01T00:00:00+01:00", "", "out of range"},
		{"2018-02-30", "", "is not a date: write it like 2018-11-16"},
		{"11/16/2018", "", "is not a date"},
		{"yesterday", "", "is not a date"},
	} {
		got, err := parseDate(test.text, now)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("parseDate(%q): %v, want an error with it and %q", test.text, err, test.err)
			}
			continue
		}
		if err != nil || got.Format(time.RFC3339Nano) != test.want {
			t.Errorf("parseDate(%q) = %s, %v, want %s", test.text, got.Format(time.RFC3339Nano), err, test.want)
		}
	}
}

func TestParseLetPass(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want bool
		err  string
	}{
		{"", false, ""},
		{"false", false, ""},
		{" TRUE ", true, ""},
		{"1", false, "“1” is not valid for let_pass: write true or false"},
		{"perhaps", false, "write true or false"},
	} {
		got, err := parseLetPass(test.text)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("parseLetPass(%q) = %t, %v", test.text, got, err)
		}
	}
}

func TestColumnsAreFoundByTheirHeaders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		header  string
		columns Columns
		want    positions
		missing *MissingColumnError
	}{
		{"Seattle's", "license_issue_date,animals_name,species,primary_breed", Columns{}, positions{1, 2, -1, 0, -1}, nil},
		{"our own", "name,favorite_color,category,registered_at,let_pass", Columns{}, positions{0, 2, 1, 3, 4}, nil},
		{"our own, of before", "name,favorite_color,category,registered_at", Columns{}, positions{0, 2, 1, 3, -1}, nil},
		{"the form's, in capitals", "Pet_Name, PET_CATEGORY ,Pet_Favorite_Color", Columns{}, positions{0, 1, 2, -1, -1}, nil},
		{"the likeliest first", "colour,species,animals_name,category,name", Columns{}, positions{4, 3, 0, -1, -1}, nil},
		{"asked for", "a,b,c,D", Columns{Name: "A", Category: "b", Color: "c", Date: "d"}, positions{0, 1, 2, 3, -1}, nil},
		{"no name", "species,age", Columns{}, positions{}, &MissingColumnError{"name", "", []string{"species", "age"}}},
		{"no category", "name,age", Columns{}, positions{}, &MissingColumnError{"category", "", []string{"name", "age"}}},
		{"asked for one that is not there", "name,species", Columns{Color: "fur"}, positions{},
			&MissingColumnError{"color", "fur", []string{"name", "species"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows, err := NewRows(strings.NewReader(test.header+"\n"), Format{Columns: test.columns})
			if test.missing != nil {
				missing, ok := errors.AsType[*MissingColumnError](err)
				if !ok || !cmp.Equal(missing, test.missing) {
					t.Fatalf("%#v, want %#v", err, test.missing)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if rows.at != test.want {
				t.Errorf("columns at %+v, want %+v", rows.at, test.want)
			}
		})
	}
}

func TestHeadersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "empty",
		"\n\r\n":                 "empty",
		"na\"me,category\n":      "header (line 1)",
		"\n\"name,category\n":    "header (line 2)",
		"name,Name,category\n":   "two columns are called “name”",
		"\x1b[31mfoo,category\n": "columns are: \ufffd[31mfoo, category",
		`{"name": "Rex"}`:        "looks like JSON",
		"\xff\xfen\x00a\x00":     "UTF-16",
	} {
		if _, err := NewRows(strings.NewReader(text), Format{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

func TestTheDefaultColorFillsIn(t *testing.T) {
	t.Parallel()
	rows, err := NewRows(strings.NewReader("name,category,color\nRex,dog, \nBella,cat,red\n"), Format{DefaultColor: "unknown"})
	if err != nil {
		t.Fatal(err)
	}
	var colors []string
	for {
		row, err := rows.Next()
		if err == io.EOF {
			break
		}
		colors = append(colors, string(row.Decision.Pet.FavoriteColor))
	}
	if want := []string{"unknown", "red"}; !slices.Equal(colors, want) {
		t.Errorf("colours %q, want %q", colors, want)
	}
}

func TestCellTextIsNoFormulaAndComesBack(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Rex": "Rex", "": "", "'": "'", "'n Sync": "'n Sync", "O'Neill": "O'Neill", "1=1": "1=1",
		"=1+1": "'=1+1", "+1": "'+1", "-x": "'-x", "@x": "'@x", "'=x": "''=x", "''=x": "'''=x", "＝x": "'＝x",
	} {
		if got := cellText(text); got != want {
			t.Errorf("cellText(%q) = %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("'=+-@ab\t＝")), 0, 6, -1).Draw(t, "text")
		cell := cellText(text)
		if startsFormula(cell) {
			t.Errorf("cellText(%q) = %q, which a spreadsheet runs", text, cell)
		}
		if back := bareText(cell); back != text {
			t.Errorf("%q comes back as %q", text, back)
		}
	})
}
