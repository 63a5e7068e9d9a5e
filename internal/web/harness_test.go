package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/registry"
	"nametag/internal/sqlite"
	"nametag/internal/web"
)

// A site is the whole handler with its own database, served on loopback.
type site struct {
	t       *testing.T
	url     string
	client  *http.Client
	store   registry.Store
	metrics *prometheus.Registry
	log     *lockedBuffer
	clock   atomic.Pointer[time.Time] // the time, if a test sets it
}

func (s *site) now() time.Time {
	if t := s.clock.Load(); t != nil {
		return *t
	}
	return time.Now()
}

// date sets the clock to noon on a day.
func (s *site) date(day string) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		s.t.Fatal(err)
	}
	t = t.Add(12 * time.Hour)
	s.clock.Store(&t)
}

// newSite serves a site. Each answer is checked against openapi.yaml.
func newSite(t *testing.T, change ...func(*web.Config)) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "nametag.db"), sqlite.Options{Serve: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s := &site{t: t, store: store, metrics: prometheus.NewRegistry(), log: &lockedBuffer{}}
	config := web.Config{
		Registry: registry.New(store, s.now),
		Ready:    store.Ready,
		Log:      slog.New(slog.NewJSONHandler(s.log, nil)),
		Metrics:  s.metrics,
	}
	for _, c := range change {
		c(&config)
	}
	server := httptest.NewServer(web.New(config))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.client = &http.Client{
		Transport:     checkedTransport{t, loadAPI(t)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// under gives a site a policy with these rules.
func under(rules registry.Rules) func(*web.Config) {
	policy, err := registry.NewPolicy(rules)
	if err != nil {
		panic(err) // the rules are constants of a test
	}
	return func(c *web.Config) { c.Registry = c.Registry.WithPolicy(policy) }
}

// registrar returns the registry as a registrar uses it.
func (s *site) registrar() *registry.Registry {
	return registry.New(s.store, s.now).WithOrigin(registry.ViaRegistrar, "Sam Keeper", "as the owner asked")
}

// rename renames a pet or fails the test.
func (s *site) rename(from, to string) {
	s.t.Helper()
	if d, err := s.registrar().Rename(s.t.Context(), from, to, false); err != nil || d.Code != "" {
		s.t.Fatalf("renaming %q to %q: %s, %v", from, to, d.Code, err)
	}
}

// reserve reserves a name for a reason or fails the test.
func (s *site) reserve(name, reason string) {
	s.t.Helper()
	if d, err := s.registrar().WithOrigin(registry.ViaRegistrar, "Sam Keeper", reason).Reserve(s.t.Context(), name); err != nil || d.Code != "" {
		s.t.Fatalf("reserving %q: %s, %v", name, d.Code, err)
	}
}

// release releases a pet or fails the test.
func (s *site) release(name string) {
	s.t.Helper()
	if d, err := s.registrar().Release(s.t.Context(), name); err != nil || d.Code != "" {
		s.t.Fatalf("releasing %q: %s, %v", name, d.Code, err)
	}
}

// An answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// json decodes the body.
func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%s %s: %v in %q", a.Request.Method, a.Request.URL, err, a.body)
	}
	return m
}

// browser is the Accept header of a browser that opens a page.
const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// do sends a request; headers come in pairs of name and value.
func (s *site) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(b)}
}

func (s *site) get(path string, headers ...string) answer {
	s.t.Helper()
	return s.do("GET", path, "", headers...)
}

// postForm posts the form of the first version; fields come in pairs of name and value.
func (s *site) postForm(fields []string, headers ...string) answer {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return s.do("POST", "/register_pet", form.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

func petForm(name, color, category string) []string {
	return []string{"pet_name", name, "pet_favorite_color", color, "pet_category", category}
}

// postJSON posts v to the API.
func (s *site) postJSON(path string, v any, headers ...string) answer {
	s.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do("POST", path, string(body), append(headers, "Content-Type", "application/json")...)
}

type newPet struct {
	Name          string `json:"name"`
	FavoriteColor string `json:"favorite_color"`
	Category      string `json:"category"`
}

// register registers a pet or fails the test.
func (s *site) register(name string) {
	s.t.Helper()
	if a := s.postJSON("/api/v1/pets", newPet{name, "blue", "cat"}); a.StatusCode != http.StatusCreated {
		s.t.Fatalf("registering %q: %s %s", name, a.Status, a.body)
	}
}

var loadAPI = func() func(*testing.T) *openapi3.T {
	load := sync.OnceValues(func() (*openapi3.T, error) {
		doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
		if err != nil {
			return nil, err
		}
		return doc, doc.Validate(context.Background(), openapi3.IsOpenAPI31OrLater())
	})
	return func(t *testing.T) *openapi3.T {
		t.Helper()
		doc, err := load()
		if err != nil {
			t.Fatalf("openapi.yaml: %v", err)
		}
		return doc
	}
}()

// checkedTransport checks each answer of a documented operation, and each accepted request, against openapi.yaml.
type checkedTransport struct {
	t   *testing.T
	doc *openapi3.T
}

func (c checkedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return res, err
	}
	path, item := c.find(req.URL.EscapedPath())
	if item == nil || item.GetOperation(req.Method) == nil || strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		return res, nil
	}
	asked := &openapi3filter.RequestValidationInput{
		Request:    req.Clone(req.Context()),
		PathParams: map[string]string{"name": req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]},
		Route:      &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: req.Method, Operation: item.GetOperation(req.Method)},
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked,
		Status:                 res.StatusCode,
		Header:                 res.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(req.Context(), input); err != nil {
		c.t.Errorf("%s %s answered %d, contrary to openapi.yaml: %v\n%s", req.Method, req.URL, res.StatusCode, err, body)
	}
	if res.StatusCode < 300 && req.GetBody != nil { // accepted requests must be documented
		if asked.Request.Body, err = req.GetBody(); err != nil {
			return res, err
		}
		if err := openapi3filter.ValidateRequest(req.Context(), asked); err != nil {
			c.t.Errorf("%s %s was accepted, contrary to openapi.yaml: %v", req.Method, req.URL, err)
		}
	}
	return res, nil
}

// find returns the documented path that matches, preferably one without parameters.
func (c checkedTransport) find(path string) (string, *openapi3.PathItem) {
	if item := c.doc.Paths.Value(path); item != nil {
		return path, item
	}
	for template, item := range c.doc.Paths.Map() {
		if pathPattern(template).MatchString(path) {
			return template, item
		}
	}
	return "", nil
}

func pathPattern(template string) *regexp.Regexp {
	return regexp.MustCompile("^" + regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(template, "[^/]+") + "$")
}

// A lockedBuffer is a log that the server writes while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
