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

	"nametag/internal/registry"
	"nametag/internal/transfer"
)

// inWords describes a code of refusal.
func inWords(code registry.Code) string {
	switch code {
	case registry.CodeEmpty:
		return "a field is empty"
	case registry.CodeTooLong:
		return "a field is too long"
	case registry.CodeTooShort:
		return "a name is too short"
	case registry.CodeNotAllowed:
		return "a field has characters or a word that is not allowed"
	case registry.CodeUnknownCategory:
		return "not a category of this registry"
	case registry.CodeTaken:
		return "another pet has the name"
	case registry.CodeSimilar:
		return "another pet has a name that looks like it"
	case registry.CodeReserved:
		return "the name is kept from everybody"
	case transfer.CodeAlreadyRegistered:
		return "this pet is in the book already"
	case transfer.CodeBadRow:
		return "the row is not well-formed CSV"
	case transfer.CodeBadDate:
		return "the date can't be used"
	case transfer.CodeBadLetPass:
		return "let_pass is neither true nor false"
	default:
		return "" // a code that a newer domain has
	}
}

// summarize tells what became of the rows of a file, in an aligned table: how
// many were done and how many refused, in these words, and why.
func summarize(w io.Writer, sum transfer.Summary, took time.Duration, done, refused string) error {
	total := 0
	for _, n := range sum.Refused {
		total += n
	}
	var b strings.Builder
	line := func(n int, what string) { fmt.Fprintf(&b, "%*s  %s\n", len(thousands(sum.Rows)), thousands(n), what) }
	line(sum.Rows, fmt.Sprintf("rows read in %.1f s, %s rows/s", took.Seconds(), thousands(int(float64(sum.Rows)/took.Seconds()))))
	line(sum.Registered, done)
	line(total, refused)
	codes := slices.SortedFunc(maps.Keys(sum.Refused), func(x, y registry.Code) int {
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
