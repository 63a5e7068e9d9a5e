package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"nametag/internal/registry"
)

// TestRefusedNames checks that each answer that refuses a name says why, and suggests names that are available.
func TestRefusedNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, under(registry.Rules{
		Length:    registry.LengthRule{Min: 3, Max: 20},
		Forbidden: []string{"rude"},
		Reserved:  []registry.Reserved{{Name: "Secretariat", Reason: "A famous horse"}},
	}))
	s.register("Bella")
	s.reserve("Laika", `kept for <b>"the first dog"</b> in space`)
	for _, tt := range []struct {
		name, status, reason string // of the verdict
		says                 string
		holder               any
		code                 string // of the problem, if it is registered anyway
		httpStatus           int
		contract             string // the contract's status when registering
		suggested            bool
	}{
		{"BELLA", "taken", "taken", "a cat has had “Bella” since", "Bella", "taken", 409, "Found", true},
		{"Bеlla", "similar", "similar", "too similar to “Bella”", "Bella", "similar", 409, "Found", true}, // a Cyrillic е
		{"Bel-la", "similar", "similar", "too similar to “Bella”", "Bella", "similar", 409, "Found", true},
		{"Laika", "reserved", "reserved", `kept for <b>"the first dog"</b> in space`, nil, "reserved", 409, "Found", true},
		{"secretariat", "reserved", "reserved", "A famous horse", nil, "reserved", 409, "Found", true},
		{"Bo", "not_allowed", "too_short", "this registry requires 3", nil, "invalid", 422, "invalid parameter", true},
		{"A name that goes on and on", "not_allowed", "too_long", "this registry allows 20", nil, "invalid", 422, "invalid parameter", false},
		{"Rude Max", "not_allowed", "not_allowed", "does not allow the word “rude”", nil, "invalid", 422, "invalid parameter", false},
		{"-", "not_allowed", "not_allowed", "no letter and no digit", nil, "invalid", 422, "invalid parameter", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := s.get("/api/v1/names/" + url.PathEscape(tt.name) + "?favorite_color=sky+blue&category=cats")
			v := check.json(t)
			if v["status"] != tt.status || v["reason"] != tt.reason || v["available"] != false || !strings.Contains(v["message"].(string), tt.says) || holderOf(v) != tt.holder {
				t.Errorf("the check: %s", check.body)
			}
			suggestions := suggestionsOf(t, v)
			if len(suggestions) > 0 != tt.suggested {
				t.Errorf("the check suggests %q", suggestions)
			}
			old := s.get("/check_pet_name?pet_favorite_color=sky+blue&pet_category=Cats&pet_name=" + url.QueryEscape(tt.name)).json(t)
			if old["status"] != "Found" || old["available"] != false || old["reason"] != tt.reason || holderOf(old) != tt.holder || !reflect.DeepEqual(suggestionsOf(t, old), suggestions) {
				t.Errorf("the contract's check: %v", old)
			}
			bulk := s.postJSON("/api/v1/names/check", map[string]any{"names": []string{tt.name}}).json(t)["verdicts"].([]any)[0].(map[string]any)
			if _, ok := bulk["suggestions"]; bulk["status"] != tt.status || ok {
				t.Errorf("among others: %v", bulk)
			}

			refused := s.postJSON("/api/v1/pets", newPet{tt.name, "sky blue", "cat"})
			p := refused.json(t)
			if refused.StatusCode != tt.httpStatus || p["code"] != tt.code || p["type"] != "/problems#"+tt.code || holderOf(p) != tt.holder || !reflect.DeepEqual(suggestionsOf(t, p), suggestions) {
				t.Errorf("registering: %d %s", refused.StatusCode, refused.body)
			}
			if errors, ok := p["errors"].([]any); ok != (tt.code == "invalid") || ok && errors[0].(map[string]any)["code"] != tt.reason {
				t.Errorf("registering: the fields' errors are %v", p["errors"])
			}
			posted := s.postForm(petForm(tt.name, "sky blue", "Cats"))
			old = posted.json(t)
			if posted.StatusCode != tt.httpStatus || old["status"] != tt.contract || old["reason"] != tt.reason || holderOf(old) != tt.holder || !reflect.DeepEqual(suggestionsOf(t, old), suggestions) {
				t.Errorf("the contract's registering: %d %s", posted.StatusCode, posted.body)
			}

			page := s.postForm(petForm(tt.name, "sky blue", "Cats"), "Accept", browser)
			if page.StatusCode != tt.httpStatus || !strings.Contains(page.body, `data-status="`+tt.status+`"`) || !strings.Contains(html.UnescapeString(page.body), tt.says) || strings.Contains(page.body, "<b>") {
				t.Errorf("the page: %d %s", page.StatusCode, page.body)
			}
			if strings.Contains(page.body, "Try one of these:") != tt.suggested || strings.Contains(page.body, `role="group" aria-labelledby="pet_name_try" hidden`) == tt.suggested {
				t.Errorf("the page suggests something, or nothing: %s", page.body)
			}
		})
	}
	if v := s.get("/api/v1/names/Max").json(t); v["available"] != true || v["suggestions"] != nil {
		t.Errorf("an available name: %v", v)
	}
	if a := s.get("/api/v1/names/Bella?favorite_color=%07&category=goat"); a.StatusCode != 200 || len(suggestionsOf(t, a.json(t))) == 0 {
		t.Errorf("an invalid colour and category: %d %s", a.StatusCode, a.body)
	}
	if a := s.get("/api/v1/names/Bella?category=%ff"); a.StatusCode != 400 {
		t.Errorf("a category that is not text: %d %s", a.StatusCode, a.body)
	}
}

