package transfer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readAll reads every record of text, one string each: "line: field|field", or
// "line! reason" for one that is malformed.
func readAll(t *testing.T, text string, comma rune, columns int) []string {
	t.Helper()
	r := newRecords(strings.NewReader(text), comma)
	r.columns = columns
	var all []string
	for {
		rec, err := r.next()
		malformed, bad := errors.AsType[*malformedError](err)
		switch {
		case err == io.EOF:
			return all
		case bad:
			all = append(all, fmt.Sprintf("%d! %s", malformed.line, malformed.reason))
		case err != nil:
			t.Fatal(err)
		default:
			all = append(all, fmt.Sprintf("%d: %s", rec.line, strings.Join(rec.fields, "|")))
		}
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	const (
		bare   = "a quotation mark stands inside a field that is not quoted"
		follow = "text follows the quotation mark that closes a field"
		open   = "a quotation mark opens a field and nothing closes it"
	)
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"plain", "a,b\nc,d\n", []string{"1: a|b", "2: c|d"}},
		{"no line end at the end", "a,b\nc,d", []string{"1: a|b", "2: c|d"}},
		{"CRLF", "a,b\r\n\"c\r\nc\",d\r\n", []string{"1: a|b", "2: c\nc|d"}},
		{"byte order mark", "\ufeff\"a\",b\n", []string{"1: a|b"}},
		{"empty lines", "\na,b\n\n\nc,d\n\n", []string{"2: a|b", "5: c|d"}},
		{"empty fields", ",\n\"\",\n", []string{"1: |", "2: |"}},
		{"spaces are kept", " a , b \n", []string{"1:  a | b "}},
		{"quoted", "\"a,1\",\"say \"\"b\"\"\"\n", []string{"1: a,1|say \"b\""}},
		{"a record of three lines", "\"a\n\nb\",c\nd,e\n", []string{"1: a\n\nb|c", "4: d|e"}},
		{"bare quote", "a\"b,c\nd,e\n", []string{"1! " + bare, "2: d|e"}},
		{"text after a quote", "\"a\"b,c\nd,e\n", []string{"1! " + follow, "2: d|e"}},
		{"a quote that nothing closes", "a,b\n\"c,d\ne,f\n", []string{"1: a|b", "2! " + open, "3: e|f"}},
		{"a quote that a later quote closes wrongly", "\"a,b\nc,d\n\"e\",f\n", []string{"1! " + follow, "2: c|d", "3: e|f"}},
		{"too few columns", "a\nb,c\n", []string{"1! the row has 1 column where the header has 2", "2: b|c"}},
		{"too many columns", "a,b,c\nd,e\n", []string{"1! the row has 3 columns where the header has 2", "2: d|e"}},
		{"a swallowed row comes back", "\"a,b\nc,d\ne,\",f,g\nh,i\n",
			[]string{"1! the row has 3 columns where the header has 2", "2: c|d", "3! " + open, "4: h|i"}},
		{"a very long line", strings.Repeat("x", 3*maxRecordBytes) + "\na,b\n",
			[]string{"1! the row is longer than 65536 bytes; a quotation mark may be missing", "2: a|b"}},
		{"a very long line in a quoted field", "\"a\n" + strings.Repeat("x", 3*maxRecordBytes) + "\nb,c\n", []string{
			"1! the row is longer than 65536 bytes; a quotation mark may be missing",
			"2! the row is longer than 65536 bytes; a quotation mark may be missing", "3: b|c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, readAll(t, test.text, ',', 2)); diff != "" {
				t.Errorf("records of %.200q (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

func TestRecordsAfterAStrayQuoteInALongFile(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("\"stray,1\n")
	const rows = 50_000
	for range rows {
		text.WriteString("rex,dog\n")
	}
	got := readAll(t, text.String(), ',', 2)
	if len(got) != rows+1 || got[1] != "2: rex|dog" || got[rows] != "50001: rex|dog" {
		t.Errorf("%d records, want %d: one that is malformed, and every line after it", len(got), rows+1)
	}
}

func TestRecordsPassOnReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	for _, text := range []string{"a,b\nc", "a,b\n\"c", "a,b\n"} {
		r := newRecords(io.MultiReader(strings.NewReader(text), iotestErr{broken}), ',')
		_, err := r.next()
		for err == nil {
			_, err = r.next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("after %q: %v, want the reader's error", text, err)
		}
	}
}

type iotestErr struct{ error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.error }

// encoding/csv and records read well-formed files alike, and refuse the same files.
func FuzzRecords(f *testing.F) {
	f.Add("a,b\n\"c\"\"\n\",d\r\n\r\n", ",")
	f.Add("a;\"b;\"\n", ";")
	f.Add("\"a\nb,c\n\"d\"\n", ",")
	f.Fuzz(func(t *testing.T, text, comma string) {
		delimiter := []rune(comma + ",")[0]
		std := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
		std.Comma, std.FieldsPerRecord = delimiter, -1
		want, err := std.ReadAll()
		if len(text) > maxRecordBytes {
			t.Skip()
		}
		r := newRecords(strings.NewReader(text), delimiter)
		var got [][]string
		last, bad := 0, false
		for {
			rec, rerr := r.next()
			if rerr == io.EOF {
				break
			}
			line := rec.line
			if malformed, ok := errors.AsType[*malformedError](rerr); ok {
				line, bad = malformed.line, true
			} else if rerr != nil {
				t.Fatal(rerr)
			}
			if line <= last {
				t.Fatalf("line %d comes after line %d", line, last)
			}
			last = line
			got = append(got, rec.fields)
		}
		if delimiterIsValid(std) && bad != (err != nil) {
			t.Fatalf("encoding/csv: %v; malformed: %v", err, bad)
		}
		if err == nil && !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// delimiterIsValid reports whether encoding/csv accepts the delimiter of r.
func delimiterIsValid(r *csv.Reader) bool {
	probe := csv.NewReader(strings.NewReader("a"))
	probe.Comma = r.Comma
	_, err := probe.Read()
	return err == nil
}
