package registry

import (
	"strings"
	"time"
)

// MaxColorLength is the greatest number of characters (code points) of a favourite colour.
const MaxColorLength = 30

// A Pet is an animal in the registry.
type Pet struct {
	Name          Name
	FavoriteColor Color
	Category      Category
	RegisteredAt  time.Time // UTC, to the microsecond
}

// Same reports whether p and q are equal, the spelling of the name included.
func (p Pet) Same(q Pet) bool {
	return p.Name == q.Name && p.FavoriteColor == q.FavoriteColor &&
		p.Category == q.Category && p.RegisteredAt.Equal(q.RegisteredAt)
}

// A Color is a favourite colour in its owner's words.
type Color string

// ParseColor normalizes free text of at most MaxColorLength characters, as ParseName normalizes a name for display. The
// error is an *Error for FieldColor with CodeEmpty, CodeTooLong or CodeNotAllowed.
func ParseColor(s string) (Color, error) {
	text, err := cleanText(FieldColor, "favourite colour", s, MaxColorLength)
	return Color(text), err
}

// CSS returns the keyword that CSS has for c ("Dark olive green" is "darkolivegreen"), or "" if CSS has none: then
// there is no swatch to show. The keywords are those of CSS Color Module Level 4, section 6.1.
func (c Color) CSS() string {
	keyword := strings.ReplaceAll(strings.ToLower(string(c)), " ", "")
	if _, ok := cssKeywords[keyword]; ok {
		return keyword
	}
	return ""
}

// A Category is the kind of animal: a word of lower-case letters.
type Category string

// The default categories.
const (
	Cat Category = "cat"
	Dog Category = "dog"
)

const maxCategoryLength = 20

// Categories returns the default categories, in the order in which forms offer them.
func Categories() []Category { return []Category{Cat, Dog} }

// Title returns c with a capital first letter.
func (c Category) Title() string {
	if c == "" {
		return ""
	}
	return strings.ToUpper(string(c[:1])) + string(c[1:])
}

// WithArticle returns c with its indefinite article: "a cat", "an owl".
func (c Category) WithArticle() string {
	if strings.ContainsAny(string(c[:min(1, len(c))]), "aeiou") {
		return "an " + string(c)
	}
	return "a " + string(c)
}

func parseCategory(s string, categories []Category) (Category, error) {
	word := collapseSpace(s)
	for _, c := range categories {
		if strings.EqualFold(word, string(c)) || strings.EqualFold(word, string(c)+"s") {
			return c, nil
		}
	}
	choice := "Please choose " + OneOf(categories) + "."
	if word == "" {
		return "", fieldError(FieldCategory, CodeEmpty, "The category is missing. %s", choice)
	}
	if _, err := cleanText(FieldCategory, "category", word, MaxColorLength); err != nil {
		return "", fieldError(FieldCategory, CodeUnknownCategory, "The category is not one of this registry. %s", choice)
	}
	return "", fieldError(FieldCategory, CodeUnknownCategory, "“%s” is not a category of this registry. %s", word, choice)
}

// OneOf lists categories for a sentence: "cat, dog or horse".
func OneOf(categories []Category) string {
	var b strings.Builder
	for i, c := range categories {
		switch {
		case i > 0 && i == len(categories)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(c))
	}
	return b.String()
}
