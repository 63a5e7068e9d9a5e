package transfer

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

// A Refusal says why a row was not registered, as in the report: a code for programs and a reason for people.
type Refusal struct {
	Code   registry.Code
	Reason string
}

// newRefusal puts d into words. Of several invalid fields, the first gives the code and each its reason.
func newRefusal(d registry.Decision) *Refusal {
	return &Refusal{d.Reason(), strings.Join(wording.Reasons(d), " ")}
}

// A Report is a CSV file of the rows that were refused: the line where the row begins, the name, and the code and the
// reason of the refusal.
type Report struct{ w *csv.Writer }

// NewReport writes the header of a report to w.
func NewReport(w io.Writer) (*Report, error) {
	r := &Report{csv.NewWriter(w)}
	r.w.Write([]string{"line", "name", "code", "reason"})
	return r, r.Flush()
}

// Add writes one row. Flush returns its errors.
func (r *Report) Add(row Row, why Refusal) {
	r.w.Write([]string{
		strconv.Itoa(row.Line), cellText(printable(row.Name)), string(why.Code), cellText(printable(why.Reason))})
}

// Flush writes all rows to the underlying writer.
func (r *Report) Flush() error {
	r.w.Flush()
	return r.w.Error()
}

// printable replaces characters that are not text in s, so that a report or a message is UTF-8 and does not control a
// terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}
