// Package skeleton computes the skeleton of a text as UTS #39 defines it: texts with
// equal skeletons look alike. Skeletons are for comparison, not for display.
package skeleton

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The table is generated from Unicode's confusables.txt, which is not in the repository. To generate it again, download
// https://www.unicode.org/Public/security/17.0.0/confusables.txt, or another version, to this folder and run go
// generate.
//
//go:generate go run gen.go confusables.txt

// Of returns the skeleton of s, which is UTF-8, as in UTS #39, section 4: in normalization form D, without default
// ignorable characters, with each other character replaced by its prototype, and in form D again. It is the standard's
// internalSkeleton: right-to-left text is not reordered for display first.
//
// The skeleton of a skeleton is the skeleton itself, except for a few characters whose
// published prototypes have further prototypes after decomposition.
//
// Of may be called by several goroutines at once.
func Of(s string) string {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && ascii[s[i]] == "" {
		i++
	}
	if i == len(s) {
		return s
	}
	if !isASCII(s[i:]) {
		return ofAny(s)
	}
	var b strings.Builder
	b.Grow(len(s) + 8) // most prototypes are as long as their source
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		if p := ascii[s[i]]; p != "" {
			b.WriteString(p)
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func ofAny(s string) string {
	table := prototypeOf()
	var b strings.Builder
	b.Grow(len(s) + 8)
	for _, r := range norm.NFD.String(s) {
		if unicode.Is(defaultIgnorable, r) {
			continue
		}
		if p, ok := table[r]; ok {
			b.WriteString(p)
		} else {
			b.WriteRune(r)
		}
	}
	return norm.NFD.String(b.String())
}

// prototypeOf returns the table. It is read for the first text outside ASCII.
var prototypeOf = sync.OnceValue(readTable)

// readTable returns the table as a map from a character to its prototype.
func readTable() map[rune]string {
	m := make(map[rune]string, entries)
	for line := range strings.Lines(prototypes) {
		sources, prototype, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		for _, r := range sources {
			m[r] = prototype
		}
	}
	return m
}

// defaultIgnorable has the characters with Unicode's derived property Default_Ignorable_Code_Point, version 17.0.0.
var defaultIgnorable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00AD, Hi: 0x00AD, Stride: 1},
		{Lo: 0x034F, Hi: 0x034F, Stride: 1},
		{Lo: 0x061C, Hi: 0x061C, Stride: 1},
		{Lo: 0x115F, Hi: 0x1160, Stride: 1},
		{Lo: 0x17B4, Hi: 0x17B5, Stride: 1},
		{Lo: 0x180B, Hi: 0x180F, Stride: 1},
		{Lo: 0x200B, Hi: 0x200F, Stride: 1},
		{Lo: 0x202A, Hi: 0x202E, Stride: 1},
		{Lo: 0x2060, Hi: 0x206F, Stride: 1},
		{Lo: 0x3164, Hi: 0x3164, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1},
		{Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1},
		{Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1},
		{Lo: 0xFFF0, Hi: 0xFFF8, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1BCA0, Hi: 0x1BCA3, Stride: 1},
		{Lo: 0x1D173, Hi: 0x1D17A, Stride: 1},
		{Lo: 0xE0000, Hi: 0xE0FFF, Stride: 1},
	},
	LatinOffset: 1,
}
