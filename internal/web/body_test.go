package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestParametersAreValidText checks which queries are refused, among them one of too many parameters.
func TestParametersAreValidText(t *testing.T) {
	for raw, valid := range map[string]bool{
		"":               true,
		"a=b+c&a=%C3%A9": true,
		"&&a":            true,
		"a=%C3":          false,
		"a=b&c=%FF":      false,
		"a=%4":           false,
		"a=%zz":          false,
		"a;b":            false,

		strings.Repeat("a&", maxParameters-1) + "a": true,
		strings.Repeat("a&", maxParameters) + "a":   false,
	} {
		if _, err := readQuery(&http.Request{URL: &url.URL{RawQuery: raw}}); (err == nil) != valid {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// TestQueryAgreesWithURL compares readQuery with url.ParseQuery.
func TestQueryAgreesWithURL(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`([ab;+&=]|%4[0-9]|%[cf]3|%a9|%z|é){0,12}`).Draw(t, "query")
		want, err := url.ParseQuery(raw)
		valid := err == nil
		for name, values := range want {
			valid = valid && utf8.ValidString(name)
			for _, v := range values {
				valid = valid && utf8.ValidString(v)
			}
		}
		got, err := readQuery(&http.Request{URL: &url.URL{RawQuery: raw}})
		if (err == nil) != valid {
			t.Fatalf("%q: valid is %t, and the error is %v", raw, valid, err)
		}
		if err != nil {
			return
		}
		for _, name := range []string{"a", "b", "ab", "", "é", "@"} {
			if got := got.get(name); got != want.Get(name) {
				t.Errorf("%q in %q: %q, want %q", name, raw, got, want.Get(name))
			}
		}
		want.Set("a", "1")
		if got := got.with("a", "1"); got != want.Encode() {
			t.Errorf("%q with another a: %q, want %q", raw, got, want.Encode())
		}
	})
}
