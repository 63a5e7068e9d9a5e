package transfer

import (
	"strings"
	"unicode/utf8"
)

// Spreadsheets run a cell that begins with one of these characters as a formula when they open a CSV file, and visitors
// choose the names of pets. So the export puts an apostrophe before a text that begins with one, and spreadsheets show
// it as text. A text that already has that form gets another apostrophe, and bareText takes one off again: every text
// comes back as it was exported.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// cellText makes free text safe to open in a spreadsheet.
func cellText(s string) string {
	if startsFormula(strings.TrimLeft(s, "'")) {
		return "'" + s
	}
	return s
}

// bareText undoes cellText. A text that begins a formula without an apostrophe, as in files of other programs, stays as
// it is.
func bareText(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && startsFormula(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return s
}

func startsFormula(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return strings.ContainsRune(formulaStarts, first)
}
