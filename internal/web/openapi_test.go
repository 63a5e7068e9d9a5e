package web_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEveryOperationIsDescribed compares the routes, except those of pages and files, with openapi.yaml.
func TestEveryOperationIsDescribed(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("routes.go")
	if err != nil {
		t.Fatal(err)
	}
	routed := map[string]bool{}
	for _, m := range regexp.MustCompile(`handle\("([A-Z]+ /[^"]*)"`).FindAllStringSubmatch(string(source), -1) {
		routed[m[1]] = true
	}
	described := map[string]bool{}
	for path, item := range loadAPI(t).Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+path] = true
			if !routed[method+" "+path] {
				t.Errorf("described, but not routed: %s %s", method, path)
			}
		}
	}
	pages := regexp.MustCompile(`^GET /(\{\$\}|pets|pets/\{name\}|problems|static/\{file\}|favicon.ico|openapi.yaml)$`)
	for route := range routed {
		if !described[route] && !pages.MatchString(route) {
			t.Errorf("routed, but not described: %s", route)
		}
	}
}

func TestOpenAPIIsServed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a := s.get("/openapi.yaml")
	if a.StatusCode != http.StatusOK || a.body != string(want) || !strings.HasPrefix(a.body, "openapi: 3.1.") || a.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%d, %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
}
