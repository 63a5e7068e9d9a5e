package registry

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// MaxNameLength is the greatest number of characters (code points) in a name, counted in the form that is shown.
const MaxNameLength = 50

// A Name is a pet's name: the form that is shown, and its two keys. The zero Name is no
// name. To compare names, compare their keys.
type Name struct {
	display, key, lookalike string
}

// ParseName returns the Name that a visitor has typed.
//
// The form that is shown is the input in Unicode normalization form C, with white space trimmed and collapsed to single
// spaces and without variation selectors, which only choose how the character before them is drawn. The comparison key
// follows the Nickname profile of PRECIS (RFC 8266, section 2.4): it folds compatibility forms and case, so "MÖBIUS",
// "Möbius " and "Ｍöbius" have the same key.
//
// A name has at least one letter, digit or pictograph, at most MaxNameLength characters, and only characters of the
// PRECIS FreeformClass (RFC 8264, section 4.3): no control, invisible or unassigned ones. Names with equal keys still
// have equal keys after upper-casing, letter by letter, and with additional white space.
//
// The error is an *Error for FieldName with CodeEmpty, CodeTooLong or CodeNotAllowed. ParseName is idempotent: parsing
// a name as shown gives the same Name.
func ParseName(s string) (Name, error) {
	if name, ok := parsePlain(s); ok {
		return name, nil
	}
	display, err := cleanText(FieldName, "name", s, MaxNameLength)
	if err != nil {
		return Name{}, err
	}
	key, perr := compareKey(display)
	if perr != nil {
		return Name{}, disallowed(FieldName, "name", display)
	}
	if !capitalsAgree(display, key) {
		return Name{}, fieldError(FieldName, CodeNotAllowed,
			"“%s” has a letter that is written like another one but has other capitals. Please use ordinary letters.", display)
	}
	if !hasSubstance(display) {
		return Name{}, fieldError(FieldName, CodeNotAllowed,
			"“%s” has no letter and no digit. A name needs at least one, or a picture such as 🐕.", display)
	}
	return RestoreName(display, key), nil
}

// compareKey returns the comparison key of clean text.
func compareKey(text string) (string, error) {
	if isPlain(text) {
		return strings.ToLower(text), nil // the profile does nothing else to ASCII, at a far higher cost
	}
	return precis.Nickname.CompareKey(text)
}

// capitalsAgree reports whether a name in capitals has the same key as its key in capitals, so that names with equal
// keys still have equal keys in capitals. RFC 8266 does not ensure that: it distinguishes a final sigma from a sigma,
// but folds variants ("ϲ", and mathematical ones) to the final sigma although their capitals are not those of a sigma.
// These variants are refused.
func capitalsAgree(display, key string) bool {
	if isPlain(display) {
		return true
	}
	a, errA := precis.Nickname.CompareKey(strings.ToUpper(display))
	b, errB := precis.Nickname.CompareKey(strings.ToUpper(key))
	return a == b || errA != nil || errB != nil
}

// RestoreName returns the Name of a display form and a key that a store has kept from ParseName. It does not validate
// them again: a registered name stays valid when the rules change. RestoreName computes the lookalike key as this
// program does; a database may have that of another version.
func RestoreName(display, key string) Name { return Name{display, key, lookalikeKey(display)} }

// String returns the name as it is shown.
func (n Name) String() string { return n.display }

// Key returns the comparison key: two names are the same if their keys are equal, byte
// for byte. It is UTF-8 without control characters.
func (n Name) Key() string { return n.key }

// searchKey folds a part of a name in the same way as comparison keys. Unlike a name, it may be punctuation only.
func searchKey(s string) (string, error) {
	const field, noun = "q", "search"
	text, err := cleanText(field, noun, s, MaxNameLength)
	if err != nil {
		return "", err
	}
	key, perr := compareKey(text)
	if perr != nil {
		return "", disallowed(field, noun, text)
	}
	return key, nil
}

