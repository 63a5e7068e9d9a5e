package web_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/web"
)

// overHTTPS returns a site with the configuration h and a trusted proxy at 10.0.0.1.
func overHTTPS(h *web.HTTPS) http.Handler {
	return web.New(web.Config{
		Ready:          func(context.Context) error { return nil },
		Log:            slog.New(slog.DiscardHandler),
		Metrics:        prometheus.NewRegistry(),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")},
		HTTPS:          h,
	})
}

const hsts = "Strict-Transport-Security"

func TestRedirectsToHTTPS(t *testing.T) {
	t.Parallel()
	acme := &web.HTTPS{Hosts: []string{"pets.example", "www.pets.example"}, Port: "8443"}
	files := &web.HTTPS{Port: "8443"}
	for _, test := range []struct {
		https            *web.HTTPS
		method, host, at string
		want             string // "" for a request that can't be redirected
	}{
		{acme, "GET", "pets.example", "/", "https://pets.example/"},
		{acme, "HEAD", "www.pets.example", "/pets?q=a%2Bb&x=", "https://www.pets.example/pets?q=a%2Bb&x="},
		{acme, "POST", "Pets.Example", "/register_pet", "https://Pets.Example/register_pet"},
		{acme, "GET", "pets.example:8080", "/", "https://pets.example:8443/"}, // a developer's ports
		{acme, "GET", "evil.example", "/pets", "https://pets.example/pets"},
		{acme, "GET", "pets.example.evil.example", "/", "https://pets.example/"},
		{acme, "GET", "evil.example@pets.example", "/", "https://pets.example/"},
		{acme, "GET", "192.0.2.1", "/", "https://pets.example/"},
		{acme, "GET", "", "/", "https://pets.example/"},
		{acme, "GET", "pets.example", "//evil.example/", "https://pets.example//evil.example/"},
		{acme, "GET", "pets.example", "/pets/a%2Fb", "https://pets.example/pets/a%2Fb"},
		{acme, "OPTIONS", "pets.example", "*", "https://pets.example/*"},
		{files, "GET", "any.example", "/", "https://any.example/"},
		{files, "GET", "any.example.", "/", "https://any.example./"},
		{files, "GET", "any.example:80", "/", "https://any.example:8443/"},
		{files, "GET", "[2001:db8::1]", "/", "https://[2001:db8::1]/"},
		{files, "GET", "[2001:db8::1]:80", "/", "https://[2001:db8::1]:8443/"},
		{files, "GET", "user@evil.example", "/", ""},
		{files, "GET", "a b", "/", ""},
		{files, "GET", "", "/", ""},
		{&web.HTTPS{Port: "443"}, "GET", "any.example:80", "/", "https://any.example/"},
		{&web.HTTPS{ByProxy: true}, "GET", "any.example:80", "/", "https://any.example/"},
	} {
		rec := httptest.NewRecorder()
		r := httptest.NewRequest(test.method, test.at, nil)
		r.Host = test.host
		overHTTPS(test.https).ServeHTTP(rec, r)
		code := http.StatusPermanentRedirect
		if test.want == "" {
			code = http.StatusBadRequest
		}
		if rec.Code != code || rec.Header().Get("Location") != test.want || rec.Header().Get(hsts) != "" {
			t.Errorf("%s %s of %q: %d to %q, want %d to %q (HSTS %q)", test.method, test.at, test.host,
				rec.Code, rec.Header().Get("Location"), code, test.want, rec.Header().Get(hsts))
		}
	}
}

