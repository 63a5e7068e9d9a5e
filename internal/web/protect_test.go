package web_test

import (
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"nametag/internal/web"
)

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	s, pages := newSite(t), 0
	for _, path := range []string{"/", "/pets", "/nothing", "/api/v1/pets", "/check_pet_name", "/openapi.yaml", "/healthz"} {
		h := s.get(path, "Accept", browser).Header
		want := map[string]string{
			"Content-Security-Policy":      "default-src 'none'",
			"X-Content-Type-Options":       "nosniff",
			"Cross-Origin-Resource-Policy": "same-origin",
		}
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
			want["X-Frame-Options"] = "DENY"
			want["Referrer-Policy"] = "same-origin"
			want["Cross-Origin-Opener-Policy"] = "same-origin"
			want["Permissions-Policy"] = "camera=()"
			pages++
		}
		for name, part := range want {
			if !strings.Contains(h.Get(name), part) {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if csp := h.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, csp)
		}
	}
	if pages != 3 {
		t.Errorf("%d answers were pages", pages)
	}
}

func TestCrossOriginPostsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		if a := s.postForm(petForm("Bella", "blue", "Cats"), headers...); a.StatusCode != 403 || a.json(t)["reason"] != "cross_origin" {
			t.Errorf("form with %v: %d %s", headers, a.StatusCode, a.body)
		}
		if a := s.postJSON("/api/v1/pets", newPet{"Bella", "blue", "cat"}, headers...); a.StatusCode != 403 || a.json(t)["code"] != "cross_origin" {
			t.Errorf("API with %v: %d %s", headers, a.StatusCode, a.body)
		}
	}
	for i, headers := range [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Origin", s.url}, nil} {
		if a := s.postForm(petForm("Pet "+string(rune('A'+i)), "blue", "Cats"), headers...); a.StatusCode != 200 {
			t.Errorf("form with %v: %d %s", headers, a.StatusCode, a.body)
		}
	}
}

const maxBody = 64 << 10 // bytes

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) {
		c.RateLimit = 0.5
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	from := func(client string) answer {
		return s.get("/api/v1/names/Bella", "X-Forwarded-For", client)
	}
	if a := from("192.0.2.1"); a.StatusCode != 200 {
		t.Fatalf("the first request: %d %s", a.StatusCode, a.body)
	}
	limited := from("192.0.2.1")
	if limited.StatusCode != 429 || limited.Header.Get("Retry-After") != "2" || limited.json(t)["code"] != "rate_limited" {
		t.Errorf("the second request: %d, Retry-After %q: %s", limited.StatusCode, limited.Header.Get("Retry-After"), limited.body)
	}
	if a := from("192.0.2.2"); a.StatusCode != 200 {
		t.Errorf("another client: %d", a.StatusCode)
	}
	if a := s.get("/pets", "X-Forwarded-For", "192.0.2.2", "Accept", browser); a.StatusCode != 429 || !strings.Contains(a.body, "<h1>Too many requests</h1>") {
		t.Errorf("a browser: %d %s", a.StatusCode, a.body)
	}
	form := s.postForm(append(petForm("Bella", "blue", "Cats"), "form_token", "TOKEN"), "X-Forwarded-For", "192.0.2.2", "Accept", browser)
	if form.StatusCode != 429 || form.Header.Get("Retry-After") == "" || !strings.Contains(form.body, `value="Bella"`) || !strings.Contains(form.body, "Too many requests") || !strings.Contains(form.body, `value="TOKEN"`) {
		t.Errorf("a form: %d %s", form.StatusCode, form.body)
	}
	if a := s.postForm(petForm("Bella", "blue", "Cats"), "X-Forwarded-For", "192.0.2.2"); a.StatusCode != 429 || a.json(t)["status"] != "error" {
		t.Errorf("a client of the first version: %d %s", a.StatusCode, a.body)
	}
	for _, a := range []answer{
		s.get("/register_pet", "X-Forwarded-For", "192.0.2.2", "Accept", browser),
		s.do("POST", "/register_pet", strings.Repeat("x", maxBody+1), "X-Forwarded-For", "192.0.2.2", "Accept", browser, "Content-Type", "application/x-www-form-urlencoded"),
		s.do("POST", "/register_pet", "{}", "X-Forwarded-For", "192.0.2.2", "Accept", browser, "Content-Type", "application/json"),
	} {
		if a.StatusCode != 429 {
			t.Errorf("%s %s: %d", a.Request.Method, a.Request.URL, a.StatusCode)
		}
	}
	if a := s.get("/api/v1/pets/Bella", "X-Forwarded-For", "192.0.2.9"); a.StatusCode != 404 {
		t.Errorf("a limited form was registered: %d", a.StatusCode)
	}
	for range 3 {
		if a := s.get("/readyz", "X-Forwarded-For", "192.0.2.1"); a.StatusCode != 200 {
			t.Errorf("a probe: %d", a.StatusCode)
		}
	}
}

func TestForwardedForIsIgnoredFromUntrustedClients(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.RateLimit = 0.5 })
	s.get("/api/v1/names/Bella", "X-Forwarded-For", "192.0.2.1")
	if a := s.get("/api/v1/names/Bella", "X-Forwarded-For", "192.0.2.2"); a.StatusCode != 429 {
		t.Errorf("a forged address: %d", a.StatusCode)
	}
}

// TestRequestLog checks that each request leads to one log event.
func TestRequestLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register("Bella")
	s.get("/healthz")
	a := s.get("/pets/Nobody", "Accept", browser)
	d := json.NewDecoder(strings.NewReader(s.log.String()))
	var events []map[string]any
	for {
		var e map[string]any
		if err := d.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if len(events) != 2 {
		t.Fatalf("%d events: %v", len(events), events)
	}
	if e := events[0]; e["method"] != "POST" || e["path"] != "/api/v1/pets" || e["status"] != 201.0 || e["registration"] != "registered" || e["client"] != "127.0.0.1" {
		t.Errorf("registering is logged as %v", e)
	}
	if e := events[1]; e["status"] != 404.0 || e["code"] != "not_found" || e["id"] != a.Header.Get("X-Request-Id") {
		t.Errorf("not finding is logged as %v", e)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register("Bella")
	s.postJSON("/api/v1/pets", newPet{"BELLA", "blue", "cat"})
	s.get("/api/v1/names/Bella")
	s.get("/made-up-by-a-client")
	want := `
# HELP nametag_checks_total Names checked, by verdict.
# TYPE nametag_checks_total counter
nametag_checks_total{verdict="available"} 0
nametag_checks_total{verdict="not_allowed"} 0
nametag_checks_total{verdict="reserved"} 0
nametag_checks_total{verdict="similar"} 0
nametag_checks_total{verdict="taken"} 1
# HELP nametag_http_requests_total Requests answered, by route and status.
# TYPE nametag_http_requests_total counter
nametag_http_requests_total{route="GET /api/v1/names/{name}",status="200"} 1
nametag_http_requests_total{route="GET /check_pet_name",status="200"} 0
nametag_http_requests_total{route="POST /api/v1/pets",status="201"} 1
nametag_http_requests_total{route="POST /api/v1/pets",status="409"} 1
nametag_http_requests_total{route="none",status="404"} 1
# HELP nametag_registrations_total Registrations asked for, by result.
# TYPE nametag_registrations_total counter
nametag_registrations_total{result="registered"} 1
nametag_registrations_total{result="taken"} 1
`
	if err := testutil.GatherAndCompare(s.metrics, strings.NewReader(want),
		"nametag_checks_total", "nametag_http_requests_total", "nametag_registrations_total"); err != nil {
		t.Error(err)
	}
}
