package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"nametag"
	"nametag/internal/transfer"
)

// inWords describes a code of refusal.
func inWords(code nametag.Code) string {
	switch code {
	case nametag.CodeEmpty:
		return "a field is empty"
	case nametag.CodeTooLong:
		return "a field is too long"
	case nametag.CodeNotAllowed:
		return "a field has characters that are not allowed"
	case nametag.CodeUnknownCategory:
		return "neither a cat nor a dog"
	case nametag.CodeTaken:
		return "another pet has the name"
	case transfer.CodeAlreadyRegistered:
		return "this pet is in the book already"
	case transfer.CodeBadRow:
		return "the row is not well-formed CSV"
	case transfer.CodeBadDate:
		return "the date can't be used"
	default:
		return "" // a code that a newer domain has
	}
}

// summarize tells what an import did, in an aligned table.
func (c importCmd) summarize(w io.Writer, sum transfer.Summary, took time.Duration) error {
	refused := 0
	for _, n := range sum.Refused {
		refused += n
	}
	done := "registered"
	if c.DryRun {
		done = "would be registered (dry run)"
	}
	var b strings.Builder
	line := func(n int, what string) { fmt.Fprintf(&b, "%*s  %s\n", len(thousands(sum.Rows)), thousands(n), what) }
	line(sum.Rows, fmt.Sprintf("rows read in %.1f s, %s rows/s", took.Seconds(), thousands(int(float64(sum.Rows)/took.Seconds()))))
	line(sum.Registered, done)
	line(refused, "refused; the report is "+c.reportName())
	codes := slices.SortedFunc(maps.Keys(sum.Refused), func(x, y nametag.Code) int {
		return cmp.Or(cmp.Compare(sum.Refused[y], sum.Refused[x]), cmp.Compare(x, y))
	})
	for _, code := range codes {
		line(sum.Refused[code], strings.TrimRight(fmt.Sprintf("  %-18s  %s", code, inWords(code)), " "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// thousands writes n in groups of three digits: 52,122.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
