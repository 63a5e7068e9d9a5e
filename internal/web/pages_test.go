package web_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"nametag/internal/registry"
	"nametag/internal/web"
)

// TestPetPageOfAwkwardNames checks that names with characters that are special in URLs have a page, at one address.
func TestPetPageOfAwkwardNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, under(registry.Rules{AllowLookalikes: true}))
	for _, name := range []string{"a/b", "a//b", "../b", "b/..", "100%", "%2F", "a?b", "a#b", "a+b c", "a&b=c;d", `"a" <b>`, "こむぎ", "new", "x.", ".x", "a\\b"} {
		s.register(name)
		path := "/pets/" + url.PathEscape(name)
		a := s.get(path, "Accept", browser)
		if a.StatusCode != 200 || !strings.Contains(a.body, "Certificate of Registration") {
			t.Errorf("%q: %d to %q", name, a.StatusCode, a.Header.Get("Location"))
		}
		if strings.Contains(a.body, "<b>") {
			t.Errorf("%q is not escaped", name)
		}
		list := s.get("/pets", "Accept", browser)
		if !strings.Contains(html.UnescapeString(list.body), `href="`+path+`"`) {
			t.Errorf("%q is not linked as %s", name, path)
		}
	}
	a := s.get("/pets/"+url.PathEscape("A/B "), "Accept", browser)
	if a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/pets/a%2Fb" {
		t.Errorf("another spelling: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
}

func TestPetsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if a := s.get("/pets", "Accept", browser); !strings.Contains(a.body, "No pets are registered yet") {
		t.Error("the list of an empty registry does not say so")
	}
	for i := range 50 {
		s.register(fmt.Sprintf("Bella %02d", i))
	}
	first := s.get("/pets?q=bella", "Accept", browser)
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(first.body)
	if strings.Count(first.body, `class="pet"`) != 48 || strings.Index(first.body, "Bella 49") > strings.Index(first.body, "Bella 48") || next == nil {
		t.Fatalf("the first page: %s", first.body)
	}
	second := s.get(strings.ReplaceAll(next[1], "&amp;", "&"), "Accept", browser)
	if strings.Count(second.body, `class="pet"`) != 2 || strings.Contains(second.body, `rel="next"`) || !strings.Contains(second.body, `value="bella"`) {
		t.Errorf("the second page: %s", second.body)
	}
	if a := s.get("/pets?q=max", "Accept", browser); !strings.Contains(a.body, "No pets match") {
		t.Error("a search without results does not say so")
	}
	for _, bad := range []string{"?q=%07", "?cursor=x", "?category=g0at"} {
		if a := s.get("/pets"+bad, "Accept", browser); a.StatusCode != 422 || !strings.Contains(a.body, `id="q_error"`) {
			t.Errorf("%s: %d", bad, a.StatusCode)
		}
	}
}

func TestAssetsAreNamedByChecksum(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	home := s.get("/", "Accept", browser)
	paths := regexp.MustCompile(`"(/static/[^"]+)"`).FindAllStringSubmatch(home.body, -1)
	if len(paths) < 3 {
		t.Fatalf("the page names %d assets", len(paths))
	}
	for _, p := range paths {
		a := s.get(p[1])
		if a.StatusCode != 200 || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") || a.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d, %v", p[1], a.StatusCode, a.Header)
		}
	}
	if a := s.get("/favicon.ico"); a.StatusCode != 200 || a.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("favicon: %d", a.StatusCode)
	}
	if inline := regexp.MustCompile(`<style|style=|<script>|\son[a-z]+=|https?://`).FindString(home.body); inline != "" {
		t.Errorf("the page has %q", inline)
	}
}

func TestProblemsPageListsEveryCode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	page := s.get("/problems", "Accept", browser)
	code := loadAPI(t).Components.Schemas["Problem"].Value.Properties["code"].Value
	for _, c := range code.Enum {
		if !strings.Contains(page.body, fmt.Sprintf(`id="%s"`, c)) {
			t.Errorf("/problems lacks %s", c)
		}
	}
	if n := strings.Count(page.body, "<dt>"); n != len(code.Enum) {
		t.Errorf("/problems has %d codes, openapi.yaml %d", n, len(code.Enum))
	}
}

