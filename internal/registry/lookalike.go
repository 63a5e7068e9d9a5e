package registry

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nametag/internal/skeleton"
)

// LookalikeKeyVersion is the version of LookalikeKey's algorithm. It increases with every change that gives a name
// another key. Programs then recompute the keys in their databases.
const LookalikeKeyVersion = 1

// LookalikeKey returns a key of how the name looks: names with equal lookalike keys can be mistaken for each other. It
// is UTF-8 without control characters, may be longer than the name, and must not be displayed.
//
// The key is the skeleton of UTS #39, section 4, without case and without what readers overlook: spaces, and
// punctuation that is not read aloud as "&" is. So "Bella", "BELLA", "Bel-la", "B e l l a", "Bеlla" with a Cyrillic е
// and "BeIIa" with capital I's have the same key, and so do "Bernie" and "Bemie", and "Max 1" and "Max l". Symbols
// ("+", "❤", "👶🏿") and combining marks count: "Möbius" and "Mobius" have different keys, and so do "Zoë" and "Zoe".
//
// A capital I looks like a small L, but "Ian" and "Lan" have different keys: see readsAsL.
//
// Names with equal comparison keys have equal lookalike keys, with two exceptions: a capital I among small letters
// ("McIntosh" looks like "Mclntosh", but "Mcintosh" does not), and a few letters whose capital looks like one Latin
// letter and whose small form looks like another ("Ν" and "ν", the Greek nu).
func (n Name) LookalikeKey() string { return n.lookalike }

func lookalikeKey(text string) string {
	plain := isPlain(text)
	if !plain {
		text = norm.NFKD.String(strings.Map(spaceForModifier, text))
	}
	var space [MaxNameLength]byte // on the stack
	read := appendRead(space[:0], text)
	if len(read) == 0 {
		read = append(read, text...)
	}
	if !plain {
		return settle(string(read))
	}
	var more [2 * MaxNameLength]byte
	key := more[:0]
	for _, c := range read {
		key = append(key, settledASCII[c]...)
	}
	return string(key)
}

// settledASCII is what settle returns for each printable ASCII character. Without it, a check would take 6 % more CPU
// time (go test -bench Handler/Check ./internal/web).
var settledASCII = func() (settled [0x7f]string) {
	for c := ' '; c <= '~'; c++ {
		settled[c] = settle(string(c))
	}
	return settled
}()

// spaceForModifier returns a space for a modifier, such as an acute accent that is used
// as an apostrophe: decomposed, it would become a mark on the letter before it.
func spaceForModifier(r rune) rune {
	if isModifier(r) {
		return ' '
	}
	return r
}

// isModifier reports whether r is an accent without a letter. Unicode classifies skin
// tones as such too, but readers see them as symbols.
func isModifier(r rune) bool {
	return unicode.Is(unicode.Sk, r) && !('\U0001F3FB' <= r && r <= '\U0001F3FF')
}

// appendRead appends text, which is in form NFKD, to read without what readers overlook and in small letters.
func appendRead(read []byte, text string) []byte {
	inWord, small := false, false // whether the word has a letter so far, and a small one
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
	return read
}

// readAloud has the punctuation that is part of a name.
const readAloud = "&@%#§‰‱٪"

// overlooked reports whether readers overlook r: a space, punctuation that is not read aloud, or a Latin letter or a
// sign common to all scripts that looks like one of these. Letters of other scripts are not overlooked, for example the
// Hebrew yod, which looks like an apostrophe.
func overlooked(r rune) bool {
	switch {
	case blank(r):
		return !strings.ContainsRune(readAloud, r)
	case r < utf8.RuneSelf, unicode.IsNumber(r), !unicode.In(r, unicode.Latin, unicode.Common):
		return false
	}
	return !strings.ContainsFunc(skeleton.Of(string(r)), func(p rune) bool { return !blank(p) })
}

// blank reports whether r is a space, punctuation or an accent without a letter.
func blank(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || r == '^' || r == '`' || unicode.IsPunct(r)
	}
	return unicode.In(r, unicode.Z, unicode.P) || isModifier(r)
}

// isCapitalI reports whether r is a capital whose skeleton is an l and whose small
// letter has the skeleton i: the Latin I or iota, or the Greek, Cyrillic or Coptic I.
func isCapitalI(r rune) bool {
	switch r {
	case 'I', 'Ɩ', 'Ι', 'І', 'Ⲓ':
		return true
	}
	return false
}

// readsAsL reports whether a capital I within a word looks like an l; rest is the text
// after it, and small is whether the word has a small letter before it. It does where a
// capital is unexpected: after a small letter ("BeIIa"), or right before one ("EIIa",
// "BIue"). It does not among capitals ("BIANCA", "Henry VIII"), nor with a mark ("Í"),
// which no l has. The caller excludes the beginning of a word ("Ian", "O'Ian").
func readsAsL(small bool, rest string) bool {
	if next, _ := utf8.DecodeRuneInString(rest); unicode.IsMark(next) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(rest, isCapitalI))
	return small || unicode.IsLower(next)
}

// smallLetter returns the small letter of the capital r. A capital that looks like a
// Latin letter or a digit is treated as that one: "Β", the Greek beta, gives a b.
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

// settle replaces s by its skeleton in small letters until it no longer changes.
func settle(s string) string {
	for {
		next := strings.Map(settleRune, skeleton.Of(norm.NFKD.String(s)))
		if next == s {
			return s
		}
		s = next
	}
}

// settleRune folds a character of a prototype. One prototype has a tab.
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

// capitalForms has letters with the shape of a capital or a digit that the skeleton
// distinguishes from it: small capitals, which are the prototypes of Cyrillic letters,
// and small letters whose capitals have Latin prototypes.
var capitalForms = map[rune]rune{
	'ᴀ': 'a', 'ʙ': 'b', 'ᴅ': 'd', 'ᴇ': 'e', 'ɢ': 'g', 'ʜ': 'h', 'ᴊ': 'j', 'ĸ': 'k', 'ʟ': 'l', 'ʍ': 'm',
	'ɴ': 'n', 'ᴘ': 'p', 'ʀ': 'r', 'ᴛ': 't',
	'ƅ': 'b', '∂': 'd', 'ꞓ': 'e', 'μ': 'm', 'χ': 'x', 'ζ': 'z', 'ƨ': '2', 'ɜ': '3', 'ȝ': '3',
}
