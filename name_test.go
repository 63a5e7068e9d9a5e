package nametag_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nametag"
)

func TestParseName(t *testing.T) {
	for _, tt := range []struct{ in, display, key string }{
		{"Bella", "Bella", "bella"},
		{"MÖBIUS ", "MÖBIUS", "möbius"},
		{"Mo\u0308bius", "Möbius", "möbius"},
		{"\t Sir \u00a0 Bark\r\n", "Sir Bark", "sir bark"},
		{"Ｂｅｌｌａ", "Ｂｅｌｌａ", "bella"},
		{"Wall-E", "Wall-E", "wall-e"},
		{"O’Malley & Sons (No. 1)", "O’Malley & Sons (No. 1)", "o’malley & sons (no. 1)"},
		{"Bella ❤\ufe0f", "Bella ❤", "bella ❤"},
		{"こむぎ", "こむぎ", "こむぎ"},
		{"ياسمين", "ياسمين", "ياسمين"},
		{"7", "7", "7"},
		{"🐕", "🐕", "🐕"},
		{strings.Repeat("é", 50), strings.Repeat("é", 50), strings.Repeat("é", 50)},

		// The examples of RFC 8266, section 3.
		{"Foo", "Foo", "foo"},
		{"foo", "foo", "foo"},
		{"Foo Bar", "Foo Bar", "foo bar"},
		{"foo bar", "foo bar", "foo bar"},
		{"Σ", "Σ", "σ"},
		{"σ", "σ", "σ"},
		{"ς", "ς", "ς"},
		{"♚", "♚", "♚"},
		{"Richard Ⅳ", "Richard Ⅳ", "richard iv"},
	} {
		name, err := nametag.ParseName(tt.in)
		if err != nil {
			t.Errorf("ParseName(%q): %v", tt.in, err)
			continue
		}
		if name.String() != tt.display || name.Key() != tt.key {
			t.Errorf("ParseName(%q) = %q with key %q, want %q with key %q", tt.in, name, name.Key(), tt.display, tt.key)
		}
	}
}

