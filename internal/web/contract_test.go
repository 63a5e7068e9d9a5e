package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestContractCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register("Möbius")
	for _, tt := range []struct {
		query  string
		code   int
		status string
		reason any
	}{
		{"?pet_name=Bella", 200, "Not Found", nil},
		{"?pet_name=M%C3%B6bius", 200, "Found", "taken"},
		{"?pet_name=M%C3%96BIUS+", 200, "Found", "taken"},
		{"?pet_name=" + strings.Repeat("x", 51), 200, "Found", "too_long"},
		{"?pet_name=a%07", 200, "Found", "not_allowed"},
		{"?pet_name=a%00", 200, "Found", "not_allowed"},
		{"", 422, "empty parameter", "empty"},
		{"?pet_name=", 422, "empty parameter", "empty"},
		{"?pet_name=+", 422, "empty parameter", "empty"},
		{"?pet_name=%ff", 400, "invalid parameter", "malformed"},
		{"?pet_name=%zz", 400, "invalid parameter", "malformed"},
	} {
		// The answer is JSON also for a browser.
		a := s.get("/check_pet_name"+tt.query, "Accept", browser)
		got := a.json(t)
		if a.StatusCode != tt.code || got["status"] != tt.status || got["reason"] != tt.reason {
			t.Errorf("check%s: %d %s", tt.query, a.StatusCode, a.body)
		}
		if m, _ := got["message"].(string); m == "" {
			t.Errorf("check%s has no message", tt.query)
		}
	}
	taken := s.get("/check_pet_name?pet_name=MÖBIUS").json(t)
	holder, _ := taken["conflicts_with"].(map[string]any)
	if taken["available"] != false || holder["name"] != "Möbius" || holder["url"] != "/pets/M%C3%B6bius" {
		t.Errorf("taken: %v", taken)
	}
	// HEAD works wherever GET does.
	if head, get := s.do("HEAD", "/check_pet_name?pet_name=Bella", ""), s.get("/check_pet_name?pet_name=Bella"); head.StatusCode != 200 || head.body != "" ||
		head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
		t.Errorf("HEAD: %d %v %q, where GET has %v", head.StatusCode, head.Header, head.body, get.Header)
	}
}

func TestContractRegister(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if a := s.postForm(petForm("Bella", "blue", "Cats")); a.StatusCode != 200 || a.body != "{\"status\":\"ok\"}\n" {
		t.Fatalf("registering: %d %s", a.StatusCode, a.body)
	}
	for _, tt := range []struct {
		name   string
		fields []string
		code   int
		status string
	}{
		{"in use", petForm("BELLA", "red", "Dogs"), 409, "Found"},
		{"name empty", petForm("", "red", "Dogs"), 422, "empty parameter"},
		{"colour empty", petForm("Max", " ", "Dogs"), 422, "empty parameter"},
		{"field missing", []string{"pet_name", "Max"}, 422, "empty parameter"},
		{"no field", nil, 422, "empty parameter"},
		{"too long", petForm(strings.Repeat("x", 200), "red", "Dogs"), 422, "invalid parameter"},
		{"a goat", petForm("Max", "red", "Goats"), 422, "invalid parameter"},
		{"not UTF-8", petForm("M\xffx", "red", "Dogs"), 422, "invalid parameter"},
	} {
		a := s.postForm(tt.fields)
		got := a.json(t)
		if a.StatusCode != tt.code || got["status"] != tt.status {
			t.Errorf("%s: %d %s", tt.name, a.StatusCode, a.body)
		}
		if m, _ := got["message"].(string); m == "" {
			t.Errorf("%s: no message", tt.name)
		}
		if tt.code == 422 {
			first := got["errors"].([]any)[0].(map[string]any)
			if !strings.HasPrefix(first["field"].(string), "pet_") || got["reason"] != first["code"] {
				t.Errorf("%s: reason %v, errors %v", tt.name, got["reason"], got["errors"])
			}
		}
	}
	// The next valid request works.
	if a := s.postForm(petForm("Max", "red", "Dogs")); a.StatusCode != 200 {
		t.Errorf("registering after bad input: %d %s", a.StatusCode, a.body)
	}
}

func TestFormWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	home := s.get("/", "Accept", browser)
	for _, part := range []string{`name="pet_name"`, `name="pet_favorite_color"`, `name="pet_category" value="Cats"`, `name="pet_category" value="Dogs"`, `>Register</button>`} {
		if !strings.Contains(home.body, part) {
			t.Errorf("the form lacks %s", part)
		}
	}
	if strings.Count(home.body, "<button") != 1 || strings.Contains(home.body, "disabled") {
		t.Error("the form does not have exactly one button, or has a disabled one")
	}

	a := s.postForm(petForm("Möbius", "tomato", "Cats"), "Accept", browser)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/pets/M%C3%B6bius?new" {
		t.Fatalf("registering: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	page := s.get(a.Header.Get("Location"), "Accept", browser)
	if page.StatusCode != 200 || !strings.Contains(page.body, "Registered!") || !strings.Contains(page.body, `fill="tomato"`) {
		t.Errorf("the pet's page: %d\n%s", page.StatusCode, page.body)
	}

	a = s.postForm(petForm("MÖBIUS ", `<b>"blue"</b>`, "Dogs"), "Accept", browser)
	if a.StatusCode != http.StatusConflict {
		t.Errorf("a taken name: %d", a.StatusCode)
	}
	for _, part := range []string{"“MÖBIUS” is taken", `value="MÖBIUS "`, `value="&lt;b&gt;&#34;blue&#34;&lt;/b&gt;"`, `value="Dogs" required data-category="dog" checked`, `href="/pets/M%C3%B6bius"`, `aria-invalid="true"`} {
		if !strings.Contains(a.body, part) {
			t.Errorf("the form after a taken name lacks %s", part)
		}
	}

	a = s.postForm(petForm("", strings.Repeat("x", 31), ""), "Accept", browser)
	if a.StatusCode != 422 {
		t.Errorf("bad input: %d", a.StatusCode)
	}
	for _, part := range []string{"The name is empty. Please type one.", "Please shorten it by 1.", "Please choose cat or dog.", "<title>Please check the form"} {
		if !strings.Contains(a.body, part) {
			t.Errorf("the form after bad input lacks %q", part)
		}
	}
}

func TestFormSubmittedTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := append(petForm("Bella", "blue", "Cats"), "form_token", "TOKEN")
	first := s.postForm(form, "Accept", browser)
	again := s.postForm(form, "Accept", browser)
	if again.StatusCode != http.StatusSeeOther || again.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("the second click: %d to %q", again.StatusCode, again.Header.Get("Location"))
	}
	// After going back, the same page registers another pet.
	other := s.postForm(append(petForm("Max", "blue", "Cats"), "form_token", "TOKEN"), "Accept", browser)
	if other.StatusCode != http.StatusSeeOther || other.Header.Get("Location") != "/pets/Max?new" {
		t.Errorf("another pet from the same page: %d to %q", other.StatusCode, other.Header.Get("Location"))
	}
	// From another page, the name is taken.
	form[len(form)-1] = "ANOTHER"
	if a := s.postForm(form, "Accept", browser); a.StatusCode != http.StatusConflict {
		t.Errorf("the same pet from another page: %d", a.StatusCode)
	}
}

func TestQueryIsIgnoredAsAForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	q := url.Values{"pet_name": {"Bella"}, "pet_favorite_color": {"blue"}, "pet_category": {"Cats"}}
	a := s.do("POST", "/register_pet?"+q.Encode(), "", "Content-Type", "application/x-www-form-urlencoded")
	if a.StatusCode != 422 {
		t.Errorf("fields in the address: %d %s", a.StatusCode, a.body)
	}
}
