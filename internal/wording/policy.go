package wording

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"nametag/internal/registry"
)

// Length describes the length of names under r: "Up to 50 characters".
func Length(r registry.Rules) string {
	most := cmp.Or(r.Length.Max, registry.MaxNameLength)
	bounds := fmt.Sprintf("Up to %d", most)
	if r.Length.Min > 1 {
		bounds = fmt.Sprintf("%d to %d", r.Length.Min, most)
	}
	if r.Length.LettersOnly {
		return bounds + " letters, not counting spaces and punctuation"
	}
	return bounds + " characters"
}

// Words describes the number of words of names under r; "" for any number.
func Words(r registry.Rules) string {
	switch r := r.Words; {
	case r.Min <= 1 && r.Max == 0:
		return ""
	case r.Max == 0:
		return fmt.Sprintf("At least %d words", r.Min)
	case r.Max == 1:
		return "One word"
	case r.Min <= 1:
		return fmt.Sprintf("At most %d words", r.Max)
	case r.Min == r.Max:
		return fmt.Sprintf("%d words", r.Min)
	default:
		return fmt.Sprintf("%d to %d words", r.Min, r.Max)
	}
}

// Characters describes the characters that names may have under r: "Only letters A to Z, ' and -"; "" for all.
func Characters(r registry.Rules) string {
	items := strings.Fields(r.Characters)
	for i, item := range items {
		items[i] = characters([]rune(item))
	}
	switch last := len(items) - 1; {
	case last < 0:
		return ""
	case last == 0:
		return "Only " + items[0]
	default:
		return "Only " + strings.Join(items[:last], ", ") + " and " + items[last]
	}
}

// characters describes one character, or a range such as A-Z.
func characters(item []rune) string {
	if len(item) < 3 {
		return string(item)
	}
	words := string(item[0]) + " to " + string(item[2])
	switch {
	case unicode.IsLetter(item[0]):
		return "letters " + words
	case unicode.IsDigit(item[0]):
		return "digits " + words
	default:
		return words
	}
}

// Lookalikes says whether r allows lookalikes.
func Lookalikes(r registry.Rules) string {
	if r.AllowLookalikes {
		return "Lookalikes are allowed"
	}
	return "Lookalikes such as Bel-la are refused"
}

// Quarantine says how long r reserves a name that was given up.
func Quarantine(r registry.Rules) string {
	switch days := int(r.Quarantine / (24 * time.Hour)); days {
	case 0:
		return "None: a name that was given up is free at once"
	case 1:
		return "1 day after a name was given up"
	default:
		return fmt.Sprintf("%d days after a name was given up", days)
	}
}
