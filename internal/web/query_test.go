package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSoManyParametersAreNoneOfOurs(t *testing.T) {
	t.Parallel()
	for n, valid := range map[int]bool{maxParameters: true, maxParameters + 1: false} {
		raw := strings.Repeat("a=1&", n-1) + "a=1"
		if _, err := readQuery(&http.Request{URL: &url.URL{RawQuery: raw}}); (err == nil) != valid {
			t.Errorf("%d parameters: %v", n, err)
		}
	}
}

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
	} {
		if _, err := readQuery(&http.Request{URL: &url.URL{RawQuery: raw}}); (err == nil) != valid {
			t.Errorf("%q: %v", raw, err)
		}
	}
}