// cleanText returns free text in the form that is shown. It refuses text that is empty, is longer than limit
// characters, or has characters that do not belong on a page.
func cleanText(f Field, noun, s string, limit int) (string, error) {
	if !utf8.ValidString(s) {
		return "", fieldError(f, CodeNotAllowed, "The %s is not valid text. Send it encoded as UTF-8.", noun)
	}
	text := collapseSpace(s)
	plain := isPlain(text)
	if !plain {
		text = norm.NFC.String(text)
	}
	if text == "" {
		return "", fieldError(f, CodeEmpty, "The %s is empty. Please type one.", noun)
	}
	if n := utf8.RuneCountInString(text); n > limit {
		return "", fieldError(f, CodeTooLong, "The %s has %d characters and may have %d. Please shorten it by %d.",
			noun, n, limit, n-limit)
	}
	if plain {
		return text, nil
	}
	if strings.ContainsAny(text, unseen) {
		return "", disallowed(f, noun, text)
	}
	if _, err := precis.OpaqueString.String(text); err != nil {
		return "", disallowed(f, noun, text)
	}
	return text, nil
}

// unseen has characters that PRECIS classifies as symbols although they are blank or
// replace lost text: the replacement character, the object replacement character, the
// Braille blank, the null notehead and the blanks of Egyptian hieroglyphs.
const unseen = "\ufffd\ufffc\u2800\U0001d159\U00013441\U00013442"

// collapseSpace trims white space, replaces each inner run of it by one space, and removes variation selectors.
func collapseSpace(s string) string {
	if isPlain(s) && strings.Trim(s, " ") == s && !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	pending := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			pending = b.Len() > 0
		case r == '\uFE0E' || r == '\uFE0F':
		default:
			if pending {
				b.WriteByte(' ')
				pending = false
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hasSubstance reports whether s has a letter, a digit or a pictograph. Names without
// any ("-", "..") are hard to distinguish and do not work in an address.
func hasSubstance(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.So, r)
	})
}

// disallowed returns an error that names the first character of text that is not allowed.
func disallowed(f Field, noun, text string) *Error {
	allowed := precis.Nickname.Allowed()
	var before rune
	for _, r := range text {
		last := before
		before = r
		if r == utf8.RuneError {
			return fieldError(f, CodeNotAllowed,
				"The %s was damaged on its way here: it contains U+FFFD, which stands for a lost character. Please type it again.", noun)
		}
		if r == zeroWidthJoiner && unicode.Is(unicode.Mn, last) {
			continue // some scripts need it between letters
		}
		if (r == zeroWidthJoiner || isTag(r)) && (unicode.Is(unicode.So, last) || unicode.Is(unicode.Sk, last)) {
			return fieldError(f, CodeNotAllowed,
				"The %s has an emoji that is made of several joined ones. Please choose a simpler one.", noun)
		}
		if !allowed.Contains(r) || strings.ContainsRune(unseen, r) {
			return fieldError(f, CodeNotAllowed, "The %s contains %s, which is not allowed. Please remove it.",
				noun, describeRune(r))
		}
	}
	return fieldError(f, CodeNotAllowed,
		"The %s “%s” joins characters that do not go together. Please try letters, digits and spaces.", noun, text)
}

// zeroWidthJoiner joins several emoji into one, as tags after a flag do. Visitors who
// pressed one key are not aware of it.
const zeroWidthJoiner = '\u200D'

func isTag(r rune) bool { return r >= '\U000E0020' && r <= '\U000E007F' }

func describeRune(r rune) string {
	switch {
	case unicode.IsControl(r):
		return fmt.Sprintf("a control character (%U)", r)
	case !unicode.IsGraphic(r) || strings.ContainsRune(unseen, r):
		return fmt.Sprintf("an invisible character (%U)", r)
	default:
		return fmt.Sprintf("“%c” (%U)", r, r)
	}
}