// holderOf returns the name of the conflicting pet in v, or nil.
func holderOf(v map[string]any) any {
	pet, _ := v["conflicts_with"].(map[string]any)
	return pet["name"]
}

// suggestionsOf returns the array of suggestions in v, and fails the test if there is none.
func suggestionsOf(t *testing.T, v map[string]any) []any {
	t.Helper()
	list, ok := v["suggestions"].([]any)
	if !ok {
		t.Errorf("no array of suggestions in %v", v)
	}
	return list
}

// TestSuggestionsCanBeRegistered checks that suggested names are available.
func TestSuggestionsCanBeRegistered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register("Bella")
	for range 5 {
		v := s.get("/check_pet_name?pet_name=Bella&pet_favorite_color=blue&pet_category=Dogs").json(t)
		names := suggestionsOf(t, v)
		if len(names) != 3 {
			t.Fatalf("suggested %v", names)
		}
		s.register(names[0].(string))
	}
}

// TestReservedNameAmongOtherErrors checks that an answer has the invalid fields also if the name is reserved.
func TestReservedNameAmongOtherErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t, under(registry.Rules{Reserved: []registry.Reserved{{Name: "Secretariat", Reason: "A famous horse."}}}))
	a := s.postJSON("/api/v1/pets", newPet{"Secretariat", "", "cat"})
	p := a.json(t)
	if a.StatusCode != 422 || p["code"] != "invalid" || !strings.Contains(a.body, `"code":"reserved"`) || len(suggestionsOf(t, p)) == 0 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := s.postForm(petForm("Secretariat", "", "Cats")); a.StatusCode != 422 || a.json(t)["status"] != "empty parameter" {
		t.Errorf("the contract: %d %s", a.StatusCode, a.body)
	}
	page := s.postForm(petForm("Secretariat", "", "Cats"), "Accept", browser)
	if page.StatusCode != 422 || !strings.Contains(page.body, `data-status="reserved"`) || !strings.Contains(page.body, "Try one of these:") {
		t.Errorf("the page: %d %s", page.StatusCode, page.body)
	}
	if a := s.postJSON("/api/v1/pets", newPet{"Max", "", "cat"}); a.json(t)["suggestions"] != nil {
		t.Errorf("names are suggested although this one is valid: %s", a.body)
	}
}

// TestSuggestionsWithoutScript checks that without a script, a suggestion is a button that returns the form with the name in it. It
// registers nothing and loses nothing that was typed.
func TestSuggestionsWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register("Bella")
	page := s.postForm(petForm("bella", `sea "green"`, "Dogs"), "Accept", browser)
	buttons := regexp.MustCompile(`<button [^>]+>`).FindAllString(page.body, -1)
	if len(buttons) != 5 {
		t.Fatalf("the refused form has %q", buttons)
	}
	if strings.Contains(buttons[0], "name=") || !strings.Contains(buttons[0], `type="submit"`) || !strings.Contains(buttons[0], `tabindex="-1"`) {
		t.Errorf("Enter in a field presses %s", buttons[0])
	}
	m := regexp.MustCompile(`name="pet_name_suggestion" value="([^"]+)" formmethod="get" formaction="/" formnovalidate`).FindStringSubmatch(buttons[1])
	if m == nil {
		t.Fatalf("the first suggestion is %s", buttons[1])
	}
	sent := url.Values{"form_token": {"TOKEN"}, "pet_name": {"bella"}, "pet_favorite_color": {`sea "green"`}, "pet_category": {"Dogs"}, "pet_name_suggestion": {html.UnescapeString(m[1])}}
	form := s.get("/?"+sent.Encode(), "Accept", browser)
	for _, part := range []string{`name="pet_name" type="text" value="` + m[1] + `"`, `value="sea &#34;green&#34;"`, `data-category="dog" checked`, ` autofocus`} {
		if !strings.Contains(form.body, part) {
			t.Errorf("the form lacks %s", part)
		}
	}
	if form.StatusCode != 200 || strings.Contains(form.body, "aria-invalid") || strings.Contains(form.body, `value="TOKEN"`) {
		t.Errorf("the form: %d %s", form.StatusCode, form.body)
	}
	if a := s.get("/api/v1/pets"); strings.Count(a.body, `"url"`) != 1 {
		t.Errorf("the registry has %s", a.body)
	}
	if a := s.get("/?pet_name=%ff%zz;&pet_category=goat", "Accept", browser); a.StatusCode != 200 {
		t.Errorf("a malformed query: %d", a.StatusCode)
	}
}

