package registry

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// MaxNameLength is how many characters (code points) a name may have, counted
// on the name as it is shown.
const MaxNameLength = 50

// A Name is a pet's name: the form that is shown and the key that it is
// compared by. The zero Name is no name. Names are values; compare their keys.
type Name struct {
	display string
	key     string
}

// ParseName turns what somebody typed into a Name.
//
// The name as shown is the input in Unicode normalization form C with white
// space trimmed and collapsed to single spaces; variation selectors, which say
// only how the character before them is drawn, are dropped. The comparison key
// follows the Nickname profile of PRECIS (RFC 8266, section 2.4): compatibility
// forms and case are folded, so "MÖBIUS", "Möbius " and "Ｍöbius" have one key.
//
// A name needs at least one letter, digit or pictograph, has at most
// MaxNameLength characters, and only characters of the PRECIS FreeformClass
// (RFC 8264, section 4.3): no control, invisible or unassigned ones. Names with
// equal keys stay equal through upper-casing, letter by letter, and through
// added white space.
//
// The error is an *Error for FieldName with CodeEmpty, CodeTooLong or
// CodeNotAllowed. ParseName is idempotent: parsing a name as shown gives the
// same Name.
func ParseName(s string) (Name, error) {
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
	return Name{display, key}, nil
}

// compareKey returns the comparison key of clean text.
func compareKey(text string) (string, error) {
	if isPlain(text) {
		return strings.ToLower(text), nil // nothing else is folded there, and the tables cost far more
	}
	return precis.Nickname.CompareKey(text)
}

// capitalsAgree reports whether a name in capitals has the same key as its key
// in capitals, so that names with equal keys stay equal in capitals. RFC 8266
// alone does not see to that: it keeps a final sigma apart from a sigma, but
// takes variants of the former ("ϲ", and mathematical ones) for it, whose
// capitals are not those of a sigma. These variants are refused.
func capitalsAgree(display, key string) bool {
	if isPlain(display) {
		return true
	}
	a, errA := precis.Nickname.CompareKey(strings.ToUpper(display))
	b, errB := precis.Nickname.CompareKey(strings.ToUpper(key))
	return a == b || errA != nil || errB != nil
}

// RestoreName makes a Name of a display form and a key that ParseName once
// made, for stores that kept them. It does not judge them again: a name in the
// book stays what it was, whatever the rules say today.
func RestoreName(display, key string) Name { return Name{display, key} }

// String returns the name as it is shown.
func (n Name) String() string { return n.display }

// Key returns the comparison key: two names are the same name when their keys
// are equal, byte for byte. It is UTF-8, without control characters.
func (n Name) Key() string { return n.key }

// searchKey folds a part of a name in the way that keys are folded. Unlike a
// name, what is searched for may be any punctuation.
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

// cleanText brings free text into the form in which it is shown, and refuses
// text that is empty, longer than limit characters or has characters that no
// text on a page should have.
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

// unseen are characters that PRECIS takes for symbols but that show nothing, or
// stand for what was lost: the replacement character, the object replacement
// character, the blank of Braille, the null notehead and the blanks of Egyptian
// hieroglyphs.
const unseen = "\ufffd\ufffc\u2800\U0001d159\U00013441\U00013442"

// collapseSpace trims white space and turns each inner run of it into one
// space. It drops variation selectors on the way.
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

// hasSubstance reports whether s has anything that can be read aloud: a
// letter, a digit or a pictograph. Names of nothing else ("-", "..") could
// neither be told apart at a glance nor be put into an address.
func hasSubstance(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.So, r)
	})
}

// disallowed says which character of text is to blame.
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
			continue // between the letters of some scripts it is allowed
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

// A zero width joiner makes one emoji of several, and so do tags behind a flag.
// People who pressed one key do not know of them.
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
