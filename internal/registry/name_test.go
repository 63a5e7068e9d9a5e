package registry_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nametag/internal/registry"
)

func TestParseName(t *testing.T) {
	t.Parallel()
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
		name, err := registry.ParseName(tt.in)
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
	t.Parallel()
	for _, tt := range []struct {
		in   string
		code registry.Code
		says string // a part of the message
	}{
		{"", registry.CodeEmpty, "type one"},
		{" \t\u00a0\u3000\n", registry.CodeEmpty, "type one"},
		{strings.Repeat("a", 51), registry.CodeTooLong, "has 51 characters and may have 50. Please shorten it by 1."},
		{strings.Repeat("a", 5000), registry.CodeTooLong, "shorten it by 4950"},
		{"Bel\xffla", registry.CodeNotAllowed, "UTF-8"},
		{"Bel\x00la", registry.CodeNotAllowed, "a control character (U+0000)"},
		{"Bel\x1bla", registry.CodeNotAllowed, "a control character (U+001B)"},
		{"Bel\u200bla", registry.CodeNotAllowed, "an invisible character (U+200B)"},
		{"\u202eBella", registry.CodeNotAllowed, "an invisible character (U+202E)"},
		{"Bel\ufffdla", registry.CodeNotAllowed, "damaged"},
		{"\u3164", registry.CodeNotAllowed, "U+3164"},
		{"\u2800", registry.CodeNotAllowed, "an invisible character (U+2800)"},
		{"Lucy\u2800", registry.CodeNotAllowed, "an invisible character (U+2800)"},
		{"Lucy\ufffc", registry.CodeNotAllowed, "an invisible character (U+FFFC)"},
		{"\U0001d159", registry.CodeNotAllowed, "an invisible character (U+1D159)"},
		{"🐈\u200d⬛", registry.CodeNotAllowed, "made of several joined ones. Please choose a simpler one"},
		{"A\u200dB", registry.CodeNotAllowed, "an invisible character (U+200D)"},
		{"ශ්\u200dරී\a", registry.CodeNotAllowed, "a control character (U+0007)"},
		{"Lucy\U00013441", registry.CodeNotAllowed, "U+13441"},
		{"🏴\U000e0067\U000e0062\U000e007f", registry.CodeNotAllowed, "made of several"},
		{"-", registry.CodeNotAllowed, "no letter and no digit"},
		{"..", registry.CodeNotAllowed, "no letter and no digit"},
		{"$", registry.CodeNotAllowed, "no letter and no digit"},
		{"a\u00b7b", registry.CodeNotAllowed, "“·” (U+00B7)"},
		{"Οδυσσεύϲ", registry.CodeNotAllowed, "other capitals"},
		{"\U0001d6d3", registry.CodeNotAllowed, "other capitals"},
		{"\ue000", registry.CodeNotAllowed, "U+E000"},
	} {
		_, err := registry.ParseName(tt.in)
		e, ok := err.(*registry.Error)
		if !ok || e.Code != tt.code || e.Field != registry.FieldName || !strings.Contains(e.Message, tt.says) {
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
		name, err := registry.ParseName(s)
		if err != nil {
			if e, ok := err.(*registry.Error); !ok || e.Message == "" || !utf8.ValidString(e.Message) {
				t.Fatalf("ParseName(%q): error %#v", s, err)
			}
			return
		}
		if n := utf8.RuneCountInString(name.String()); n == 0 || n > registry.MaxNameLength {
			t.Fatalf("ParseName(%q) = %q, of %d characters", s, name, n)
		}
		parse := func(variant string) registry.Name {
			t.Helper()
			n, err := registry.ParseName(variant)
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
		key, err := registry.ParseName(name.Key())
		if err != nil {
			return
		}
		if key.Key() != name.Key() {
			t.Fatalf("the key of %q is %q, whose own key is %q", name, name.Key(), key.Key())
		}
		upper, err1 := registry.ParseName(strings.ToUpper(name.String()))
		upperKey, err2 := registry.ParseName(strings.ToUpper(name.Key()))
		if err1 == nil && err2 == nil && upper.Key() != upperKey.Key() {
			t.Fatalf("%q and %q have equal keys, in upper case %q and %q", name, name.Key(), upper.Key(), upperKey.Key())
		}
	})
}

// Every code point that a name may have keeps FuzzParseName's promises. Those that nothing folds are passed over.
func TestEveryLetterKeepsItsKeyInCapitals(t *testing.T) {
	t.Parallel()
	allowed := 0
	for r := rune(0); r <= utf8.MaxRune; r++ {
		s := string(r)
		if strings.ToUpper(s) == s && strings.ToLower(s) == s && norm.NFKC.IsNormalString(s) {
			continue
		}
		name, err := registry.ParseName("a" + s)
		if err != nil {
			continue
		}
		allowed++
		key, err := registry.ParseName(name.Key())
		if err != nil || key.Key() != name.Key() {
			t.Errorf("%U: the key %q has the key %q, %v", r, name.Key(), key.Key(), err)
			continue
		}
		upper, err1 := registry.ParseName(strings.ToUpper(name.String()))
		upperKey, err2 := registry.ParseName(strings.ToUpper(name.Key()))
		if err1 == nil && err2 == nil && upper.Key() != upperKey.Key() {
			t.Errorf("%U: %q and %q have equal keys, but not in capitals", r, name, name.Key())
		}
	}
	if allowed < 5_000 {
		t.Errorf("only %d code points were tried", allowed)
	}
}
