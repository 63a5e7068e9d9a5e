package transfer

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode"

	"nametag/internal/registry"
)

// A Refusal says why a row was not registered: a code for programs and a
// reason for people.
type Refusal struct {
	Code   registry.Code
	Reason string
}

// refusal makes a Refusal of an error of the domain. Of several fields that
// need mending, the first gives the code and each its reason.
func refusal(err error) *Refusal {
	e, ok := errors.AsType[*registry.Error](err)
	if !ok {
		return &Refusal{registry.ErrorCode(err), err.Error()}
	}
	if len(e.Fields) == 0 {
		return &Refusal{e.Code, e.Message}
	}
	reasons := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		reasons[i] = f.Message
	}
	return &Refusal{e.Fields[0].Code, strings.Join(reasons, " ")}
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
