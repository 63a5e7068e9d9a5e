package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestCreatePet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.postJSON("/api/v1/pets", newPet{" Möbius", "Dark  red", "Cats"})
	if a.StatusCode != http.StatusCreated || a.Header.Get("Location") != "/api/v1/pets/M%C3%B6bius" {
		t.Fatalf("%d, Location %q: %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	created := a.json(t)
	if created["name"] != "Möbius" || created["favorite_color"] != "Dark red" || created["category"] != "cat" || created["url"] != "/pets/M%C3%B6bius" {
		t.Errorf("created %s", a.body)
	}
	if got := s.get(a.Header.Get("Location")); got.StatusCode != 200 || got.body != a.body {
		t.Errorf("created %s, but got %s", a.body, got.body)
	}
	if got := s.get("/api/v1/pets/MÖBIUS"); got.body != a.body {
		t.Errorf("another spelling got %s", got.body)
	}

	taken := s.postJSON("/api/v1/pets", newPet{"MÖBIUS", "red", "dog"})
	p := taken.json(t)
	if taken.StatusCode != 409 || taken.Header.Get("Content-Type") != "application/problem+json" || p["code"] != "taken" ||
		p["type"] != "/problems#taken" || p["conflicts_with"].(map[string]any)["name"] != "Möbius" {
		t.Errorf("taken: %d %s", taken.StatusCode, taken.body)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	bella := newPet{"Bella", "blue", "cat"}
	first := s.postJSON("/api/v1/pets", bella, "Idempotency-Key", "k1")
	if first.StatusCode != 201 {
		t.Fatalf("first: %d %s", first.StatusCode, first.body)
	}
	for _, key := range []string{"k1", `"k1"`} { // bare, and as a structured field
		retry := s.postJSON("/api/v1/pets", bella, "Idempotency-Key", key)
		if retry.StatusCode != 201 || retry.body != first.body || retry.Header.Get("Location") != first.Header.Get("Location") {
			t.Errorf("retry with %s: %d %s", key, retry.StatusCode, retry.body)
		}
	}
	other := s.postJSON("/api/v1/pets", newPet{"Max", "blue", "cat"}, "Idempotency-Key", "k1")
	if other.StatusCode != 422 || other.json(t)["code"] != "key_reused" {
		t.Errorf("another body: %d %s", other.StatusCode, other.body)
	}
	if a := s.get("/api/v1/pets/Max"); a.StatusCode != 404 {
		t.Errorf("another body was registered anyway: %s", a.body)
	}

	// A refusal is also repeated.
	refused := s.postJSON("/api/v1/pets", newPet{"BELLA", "red", "dog"}, "Idempotency-Key", "k2")
	retry := s.postJSON("/api/v1/pets", newPet{"BELLA", "red", "dog"}, "Idempotency-Key", "k2")
	if refused.StatusCode != 409 || retry.StatusCode != 409 || refused.body != retry.body {
		t.Errorf("refused %d %s, then %d %s", refused.StatusCode, refused.body, retry.StatusCode, retry.body)
	}

	for _, bad := range []string{"", `""`, "ä", strings.Repeat("k", 256)} {
		if a := s.postJSON("/api/v1/pets", newPet{"Bad", "red", "dog"}, "Idempotency-Key", bad); a.StatusCode != 400 {
			t.Errorf("key %q: %d %s", bad, a.StatusCode, a.body)
		}
	}
}

func TestRetriesAtOnceGetOneAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var wg sync.WaitGroup
	bodies := make([]string, 16)
	for i := range bodies {
		wg.Go(func() {
			a := s.postJSON("/api/v1/pets", newPet{"Bella", "blue", "cat"}, "Idempotency-Key", "k")
			bodies[i] = fmt.Sprint(a.StatusCode, a.body)
		})
	}
	wg.Wait()
	for _, b := range bodies {
		if b != bodies[0] || !strings.HasPrefix(b, "201") {
			t.Errorf("%s, but also %s", bodies[0], b)
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register("Möbius")
	for name, want := range map[string]struct{ status, reason any }{
		"Bella":   {"available", nil},
		"MÖBIUS ": {"taken", "taken"},
		"-":       {"not_allowed", "not_allowed"},
		"a/b":     {"available", nil},
		"100%":    {"available", nil},
		"check":   {"available", nil},
	} {
		a := s.get("/api/v1/names/" + url.PathEscape(name))
		got := a.json(t)
		if a.StatusCode != 200 || got["status"] != want.status || got["reason"] != want.reason || got["available"] != (want.status == "available") {
			t.Errorf("%q: %d %s", name, a.StatusCode, a.body)
		}
	}

	a := s.postJSON("/api/v1/names/check", map[string]any{"names": []string{"möbius", "Bella", ""}})
	var statuses []any
	for _, v := range a.json(t)["verdicts"].([]any) {
		statuses = append(statuses, v.(map[string]any)["status"])
	}
	if fmt.Sprint(statuses) != "[taken available not_allowed]" {
		t.Errorf("bulk: %s", a.body)
	}
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint("Pet ", i)
	}
	if a := s.postJSON("/api/v1/names/check", map[string]any{"names": many[:50]}); a.StatusCode != 200 {
		t.Errorf("50 names: %d %s", a.StatusCode, a.body)
	}
	if a := s.postJSON("/api/v1/names/check", map[string]any{"names": many}); a.StatusCode != 422 || a.json(t)["code"] != "too_many" {
		t.Errorf("51 names: %d %s", a.StatusCode, a.body)
	}
	if a := s.postJSON("/api/v1/names/check", map[string]any{}); a.StatusCode != 422 {
		t.Errorf("no names: %d %s", a.StatusCode, a.body)
	}
}

func TestListPets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if a := s.get("/api/v1/pets"); a.body != "{\"pets\":[]}\n" {
		t.Errorf("an empty registry: %s", a.body)
	}
	for i := range 7 {
		s.register(fmt.Sprint("Bella ", i))
	}
	s.register("Max")

	var names []string
	next := "/api/v1/pets?q=BELLA&category=cats&limit=3"
	for pages := 0; next != ""; pages++ {
		if pages > 3 {
			t.Fatal("paging does not end")
		}
		a := s.get(next)
		page := a.json(t)
		for _, p := range page["pets"].([]any) {
			names = append(names, p.(map[string]any)["name"].(string))
		}
		next = ""
		if link := a.Header.Get("Link"); link != "" {
			if _, ok := page["next_cursor"]; !ok || !strings.HasSuffix(link, `>; rel="next"`) {
				t.Fatalf("Link %q with %s", link, a.body)
			}
			next = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		}
	}
	if got := strings.Join(names, ","); got != "Bella 6,Bella 5,Bella 4,Bella 3,Bella 2,Bella 1,Bella 0" {
		t.Errorf("listed %s", got)
	}
	if a := s.get("/api/v1/pets?category=Goat"); a.body != "{\"pets\":[]}\n" { // the registry may have some from an earlier policy
		t.Errorf("a category that the policy does not offer: %s", a.body)
	}
	if a := s.get("/api/v1/pets?category=dog"); a.body != "{\"pets\":[]}\n" {
		t.Errorf("dogs: %s", a.body)
	}
	for _, bad := range []string{"?limit=0", "?limit=201", "?limit=x", "?category=g0at", "?cursor=x", "?q=%07", "?q=" + strings.Repeat("x", 51)} {
		if a := s.get("/api/v1/pets" + bad); a.StatusCode != 422 || a.json(t)["errors"] == nil {
			t.Errorf("%s: %d %s", bad, a.StatusCode, a.body)
		}
	}
}
