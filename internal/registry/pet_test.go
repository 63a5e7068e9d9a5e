package registry_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"nametag/internal/registry"
)

func TestParseColor(t *testing.T) {
	t.Parallel()
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
		color, err := registry.ParseColor(tt.in)
		if err != nil || string(color) != tt.want || color.CSS() != tt.css {
			t.Errorf("ParseColor(%q) = %q, %v with CSS %q; want %q with CSS %q", tt.in, color, err, color.CSS(), tt.want, tt.css)
		}
	}
	for in, code := range map[string]registry.Code{
		"":                      registry.CodeEmpty,
		strings.Repeat("x", 31): registry.CodeTooLong,
		"re\x00d":               registry.CodeNotAllowed,
		"re\xffd":               registry.CodeNotAllowed,
		"\u2800":                registry.CodeNotAllowed,
	} {
		if _, err := registry.ParseColor(in); registry.ErrorCode(err) != code {
			t.Errorf("ParseColor(%q): %v, want %s", in, err, code)
		}
	}
}

func TestColorNames(t *testing.T) {
	t.Parallel()
	names := registry.ColorNames()
	// CSS has 148 keywords: 7 of them are a second spelling of grey, and cyan
	// and magenta are aqua and fuchsia, both of which are listed.
	if len(names) != 141 || !slices.IsSorted(names) {
		t.Errorf("%d colour names, sorted: %t", len(names), slices.IsSorted(names))
	}
	for _, name := range names {
		if registry.Color(name).CSS() == "" {
			t.Errorf("%q has no swatch", name)
		}
	}
}

func TestParseCategory(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]registry.Category{
		"cat": registry.Cat, "Cats": registry.Cat, " CAT ": registry.Cat, "dog": registry.Dog, "Dogs": registry.Dog,
	} {
		if got, err := registry.Open.ParseCategory(in); err != nil || got != want {
			t.Errorf("ParseCategory(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for in, code := range map[string]registry.Code{
		"": registry.CodeEmpty, "Goat": registry.CodeUnknownCategory, "catss": registry.CodeUnknownCategory,
		strings.Repeat("cat", 999): registry.CodeUnknownCategory, "c\x00at": registry.CodeUnknownCategory,
	} {
		if _, err := registry.Open.ParseCategory(in); registry.ErrorCode(err) != code {
			t.Errorf("ParseCategory(%q): %v, want %s", in, err, code)
		}
	}
}

func TestParseCursor(t *testing.T) {
	t.Parallel()
	tooEarly := base64.RawURLEncoding.EncodeToString([]byte("-62135596800000001:bella")) // a microsecond before year 1
	for _, bad := range []string{tooEarly, "x", "!!!", "MTI", "OmJlbGxh", "MTI6", "MTI6_w", "OTIyMzM3MjAzNjg1NDc3NTgwNzpi"} {
		if _, err := registry.ParseCursor(bad); registry.ErrorCode(err) != registry.CodeInvalid {
			t.Errorf("ParseCursor(%q): %v, want %s", bad, err, registry.CodeInvalid)
		}
	}
	c, err := registry.ParseCursor("MTI6YmVsbGE") // 12:bella
	if err != nil || c.Key != "bella" || c.RegisteredAt.UnixMicro() != 12 || c.String() != "MTI6YmVsbGE" {
		t.Errorf("ParseCursor = %v, %v", c, err)
	}
}
