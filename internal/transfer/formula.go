package transfer

import "strings"

// Spreadsheets run a cell that begins with one of these characters as a formula
// when they open a CSV file, and whoever registers a pet chooses its name. So a
// text that begins with one is written with an apostrophe before it, which
// spreadsheets show as text. A text that looks like one written so gets another
// apostrophe, and bareText takes one off again: what is exported comes back as
// it was, and every text has one form.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// cellText makes free text safe to open in a spreadsheet.
func cellText(s string) string {
	if startsFormula(strings.TrimLeft(s, "'")) {
		return "'" + s
	}
	return s
}

// bareText undoes cellText. A text that begins a formula with no apostrophe
// before it, as in files of other programs, stays as it is.
func bareText(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && startsFormula(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return s
}

func startsFormula(s string) bool { return s != "" && strings.ContainsAny(firstRune(s), formulaStarts) }

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}
