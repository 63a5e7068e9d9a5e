package nametag_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"nametag"
)

func TestParseColor(t *testing.T) {
	for _, tt := range []struct{ in, want, css string }{
		{"tomato", "tomato", "tomato"},
		{" Dark  Olive green ", "Dark Olive green", "darkolivegreen"},
		{"DarkSlateGray", "DarkSlateGray", "darkslategray"},
		{"dark slate grey", "dark slate grey", "darkslategrey"},
		{"rebecca purple", "rebecca purple", "rebeccapurple"},
		{"the blue of the sea at noon", "the blue of the sea at noon", ""},
		{"#ff0000", "#ff0000", ""},
		{"url(x)", "url(x)", ""},
	} {
		color, err := nametag.ParseColor(tt.in)
		if err != nil || string(color) != tt.want || color.CSS() != tt.css {
			t.Errorf("ParseColor(%q) = %q, %v with CSS %q; want %q with CSS %q", tt.in, color, err, color.CSS(), tt.want, tt.css)
		}
	}
	for in, code := range map[string]nametag.Code{
		"":                      nametag.CodeEmpty,
		strings.Repeat("x", 31): nametag.CodeTooLong,
		"re\x00d":               nametag.CodeNotAllowed,
		"re\xffd":               nametag.CodeNotAllowed,
		"\u2800":                nametag.CodeNotAllowed,
	} {
		if _, err := nametag.ParseColor(in); nametag.ErrorCode(err) != code {
			t.Errorf("ParseColor(%q): %v, want %s", in, err, code)
		}
	}
}

func TestColorNames(t *testing.T) {
	names := nametag.ColorNames()
	// CSS has 148 keywords: 7 of them are a second spelling of grey, and cyan
	// and magenta are aqua and fuchsia, both of which are listed.
	if len(names) != 141 || !slices.IsSorted(names) {
		t.Errorf("%d colour names, sorted: %t", len(names), slices.IsSorted(names))
	}
	for _, name := range names {
		if nametag.Color(name).CSS() == "" {
			t.Errorf("%q has no swatch", name)
		}
	}
}

func TestParseCategory(t *testing.T) {
	for in, want := range map[string]nametag.Category{
		"cat": nametag.Cat, "Cats": nametag.Cat, " CAT ": nametag.Cat, "dog": nametag.Dog, "Dogs": nametag.Dog,
	} {
		if got, err := nametag.Open.ParseCategory(in); err != nil || got != want {
			t.Errorf("ParseCategory(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for in, code := range map[string]nametag.Code{
		"": nametag.CodeEmpty, "Goat": nametag.CodeUnknownCategory, "catss": nametag.CodeUnknownCategory,
		strings.Repeat("cat", 999): nametag.CodeUnknownCategory, "c\x00at": nametag.CodeUnknownCategory,
	} {
		if _, err := nametag.Open.ParseCategory(in); nametag.ErrorCode(err) != code {
			t.Errorf("ParseCategory(%q): %v, want %s", in, err, code)
		}
	}
}

func TestParseCursor(t *testing.T) {
	tooEarly := base64.RawURLEncoding.EncodeToString([]byte("-62135596800000001:bella")) // a microsecond before year 1
	for _, bad := range []string{tooEarly, "x", "!!!", "MTI", "OmJlbGxh", "MTI6", "MTI6_w", "OTIyMzM3MjAzNjg1NDc3NTgwNzpi"} {
		if _, err := nametag.ParseCursor(bad); nametag.ErrorCode(err) != nametag.CodeInvalid {
			t.Errorf("ParseCursor(%q): %v, want %s", bad, err, nametag.CodeInvalid)
		}
	}
	c, err := nametag.ParseCursor("MTI6YmVsbGE") // 12:bella
	if err != nil || c.Key != "bella" || c.RegisteredAt.UnixMicro() != 12 || c.String() != "MTI6YmVsbGE" {
		t.Errorf("ParseCursor = %v, %v", c, err)
	}
}