func TestParseNameRefuses(t *testing.T) {
	for _, tt := range []struct {
		in   string
		code nametag.Code
		says string // a part of the message
	}{
		{"", nametag.CodeEmpty, "type one"},
		{" \t\u00a0\u3000\n", nametag.CodeEmpty, "type one"},
		{strings.Repeat("a", 51), nametag.CodeTooLong, "has 51 characters and may have 50. Please shorten it by 1."},
		{strings.Repeat("a", 5000), nametag.CodeTooLong, "shorten it by 4950"},
		{"Bel\xffla", nametag.CodeNotAllowed, "UTF-8"},
		{"Bel\x00la", nametag.CodeNotAllowed, "a control character (U+0000)"},
		{"Bel\x1bla", nametag.CodeNotAllowed, "a control character (U+001B)"},
		{"Bel\u200bla", nametag.CodeNotAllowed, "an invisible character (U+200B)"},
		{"\u202eBella", nametag.CodeNotAllowed, "an invisible character (U+202E)"},
		{"Bel\ufffdla", nametag.CodeNotAllowed, "damaged"},
		{"\u3164", nametag.CodeNotAllowed, "U+3164"},
		{"\u2800", nametag.CodeNotAllowed, "an invisible character (U+2800)"},
		{"Lucy\u2800", nametag.CodeNotAllowed, "an invisible character (U+2800)"},
		{"Lucy\ufffc", nametag.CodeNotAllowed, "an invisible character (U+FFFC)"},
		{"\U0001d159", nametag.CodeNotAllowed, "an invisible character (U+1D159)"},
		{"🐈\u200d⬛", nametag.CodeNotAllowed, "made of several joined ones. Please choose a simpler one"},
		{"A\u200dB", nametag.CodeNotAllowed, "an invisible character (U+200D)"},
		{"ශ්\u200dරී\a", nametag.CodeNotAllowed, "a control character (U+0007)"},
		{"Lucy\U00013441", nametag.CodeNotAllowed, "U+13441"},
		{"🏴\U000e0067\U000e0062\U000e007f", nametag.CodeNotAllowed, "made of several"},
		{"-", nametag.CodeNotAllowed, "no letter and no digit"},
		{"..", nametag.CodeNotAllowed, "no letter and no digit"},
		{"$", nametag.CodeNotAllowed, "no letter and no digit"},
		{"a\u00b7b", nametag.CodeNotAllowed, "“·” (U+00B7)"},
		{"Οδυσσεύϲ", nametag.CodeNotAllowed, "other capitals"},
		{"\U0001d6d3", nametag.CodeNotAllowed, "other capitals"},
		{"\ue000", nametag.CodeNotAllowed, "U+E000"},
	} {
		_, err := nametag.ParseName(tt.in)
		e, ok := err.(*nametag.Error)
		if !ok || e.Code != tt.code || e.Field != nametag.FieldName || !strings.Contains(e.Message, tt.says) {
			t.Errorf("ParseName(%.60q): %v, want %s saying %q", tt.in, err, tt.code, tt.says)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{
		"Bella", "MÖBIUS ", "Mo\u0308bius", "Ｂｅｌｌａ", "Σίσυφος", "İstanbul", "straße", "ẞ", "ŉ", "ǅ", "ﬁdo",
		"Richard Ⅳ", "♚", "ᾳ", "a\u0345\u0301", "K", "ſ", "ϲ", "\u037a", "\U0001d6d3", "\U0001d6a4", "ısı", "\ufdfa", "こむぎ", "l·l", "\u0660\u0661", "가", "\u1100\u1161",
		"Foo Bar", "ς", "σ", "BeIIa", "EIIa", "McIntosh", "Max 1|", "100%", "Ѕсоре", "ρ⍺у𝓅𝒂ן", "СігсӀе", "𝖢𝗂𝗋𝖼𝗅𝖾", "ǉeto", "O´Ian", "ǃ", "נויה", "➖",
		" \u00a0x\u3000 ", "-", "\x00", "\xff", "\u200d", "🐕\ufe0f", strings.Repeat("\ufdfa", 50),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := nametag.ParseName(s)
		if err != nil {
			if e, ok := err.(*nametag.Error); !ok || e.Message == "" || !utf8.ValidString(e.Message) {
				t.Fatalf("ParseName(%q): error %#v", s, err)
			}
			return
		}
		if n := utf8.RuneCountInString(name.String()); n == 0 || n > nametag.MaxNameLength {
			t.Fatalf("ParseName(%q) = %q, of %d characters", s, name, n)
		}
		parse := func(variant string) nametag.Name {
			t.Helper()
			n, err := nametag.ParseName(variant)
			if err != nil {
				t.Fatalf("ParseName(%q), as from %q: %v", variant, s, err)
			}
			return n
		}

		if again := parse(name.String()); again != name {
			t.Fatalf("not idempotent: %q, then %q", name, again)
		}
		if spaced := parse("\u3000 " + strings.ReplaceAll(name.String(), " ", " \u00a0\t") + "\n"); spaced != name {
			t.Fatalf("added spaces turn %q into %q", name, spaced)
		}
		checkLookalikeKey(t, name)

		// The key is itself a way to write the name, if it is short enough:
		// the two have equal keys. Upper-casing both must leave them equal.
		key, err := nametag.ParseName(name.Key())
		if err != nil {
			return
		}
		if key.Key() != name.Key() {
			t.Fatalf("the key of %q is %q, whose own key is %q", name, name.Key(), key.Key())
		}
		upper, err1 := nametag.ParseName(strings.ToUpper(name.String()))
		upperKey, err2 := nametag.ParseName(strings.ToUpper(name.Key()))
		if err1 == nil && err2 == nil && upper.Key() != upperKey.Key() {
			t.Fatalf("%q and %q have equal keys, in upper case %q and %q", name, name.Key(), upper.Key(), upperKey.Key())
		}
	})
}

// Every code point that a name may have keeps FuzzParseName's promises. Those
// that nothing folds are passed over.
func TestEveryLetterKeepsItsKeyInCapitals(t *testing.T) {
	allowed := 0
	for r := rune(0); r <= utf8.MaxRune; r++ {
		s := string(r)
		if strings.ToUpper(s) == s && strings.ToLower(s) == s && norm.NFKC.IsNormalString(s) {
			continue
		}
		name, err := nametag.ParseName("a" + s)
		if err != nil {
			continue
		}
		allowed++
		key, err := nametag.ParseName(name.Key())
		if err != nil || key.Key() != name.Key() {
			t.Errorf("%U: the key %q has the key %q, %v", r, name.Key(), key.Key(), err)
			continue
		}
		upper, err1 := nametag.ParseName(strings.ToUpper(name.String()))
		upperKey, err2 := nametag.ParseName(strings.ToUpper(name.Key()))
		if err1 == nil && err2 == nil && upper.Key() != upperKey.Key() {
			t.Errorf("%U: %q and %q have equal keys, but not in capitals", r, name, name.Key())
		}
	}
	if allowed < 5_000 {
		t.Errorf("only %d code points were tried", allowed)
	}
}
