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

// A Refusal is why a row was not registered, as the report has it: a code for
// programs and a reason for people.
type Refusal struct {
	Code   registry.Code
	Reason string
}

// newRefusal puts d into words. Of several invalid fields, the first gives the
// code and each its reason.
func newRefusal(d registry.Decision) *Refusal {
	if len(d.Errors) == 0 {
		return &Refusal{d.Code, wording.Reason(d)}
	}
	var reasons []string
	if d.Ruling != nil { // the policy reserves the name, and other fields are invalid
		reasons = append(reasons, wording.Reason(registry.Decision{Name: d.Name, Code: registry.CodeReserved, Ruling: d.Ruling}))
	}
	for _, e := range d.Errors {
		reasons = append(reasons, e.Message)
	}
	return &Refusal{d.Reason(), strings.Join(reasons, " ")}
}

// A Report is a CSV file of the rows that were refused: the line where the row
// begins, the name, and the code and the reason of the refusal.
type Report struct{ w *csv.Writer }

// NewReport writes the header of a report to w.
func NewReport(w io.Writer) (*Report, error) {
	r := &Report{csv.NewWriter(w)}
	r.w.Write([]string{"line", "name", "code", "reason"})
	return r, r.Flush()
}

// Add writes one row. Errors show in Flush.
func (r *Report) Add(row Row, why Refusal) {
	r.w.Write([]string{strconv.Itoa(row.Line), cellText(printable(row.Name)), string(why.Code), cellText(printable(why.Reason))})
}

// Flush hands all rows on to the underlying writer.
func (r *Report) Flush() error {
	r.w.Flush()
	return r.w.Error()
}

// printable replaces what is not text in s, so that a report or a message is
// UTF-8 and gives no orders to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}
