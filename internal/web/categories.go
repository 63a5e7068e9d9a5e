package web

import (
	"strings"

	"nametag/internal/registry"
	"nametag/internal/wording"
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
	r := p.Rules()
	var hint strings.Builder
	for _, rule := range []string{wording.Words(r), wording.Length(r), wording.Characters(r),
		"Capitals make no difference: BELLA and Bella are one name", wording.Lookalikes(r)} {
		if rule != "" {
			hint.WriteString(rule + ". ")
		}
	}
	return strings.TrimSpace(hint.String())
}
