package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestParametersAreValidText checks which queries are refused, among them one of more parameters than net/url accepts.
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

		strings.Repeat("a&", 10_000): false,
	} {
		if _, err := readQuery(&http.Request{URL: &url.URL{RawQuery: raw}}); (err == nil) != valid {
			t.Errorf("%q: %v", raw, err)
		}
	}
}
