package registry

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nametag/internal/skeleton"
)

// LookalikeKeyVersion is the version of LookalikeKey's algorithm. A change that
// gives a name another key raises it, and programs then compute the keys in their
// databases again.
const LookalikeKeyVersion = 1

// LookalikeKey returns what a reader makes of the name as shown: pets whose
// lookalike keys are equal can be mistaken for one another. It is UTF-8 without
// control characters, may be longer than the name, and is not for showing.
//
// The key is the skeleton of UTS #39, section 4, regardless of case and of what
// a reader overlooks: spaces, and punctuation unless it is read aloud as "&" is.
// So "Bella", "BELLA", "Bel-la", "B e l l a", "Bеlla" with a Cyrillic е and
// "BeIIa" with capital I's have one key, and so do "Bernie" and "Bemie", and
// "Max 1" and "Max l". Symbols ("+", "❤", "👶🏿") stay, and so do combining marks:
// "Möbius" and "Mobius" have two keys, "Zoë" and "Zoe" as well.
//
// A capital I looks like a small L, yet "Ian" and "Lan" have two keys: see
// readsAsL.
//
// Names with equal comparison keys have equal lookalike keys, save for what
// looks different: a capital I amid small letters ("McIntosh" reads like
// "Mclntosh", and "Mcintosh" does not), and a few letters whose capital looks
// like one Latin letter and whose small form like another ("Ν" and "ν", the
// Greek nu).
func (n Name) LookalikeKey() string {
	text := n.display
	if !isPlain(text) {
		text = norm.NFKD.String(strings.Map(spaceForModifier, text))
	}
	if read := readText(text); read != "" {
		text = read
	}
	return settle(text)
}

// spaceForModifier returns a space for a modifier such as the acute accent that
// is typed for an apostrophe: decomposed, it would mark the letter before it.
func spaceForModifier(r rune) rune {
	if isModifier(r) {
		return ' '
	}
	return r
}

// isModifier reports whether r is an accent by itself. Unicode counts the
// colours of skin among these, but people see them: they are symbols.
func isModifier(r rune) bool {
	return unicode.Is(unicode.Sk, r) && !('\U0001F3FB' <= r && r <= '\U0001F3FF')
}

// readText returns text, which is in form NFKD, as it is read: without what is
// overlooked, and in small letters.
func readText(text string) string {
	read := make([]byte, 0, len(text))
	inWord, small := false, false // whether the word has had a letter, and a small one
	for i, r := range text {
		switch {
		case 'a' <= r && r <= 'z':
			inWord, small = true, true
		case overlooked(r):
			inWord, small = false, false
			continue
		case unicode.IsUpper(r):
			rest := text[i+utf8.RuneLen(r):]
			if inWord && isCapitalI(r) && readsAsL(small, rest) {
				r = 'l'
			} else {
				r = smallLetter(r)
			}
			inWord = true
		case unicode.IsLetter(r):
			inWord, small = true, small || unicode.IsLower(r)
		case !unicode.IsMark(r):
			inWord, small = false, false
		}
		read = utf8.AppendRune(read, r)
	}
	return string(read)
}

// readAloud is punctuation that is a part of a name.
const readAloud = "&@%#§‰‱٪"

// overlooked reports whether a reader takes no notice of r: a space, other
// punctuation, or what looks like it among the Latin letters and the signs that
// all scripts have in common. The letters of other scripts count, for example
// the Hebrew yod, which looks like an apostrophe.
func overlooked(r rune) bool {
	switch {
	case blank(r):
		return !strings.ContainsRune(readAloud, r)
	case r < utf8.RuneSelf, unicode.IsNumber(r), !unicode.In(r, unicode.Latin, unicode.Common):
		return false
	}
	return !strings.ContainsFunc(skeleton.Of(string(r)), func(p rune) bool { return !blank(p) })
}

// blank reports whether r is a space, punctuation or an accent by itself.
func blank(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || r == '^' || r == '`' || unicode.IsPunct(r)
	}
	return unicode.In(r, unicode.Z, unicode.P) || isModifier(r)
}

// isCapitalI reports whether r is a capital whose skeleton is an l and whose
// small letter's skeleton is an i: the Latin I or iota, or the Greek, Cyrillic
// or Coptic I.
func isCapitalI(r rune) bool {
	switch r {
	case 'I', 'Ɩ', 'Ι', 'І', 'Ⲓ':
		return true
	}
	return false
}

// readsAsL reports whether a capital I within a word, before rest and with or
// without a small letter before it, reads as an l. That is where a capital is
// not natural: after a small letter ("BeIIa"), or right before one ("EIIa",
// "BIue"). A capital is natural at the beginning of a word ("Ian", "O'Ian",
// where it needs no asking) and among capitals ("BIANCA", "Henry VIII"). No l
// bears a mark as "Í" does.
func readsAsL(small bool, rest string) bool {
	if next, _ := utf8.DecodeRuneInString(rest); unicode.IsMark(next) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(rest, isCapitalI))
	return small || unicode.IsLower(next)
}

// smallLetter returns what the capital r is in small letters: if it looks like a
// Latin letter or a digit, that one ("Β", the Greek beta, is read as a b), and
// otherwise its own small letter.
func smallLetter(r rune) rune {
	if isCapitalI(r) {
		return 'i'
	}
	if r < utf8.RuneSelf {
		return unicode.ToLower(r)
	}
	looks := skeleton.Of(string(r))
	if c := rune(looks[0]); len(looks) == 1 && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
		r = c
	}
	return unicode.ToLower(r)
}

// settle returns the skeleton of s in small letters, and the skeleton of that,
// until it stays the same.
func settle(s string) string {
	for {
		next := strings.Map(settleRune, skeleton.Of(norm.NFKD.String(s)))
		if next == s {
			return s
		}
		s = next
	}
}

// settleRune folds what prototypes consist of. One of them has a tab.
func settleRune(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z':
		return r
	case r < ' ':
		return -1
	}
	if form, ok := capitalForms[r]; ok {
		return form
	}
	return unicode.ToLower(r)
}

// capitalForms are letters with the shape of a capital, or of a digit, that the
// skeleton keeps apart from it: small capitals, as which it takes Cyrillic
// letters, and the small letters whose capital it takes for a Latin one.
var capitalForms = map[rune]rune{
	'ᴀ': 'a', 'ʙ': 'b', 'ᴅ': 'd', 'ᴇ': 'e', 'ɢ': 'g', 'ʜ': 'h', 'ᴊ': 'j', 'ĸ': 'k', 'ʟ': 'l', 'ʍ': 'm',
	'ɴ': 'n', 'ᴘ': 'p', 'ʀ': 'r', 'ᴛ': 't',
	'ƅ': 'b', '∂': 'd', 'ꞓ': 'e', 'μ': 'm', 'χ': 'x', 'ζ': 'z', 'ƨ': '2', 'ɜ': '3', 'ȝ': '3',
}
