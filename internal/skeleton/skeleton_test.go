package skeleton

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"Bella Blue", "Bella Blue"},
		{"Milo", "Milo"}, // a capital M has no prototype
		{"mam 10|I", "rnarn lOll"},
		{"`\"", "'''"},
		{"100%", "lOOº/₀"},
		{"Bеlla", "Bella"}, // Cyrillic е
		{"Möbius", "Mo\u0308bius"},
		{"a\u00ad\u200b\u2060\ufe0fb", "ab"},
		{"ȧ\u0323", "a\u0323\u0307"}, // decomposed and put in order

		// UTS #39, sections 4 and 5.
		{"paypal", "paypal"},
		{"pаypаl", "paypal"},
		{"ρ⍺у𝓅𝒂ן", "paypal"},
		{"scope", "scope"},
		{"ѕсоре", "scope"},
		{"ljeto", "ljeto"},
		{"ǉeto", "ljeto"},
		{"Circle", "Circle"},
		{"СігсӀе", "Circle"},
		{"Сirсlе", "Circle"},
		{"Circ1e", "Circle"},
		{"C𝗂𝗋𝖼𝗅𝖾", "Circle"},
		{"𝖢𝗂𝗋𝖼𝗅𝖾", "Circle"},

		// From the tests of ICU's spoof checker.
		{"nochange", "nochange"},
		{"1ove", "love"},
		{"00PS", "OOPS"},
		{"I1l0O", "lllOO"},
		{"схѕ", "cxs"},
		{"\u059c", "\u0301"},
		{"\u2a74", "::="},
		{"\u247e", "(ll)"},
		{"\ufdfb", "\u062c\u0644 \u062c\u0644l\u0644o"},
		{"\u0c83", "\u0983"},
		{"\u0391", "A"},
		{"\u13cf", "b"},
		{"ſ", "f"},
		{"به\u200cروز", Of("بهروز")},
		{"A1<ש\u05c2", "Al<ש\u0307"},
	} {
		if got := Of(tt.in); got != tt.want {
			t.Errorf("Of(%q) = %+q, want %+q", tt.in, got, tt.want)
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	if Version != "17.0.0" || entries != 6565 {
		t.Errorf("version %s with %d entries, want 17.0.0 with 6565", Version, entries)
	}
	table := prototypeOf()
	if len(table) != entries {
		t.Errorf("the table has %d entries, its head says %d", len(table), entries)
	}
	for r := range rune(utf8.RuneSelf) {
		if ascii[r] != table[r] {
			t.Errorf("%q: the prototype is %q in the array, %q in the table", r, ascii[r], table[r])
		}
		if !norm.NFD.IsNormalString(ascii[r]) {
			t.Errorf("%q: the prototype %q is not in form D", r, ascii[r])
		}
	}
	for r, p := range table {
		if p == "" || p == string(r) || !utf8.ValidString(p) || !utf8.ValidRune(r) {
			t.Errorf("%U has the prototype %q", r, p)
		}
		if s := string(r); norm.NFD.IsNormalString(s) && !unicode.Is(defaultIgnorable, r) && Of(s) != norm.NFD.String(p) {
			t.Errorf("Of(%+q) = %+q, want %+q", s, Of(s), p)
		}
	}
}

// TestSkeletonOfASkeletonIsTheSame lists all exceptions. In the published data the
// prototype of a prototype is the prototype itself, but not after decomposition.
func TestSkeletonOfASkeletonIsTheSame(t *testing.T) {
	t.Parallel()
	exceptions := map[rune]string{ // why: what the skeleton still has
		'ǆ': "a caron", 'ǅ': "a caron", 'Ǆ': "a caron",
		'ҋ': "и under a breve",
		'ﺂ': "an alef with madda", 'ﺁ': "an alef with madda", 'ﻶ': "an alef with madda", 'ﻵ': "an alef with madda",
		'ﮥ': "a heh goal", 'ﮤ': "a heh goal",
		'ﮱ': "a yeh barree", 'ﮰ': "a yeh barree",
		'㈝': "a final jamo",
	}
	found := map[rune]bool{}
	for _, r := range slices.Sorted(maps.Keys(prototypeOf())) {
		once := Of(string(r))
		twice := Of(once)
		if once != twice {
			found[r] = true
			if exceptions[r] == "" {
				t.Errorf("%U: the skeleton %+q has the skeleton %+q", r, once, twice)
			}
			if again := Of(twice); again != twice {
				t.Errorf("%U: even the skeleton's skeleton %+q has another: %+q", r, twice, again)
			}
		}
	}
	for r, what := range exceptions {
		if !found[r] {
			t.Errorf("%U is no longer an exception, although it had %s", r, what)
		}
	}
}

// TestDefaultIgnorable derives the property, as the comments of
// DerivedCoreProperties.txt say, from others that package unicode has.
func TestDefaultIgnorable(t *testing.T) {
	t.Parallel()
	for r := range rune(utf8.MaxRune + 1) {
		want := unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Cf, unicode.Variation_Selector) &&
			!unicode.In(r, unicode.White_Space, unicode.Prepended_Concatenation_Mark) &&
			(r < 0xFFF9 || r > 0xFFFB) && // interlinear annotation
			(r < 0x13430 || r > 0x13440) // Egyptian hieroglyphs
		if got := unicode.Is(defaultIgnorable, r); got != want {
			t.Errorf("%U: ignorable %v, want %v", r, got, want)
		}
	}
}

func TestOfIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := Of("ρ⍺у𝓅𝒂ן"); got != "paypal" {
				t.Errorf("got %q", got)
			}
		})
	}
	wg.Wait()
}

func FuzzOf(f *testing.F) {
	for _, s := range []string{"", "Bella", "mam 10|I", "ρ⍺у𝓅𝒂ן", "a\u0323\u0307", "ǆ", "\xff", "\u200d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			s = strings.ToValidUTF8(s, "\ufffd")
		}
		got := Of(s)
		if !norm.NFD.IsNormalString(got) {
			t.Fatalf("Of(%+q) = %+q, which is not in form D", s, got)
		}
		if of := Of(norm.NFC.String(s)); of != got {
			t.Fatalf("Of(%+q) = %+q, but of its form C %+q", s, got, of)
		}
		if got != ofAny(s) {
			t.Fatalf("Of(%+q) = %+q, by the table alone %+q", s, got, ofAny(s))
		}
	})
}

func BenchmarkOf(b *testing.B) {
	for _, s := range []string{"Bella Blue", "Tommy 10", "Bеlla", "こむぎ"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Of(s)
			}
		})
	}
}

func BenchmarkTable(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		readTable()
	}
}
