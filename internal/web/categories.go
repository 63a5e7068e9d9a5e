package web

import (
	"fmt"
	"strings"
	"unicode"

	"nametag/internal/registry"
)

// fewCategories is how many categories a sentence can list.
const fewCategories = 3

// kind says what a pet of one of these categories is, "cat or dog", or that it
// is a pet where they are too many to say.
func kind(categories []registry.Category) string {
	if len(categories) > fewCategories {
		return "pet"
	}
	return registry.OneOf(categories)
}

// kindTitle is what a choice among these categories is called: "Cat or dog".
func kindTitle(categories []registry.Category) string {
	if n := len(categories); n == 1 || n > fewCategories {
		return "Kind of pet"
	}
	k := kind(categories)
	return strings.ToUpper(k[:1]) + k[1:]
}

// formValue is what a form sends for c. The first version's forms sent plurals.
func formValue(c registry.Category) string { return c.Title() + "s" }

// nameHint says what names may be like under p.
func nameHint(p *registry.Policy) string {
	hint := lengthHint(p) + charactersHint(p) + " Capitals make no difference: BELLA and Bella are one name."
	if !p.AllowsLookalikes() {
		hint += " Lookalikes such as Bel-la are refused."
	}
	return hint
}

func lengthHint(p *registry.Policy) string {
	n, lettersOnly := p.MaxLength()
	unit := "characters"
	if lettersOnly {
		unit = "letters"
	}
	if words := p.MinWords(); words > 1 {
		return fmt.Sprintf("At least %d words, up to %d %s.", words, n, unit)
	}
	return fmt.Sprintf("Up to %d %s.", n, unit)
}

// charactersHint says in words which characters p takes: " Only letters A to Z,
// ' and - are taken."; "" for all.
func charactersHint(p *registry.Policy) string {
	items := strings.Fields(p.Rules().Characters)
	for i, item := range items {
		items[i] = charactersInWords([]rune(item))
	}
	switch last := len(items) - 1; {
	case last < 0:
		return ""
	case last == 0:
		return " Only " + items[0] + " are taken."
	default:
		return " Only " + strings.Join(items[:last], ", ") + " and " + items[last] + " are taken."
	}
}

// charactersInWords says what one character is, or a range such as A-Z.
func charactersInWords(item []rune) string {
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
