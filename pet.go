package nametag

import (
	"strings"
	"time"
)

// MaxColorLength is how many characters (code points) a favourite colour may
// have.
const MaxColorLength = 30

// A Pet is one entry of the book.
type Pet struct {
	Name          Name
	FavoriteColor Color
	Category      Category
	RegisteredAt  time.Time // UTC, to the microsecond
}

// Same reports whether p and q are one pet: the same name as shown, with the
// same particulars.
func (p Pet) Same(q Pet) bool {
	return p.Name == q.Name && p.FavoriteColor == q.FavoriteColor &&
		p.Category == q.Category && p.RegisteredAt.Equal(q.RegisteredAt)
}

// A Color is a favourite colour in its owner's words.
type Color string

// ParseColor cleans free text of at most MaxColorLength characters, in the way
// that ParseName cleans a name as shown. The error is an *Error for FieldColor
// with CodeEmpty, CodeTooLong or CodeNotAllowed.
func ParseColor(s string) (Color, error) {
	text, err := cleanText(FieldColor, "favourite colour", s, MaxColorLength)
	return Color(text), err
}

// CSS returns the keyword that CSS has for c ("Dark olive green" is
// "darkolivegreen"), or "" where it has none: then there is no swatch to show.
// The keywords are those of CSS Color Module Level 4, section 6.1.
func (c Color) CSS() string {
	keyword := strings.ReplaceAll(strings.ToLower(string(c)), " ", "")
	if _, ok := cssKeywords[keyword]; ok {
		return keyword
	}
	return ""
}

// A Category is the kind of animal.
type Category string

// The categories.
const (
	Cat Category = "cat"
	Dog Category = "dog"
)

// Categories lists every category in the order in which forms offer them.
func Categories() []Category { return []Category{Cat, Dog} }

// ParseCategory reads a category in any case, in the singular ("cat") or, as
// the first version of the registry had it, in the plural ("Cats"). The error
// is an *Error for FieldCategory with CodeEmpty or CodeUnknownCategory.
func ParseCategory(s string) (Category, error) {
	word := collapseSpace(s)
	if word == "" {
		return "", fieldError(FieldCategory, CodeEmpty, "The category is missing. Please choose cat or dog.")
	}
	for _, c := range Categories() {
		if strings.EqualFold(word, string(c)) || strings.EqualFold(word, string(c)+"s") {
			return c, nil
		}
	}
	if len([]rune(word)) > MaxColorLength || disallowedText(word) {
		return "", fieldError(FieldCategory, CodeUnknownCategory,
			"The category is not one that this registry keeps. Please choose cat or dog.")
	}
	return "", fieldError(FieldCategory, CodeUnknownCategory,
		"“%s” is not a category of this registry. Please choose cat or dog.", word)
}

func disallowedText(s string) bool {
	_, err := cleanText(FieldCategory, "category", s, MaxColorLength)
	return err != nil
}
