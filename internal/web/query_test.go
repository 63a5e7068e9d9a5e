package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// What is looked through gives what net/url gives.
func TestQueryAgreesWithURL(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`([ab;+&=]|%4[0-9]|%[cf]3|%a9|%z|é){0,12}`).Draw(t, "query")
		want, err := url.ParseQuery(raw)
		valid := err == nil
		for _, values := range want {
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

func TestSoManyParametersAreNoneOfOurs(t *testing.T) {
	t.Parallel()
	for n, valid := range map[int]bool{maxParameters: true, maxParameters + 1: false} {
		raw := strings.Repeat("a=1&", n-1) + "a=1"
		if _, err := readQuery(&http.Request{URL: &url.URL{RawQuery: raw}}); (err == nil) != valid {
			t.Errorf("%d parameters: %v", n, err)
		}
	}
}
