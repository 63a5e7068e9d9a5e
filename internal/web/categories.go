package web

import (
	"strings"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

// fewCategories is how many categories a sentence lists at most.
const fewCategories = 3

// kind returns what a pet of one of these categories is, such as "cat or dog", or "pet" if there are many categories.
func kind(categories []registry.Category) string {
	if len(categories) > fewCategories {
		return "pet"
	}
	return registry.OneOf(categories)
}

// kindTitle returns the label of a choice among these categories, such as "Cat or dog".
func kindTitle(categories []registry.Category) string {
	if n := len(categories); n == 1 || n > fewCategories {
		return "Kind of pet"
	}
	k := kind(categories)
	return strings.ToUpper(k[:1]) + k[1:]
}

// formValue returns what a form sends for c: a plural, as in the first version.
func formValue(c registry.Category) string { return c.Title() + "s" }

// nameHint describes the names that p allows.
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
