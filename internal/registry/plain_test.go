package registry

import (
	"cmp"
	"testing"
	"unicode"

	"golang.org/x/text/secure/precis"
	"pgregory.net/rapid"
)

// The fast way through ParseName gives what RFC 8266 and RFC 8265 say.
func TestPlainTextNeedsNoTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, err := cleanText(FieldName, "name", rapid.StringOfN(rapid.RuneFrom(nil, printable), 0, 60, -1).Draw(t, "name"), MaxNameLength)
		if err != nil {
			return
		}
		opaque, err := precis.OpaqueString.String(text)
		if err != nil || opaque != text {
			t.Fatalf("%q is %q as an OpaqueString, %v", text, opaque, err)
		}
		want, err := precis.Nickname.CompareKey(text)
		if got, _ := compareKey(text); err != nil || got != want {
			t.Fatalf("the key of %q is %q, want %q, %v", text, got, want, err)
		}
	})
}

// TestPlainNamesAreLikeOthers compares parsePlain with the rest of ParseName.
func TestPlainNamesAreLikeOthers(t *testing.T) {
	slowly := func(s string) (Name, error) { return ParseName(s + " ") } // a space that is trimmed
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringOfN(rapid.RuneFrom(nil, printable), 0, MaxNameLength+2, -1),
			rapid.StringOfN(rapid.SampledFrom([]rune("IIilLBmn1 -&%'")), 0, 12, -1),
			rapid.StringOf(rapid.Rune()),
		).Draw(t, "name")
		got, ok := parsePlain(s)
		if !ok {
			t.Skip("not plain") // rapid draws on until it has as many names as it needs
		}
		if want, err := slowly(s); err != nil || got != want {
			t.Fatalf("%q is %#v, want %#v, %v", s, got, want, err)
		}
	})
}

// TestPlainNamesLookAsTheirSkeletonsDo compares the lookalike keys of printable ASCII with what settle returns.
func TestPlainNamesLookAsTheirSkeletonsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringOfN(rapid.RuneFrom(nil, printable), 1, MaxNameLength, -1),
			rapid.StringOfN(rapid.SampledFrom([]rune("IIilLBmn1 -&%'")), 1, 12, -1),
		).Draw(t, "name")
		want := settle(cmp.Or(string(appendRead(nil, s)), s))
		if got := RestoreName(s, s).LookalikeKey(); got != want {
			t.Fatalf("the lookalike key of %q is %q, want %q", s, got, want)
		}
	})
}

var printable = &unicode.RangeTable{R16: []unicode.Range16{{Lo: ' ', Hi: '~', Stride: 1}}, LatinOffset: 1}

func BenchmarkParseName(b *testing.B) {
	for what, s := range map[string]string{"Plain": "Bella Blue", "Any": "Möbius"} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseName(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