// TestChallengesAreAnsweredOverPlainHTTP checks that requests of an ACME server are also logged and rate-limited.
func TestChallengesAreAnsweredOverPlainHTTP(t *testing.T) {
	t.Parallel()
	const path = "/.well-known/acme-challenge/x"
	var log bytes.Buffer
	site := web.New(web.Config{
		Ready:     func(context.Context) error { return nil },
		Log:       slog.New(slog.NewJSONHandler(&log, nil)),
		Metrics:   prometheus.NewRegistry(),
		RateLimit: 1,
		HTTPS: &web.HTTPS{Hosts: []string{"pets.example"}, Challenges: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != path {
					next.ServeHTTP(w, r)
				}
			})
		}},
	})
	get := func(path, client string, over *tls.ConnectionState) int {
		r := httptest.NewRequest("GET", path, nil)
		r.RemoteAddr, r.TLS = client, over
		rec := httptest.NewRecorder()
		site.ServeHTTP(rec, r)
		return rec.Code
	}
	if code := get(path, "192.0.2.1:1", nil); code != http.StatusOK {
		t.Errorf("a challenge: %d", code)
	}
	if !strings.Contains(log.String(), path) {
		t.Errorf("the challenge is not logged: %s", &log)
	}
	if code := get("/pets", "192.0.2.1:1", nil); code != http.StatusPermanentRedirect {
		t.Errorf("a page: %d", code)
	}
	if code := get(path, "192.0.2.1:1", nil); code != http.StatusTooManyRequests {
		t.Errorf("one challenge too many: %d", code)
	}
	if code := get(path, "192.0.2.2:1", &tls.ConnectionState{}); code != http.StatusNotFound {
		t.Errorf("a challenge over HTTPS: %d", code)
	}
}

func TestDetectionOfHTTPS(t *testing.T) {
	t.Parallel()
	direct, proxy := &web.HTTPS{Hosts: []string{"pets.example"}}, &web.HTTPS{ByProxy: true}
	for _, test := range []struct {
		name  string
		https *web.HTTPS
		tls   bool
		peer  string
		said  []string // X-Forwarded-Proto
		code  int
		hsts  bool
	}{
		{"HTTPS", direct, true, "192.0.2.1:1", nil, 404, true},
		{"HTTP", direct, false, "192.0.2.1:1", nil, 308, false},
		{"HTTP with a header that is ignored", direct, false, "10.0.0.1:1", []string{"https"}, 308, false},
		{"proxy with HTTPS", proxy, false, "10.0.0.1:1", []string{"https"}, 404, true},
		{"proxy with HTTPS in capitals", proxy, false, "[::ffff:10.0.0.1]:1", []string{"HTTPS"}, 404, true},
		{"proxy with HTTP", proxy, false, "10.0.0.1:1", []string{"http"}, 308, false},
		{"proxy that appends to a forged header", proxy, false, "10.0.0.1:1", []string{"https, http"}, 308, false},
		{"the same in two headers", proxy, false, "10.0.0.1:1", []string{"https", "http"}, 308, false},
		{"proxy without the header", proxy, false, "10.0.0.1:1", nil, 404, false},
		{"client that claims to be a proxy", proxy, false, "192.0.2.1:1", []string{"https"}, 308, false},
		{"HTTP only", nil, false, "10.0.0.1:1", []string{"http"}, 404, false},
		{"HTTP only, with a header for HTTPS", nil, false, "10.0.0.1:1", []string{"https"}, 404, false},
	} {
		site := overHTTPS(test.https)
		for path, code := range map[string]int{"/nothing": test.code, "/healthz": 200, "/readyz": 200} {
			r := httptest.NewRequest("GET", path, nil)
			r.RemoteAddr = test.peer
			if test.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for _, said := range test.said {
				r.Header.Add("X-Forwarded-Proto", said)
			}
			rec := httptest.NewRecorder()
			site.ServeHTTP(rec, r)
			want := ""
			if test.hsts {
				want = "max-age=31536000"
			}
			if rec.Code != code || rec.Header().Get(hsts) != want {
				t.Errorf("%s: GET %s: %d with HSTS %q, want %d with %q", test.name, path, rec.Code, rec.Header().Get(hsts), code, want)
			}
			if body, _ := io.ReadAll(rec.Body); path == "/readyz" && !strings.Contains(string(body), "ready") {
				t.Errorf("%s: GET /readyz: %s", test.name, body)
			}
		}
	}
}