func TestTheFormShowsTheAllowedCharacters(t *testing.T) {
	t.Parallel()
	for characters, want := range map[string]string{
		"":              "Up to 50 characters. Capitals make",
		"A-Z ' -":       "Up to 50 characters. Only letters A to Z, &#39; and -. Capitals make",
		"0-9 a-z ö !-/": "Only digits 0 to 9, letters a to z, ö and ! to /.",
		"A-Z":           "Only letters A to Z.",
		"ö --/":         "Only ö and - to /.",
	} {
		s := newSite(t, under(registry.Rules{Characters: characters}))
		if home := s.get("/", "Accept", browser); !strings.Contains(home.body, want) {
			t.Errorf("with the characters %q the form should contain %s, but is %s", characters, want, home.body)
		}
	}
}

// TestCategoriesOfThePolicy checks that the pages and the form offer the policy's categories.
func TestCategoriesOfThePolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t, under(registry.Rules{Categories: []registry.Category{"cat", "horse", "owl"}, Length: registry.LengthRule{Max: 18}}))
	home := s.get("/", "Accept", browser)
	for _, part := range []string{"your cat, horse or owl under", "<legend>Cat, horse or owl?</legend>", "Up to 18 characters.", "Lookalikes such as Bel-la are refused.",
		`value="Cats" required data-category="cat"`, `value="Horses" required data-category="horse"`, `value="Owls" required`, "<span>Owl</span>"} {
		if !strings.Contains(home.body, part) {
			t.Errorf("the form lacks %s", part)
		}
	}
	if a := s.postForm(petForm("Sooty", "brown", "Owls")); a.StatusCode != 200 {
		t.Errorf("an owl: %d %s", a.StatusCode, a.body)
	}
	if a := s.postForm(petForm("Rex", "brown", "Dogs")); a.StatusCode != 422 || !strings.Contains(a.body, "Please choose cat, horse or owl.") {
		t.Errorf("a dog: %d %s", a.StatusCode, a.body)
	}
	if a := s.get("/pets/Sooty", "Accept", browser); !strings.Contains(a.body, "belongs to an owl whose") {
		t.Errorf("the owl's page: %s", a.body)
	}
	if a := s.get("/pets?category=owl", "Accept", browser); a.StatusCode != 200 || !strings.Contains(a.body, `<option value="owl" selected>Owl</option>`) || !strings.Contains(a.body, "Sooty") {
		t.Errorf("the list of owls: %d %s", a.StatusCode, a.body)
	}
	// The registry may have dogs from an earlier policy.
	if a := s.get("/pets?category=Dogs", "Accept", browser); a.StatusCode != 200 || !strings.Contains(a.body, `<option value="dogs" selected>`) {
		t.Errorf("dogs: %d %s", a.StatusCode, a.body)
	}
	refused := s.postForm(petForm("Rex", "brown", ""), "Accept", browser)
	if !regexp.MustCompile(`id="pet_category_cat"[^>]* autofocus`).MatchString(refused.body) {
		t.Errorf("the first category does not have the focus: %s", refused.body)
	}
}

func TestFewAndManyCategories(t *testing.T) {
	t.Parallel()
	one := newSite(t, under(registry.Rules{Categories: []registry.Category{"dog"}, Words: registry.WordRule{Min: 2}, Length: registry.LengthRule{Max: 24, LettersOnly: true}}))
	home := one.get("/", "Accept", browser).body
	for _, part := range []string{"your dog under", "<legend>Kind of pet</legend>", `data-category="dog" checked`, "At least 2 words. Up to 24 letters, not counting spaces and punctuation."} {
		if !strings.Contains(home, part) {
			t.Errorf("with one category, the form lacks %s", part)
		}
	}
	many := newSite(t, under(registry.Rules{Categories: []registry.Category{"cat", "dog", "horse", "rabbit"}}))
	home = many.get("/", "Accept", browser).body
	for _, part := range []string{"your pet under", "<legend>Kind of pet?</legend>", `value="Rabbits"`} {
		if !strings.Contains(home, part) {
			t.Errorf("with many categories, the form lacks %s", part)
		}
	}
}

// TestJournalRecordsTheInterface checks that the journal records whether a pet was registered by API or page.
func TestJournalRecordsTheInterface(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register("Api")
	if a := s.postForm(petForm("Contract", "blue", "Cats")); a.StatusCode != 200 {
		t.Fatal(a.body)
	}
	if a := s.postForm(petForm("Page", "blue", "Cats"), "Accept", browser); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.body)
	}
	var got []string
	err := s.registrar().EachRecord(t.Context(), 0, func(r registry.Record) error {
		e, err := r.Event()
		got = append(got, fmt.Sprintf("%s %s %q", e.After.Pet.Name, e.Via, e.Who+e.Reason))
		return err
	})
	if want := []string{`Api api ""`, `Contract api ""`, `Page web ""`}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