// A brokenStore is a store whose methods fail with err.
type brokenStore struct {
	registry.Store
	err error
}

func (b brokenStore) Insert(context.Context, []registry.Entry) ([]registry.Decision, error) {
	return nil, b.err
}
func (b brokenStore) Lookup(context.Context, registry.Inquiry) ([]registry.Decision, error) {
	return nil, b.err
}
func (b brokenStore) Find(context.Context, []string) (map[string]registry.Pet, error) {
	return nil, b.err
}

func TestDatabaseDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) {
		c.Registry = registry.New(brokenStore{err: registry.Unavailable(errors.New("connect to secret-host"))}, nil)
		c.Ready = func(context.Context) error { return errors.New("connect to secret-host") }
	})
	form := append(petForm("Bella", "blue", "Cats"), "form_token", "TOKEN")
	page := s.postForm(form, "Accept", browser)
	for name, a := range map[string]answer{
		"form":     page,
		"contract": s.postForm(form),
		"api":      s.postJSON("/api/v1/pets", newPet{"Bella", "blue", "cat"}),
		"check":    s.get("/check_pet_name?pet_name=Bella"),
		"page":     s.get("/pets/Bella", "Accept", browser),
	} {
		if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || strings.Contains(a.body, "secret") {
			t.Errorf("%s: %d, Retry-After %q: %s", name, a.StatusCode, a.Header.Get("Retry-After"), a.body)
		}
	}
	for _, part := range []string{`value="Bella"`, `value="blue"`, "checked", `value="TOKEN"`, "What you typed is still here"} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the form lost %s", part)
		}
	}
	if a := s.get("/", "Accept", browser); a.StatusCode != 200 {
		t.Errorf("the form itself: %d", a.StatusCode)
	}
	if a := s.get("/healthz"); a.StatusCode != 200 {
		t.Errorf("healthz: %d", a.StatusCode)
	}
	if a := s.get("/readyz"); a.StatusCode != 503 || strings.Contains(a.body, "secret") {
		t.Errorf("readyz: %d %s", a.StatusCode, a.body)
	}
	if !strings.Contains(s.log.String(), "secret-host") {
		t.Error("the cause is not in the log")
	}
}

// TestEndedContextsAreNotInternalErrors checks that timeouts and disconnected clients are not counted as internal errors.
func TestEndedContextsAreNotInternalErrors(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{"unavailable": context.DeadlineExceeded, "client_gone": context.Canceled} {
		s := newSite(t, func(c *web.Config) {
			c.Registry = registry.New(brokenStore{err: fmt.Errorf("insert: %w", err)}, nil)
		})
		s.postJSON("/api/v1/pets", newPet{"Bella", "blue", "cat"})
		if n := testutil.CollectAndCount(s.metrics, "nametag_registrations_total"); n != 1 {
			t.Errorf("%d series of registrations", n)
		}
		line := fmt.Sprintf("# HELP nametag_registrations_total Registrations asked for, by result.\n# TYPE nametag_registrations_total counter\nnametag_registrations_total{result=%q} 1\n", want)
		if err := testutil.GatherAndCompare(s.metrics, strings.NewReader(line), "nametag_registrations_total"); err != nil {
			t.Error(err)
		}
	}
}

func TestInternalErrorsAreLoggedAndNotShown(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]registry.Store{
		"error": brokenStore{err: errors.New("secret detail")},
		"panic": nil, // a nil Store panics when it is asked
	} {
		s := newSite(t, func(c *web.Config) { c.Registry = registry.New(fail, nil) })
		a := s.postJSON("/api/v1/pets", newPet{"Bella", "blue", "cat"})
		id := a.Header.Get("X-Request-Id")
		if a.StatusCode != 500 || a.json(t)["code"] != "internal" || !strings.Contains(a.body, id) || strings.Contains(a.body, "secret") {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
		log := s.log.String()
		if !strings.Contains(log, id) || !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, map[string]string{"error": "secret detail", "panic": "stack"}[name]) {
			t.Errorf("%s: the log has %s", name, log)
		}
	}
}
