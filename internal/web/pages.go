package web

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

//go:embed templates
var templateFiles embed.FS

// pages holds the parsed templates, by file name.
type pages struct {
	templates map[string]*template.Template
	assets    *assets
}

func newPages() *pages {
	p := &pages{templates: make(map[string]*template.Template), assets: newAssets()}
	funcs := template.FuncMap{
		"asset":     p.assets.path,
		"petPath":   petPath,
		"date":      wording.Day,
		"clock":     func(t time.Time) string { return t.UTC().Format("15:04 UTC") },
		"iso":       func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"size":      nameSize,
		"kind":      kind,
		"kindTitle": kindTitle,
		"formValue": formValue,
	}
	layout := template.New("").Funcs(funcs)
	template.Must(layout.ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, file := range files {
		page := template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, file))
		p.templates[strings.TrimPrefix(file, "templates/")] = page
	}
	return p
}

// nameSize returns the size of a name's letters on a tag: the longer the name or one of its words, the smaller. app.js
// has the same rule.
func nameSize(name string) string {
	word := 0 // the length of the longest one
	for w := range strings.FieldsSeq(name) {
		word = max(word, utf8.RuneCountInString(w))
	}
	switch n := utf8.RuneCountInString(name); {
	case n >= 1 && n <= 6:
		return "l"
	case n <= 12 && word <= 8:
		return "m"
	case n <= 24 && word <= 12:
		return "s"
	default:
		return "xs"
	}
}

// render answers with a page. It renders the whole page before it sends the header, so that a template that fails leads
// to an error and not to half a page.
func (s *site) render(w http.ResponseWriter, r *http.Request, status int, file string, data any) {
	var b bytes.Buffer
	if err := s.pages.templates[file].ExecuteTemplate(&b, "layout", data); err != nil {
		panic(err) // recovered, logged and answered by observe
	}
	h := w.Header()
	maps.Copy(h, safePage)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Accept")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a disconnected client reads nothing
}

// homePage is the form with what was typed so far.
type homePage struct {
	Token, Name, Color, Category string
	Swatch                       string // the CSS keyword of Color, if it has one
	Colors                       []string
	Categories                   []registry.Category
	NameHint                     string // which names the policy allows

	Chosen      bool                   // Name is a suggestion that was chosen
	Alert       string                 // an error that does not concern one field
	Errors      map[string]*fieldError // by field
	Rival       *petJSON               // the pet that has the name, or a similar one
	Suggestions []string               // available instead of Name
}

func (s *site) newHomePage(form url.Values) homePage {
	policy := s.registry.Policy()
	text := func(field string) string { return strings.ToValidUTF8(form.Get(field), "\uFFFD") }
	p := homePage{
		Token:      rand.Text(),
		Name:       text("pet_name"),
		Color:      text("pet_favorite_color"),
		Colors:     registry.ColorNames(),
		Categories: policy.Categories(),
		NameHint:   nameHint(policy),
		Errors:     map[string]*fieldError{},
	}
	if color, err := registry.ParseColor(p.Color); err == nil {
		p.Swatch = color.CSS()
	}
	if category, err := policy.ParseCategory(form.Get("pet_category")); err == nil {
		p.Category = string(category)
	} else if len(p.Categories) == 1 {
		p.Category = string(p.Categories[0])
	}
	return p
}

// Focus returns the id of the input to focus: the one with a suggestion in it, or the first invalid one, or "".
func (p homePage) Focus() string {
	if p.Chosen {
		return "pet_name"
	}
	for _, f := range []struct {
		field registry.Field
		id    string
	}{
		{registry.FieldName, "pet_name"},
		{registry.FieldColor, "pet_favorite_color"},
		{registry.FieldCategory, "pet_category_" + string(p.Categories[0])},
	} {
		if p.Errors[string(f.field)] != nil {
			return f.id
		}
	}
	return ""
}

// NameStatus returns the status of the name if it is refused, and "" otherwise.
func (p homePage) NameStatus() string {
	e := p.Errors[string(registry.FieldName)]
	switch {
	case e == nil:
		return ""
	case isRefusal(e.Code):
		return string(e.Code)
	default:
		return statusNotAllowed
	}
}

// home serves the form, filled from the query. Without a script, the buttons of a refused form's suggestions send all
// fields here, so that nothing typed is lost. A GET never registers anything.
func (s *site) home(w http.ResponseWriter, r *http.Request) error {
	form := r.URL.Query()
	suggestion := form.Get("pet_name_suggestion")
	if suggestion != "" {
		form.Set("pet_name", suggestion)
	}
	p := s.newHomePage(form)
	p.Chosen = suggestion != ""
	s.render(w, r, http.StatusOK, "home.html", p)
	return nil
}

// renderFormError answers a form whose registration failed with err.
func (s *site) renderFormError(w http.ResponseWriter, r *http.Request, form url.Values, err error) error {
	e := s.public(w, r, err)
	if e == nil {
		return err
	}
	s.renderForm(w, r, form, failureOf(e))
	return nil
}

// renderForm answers with the form, what was typed, and the failure.
func (s *site) renderForm(w http.ResponseWriter, r *http.Request, form url.Values, f failure) {
	p := s.newHomePage(form)
	p.Suggestions, p.Rival = f.Suggestions, f.ConflictsWith
	for _, e := range f.Errors {
		p.Errors[string(e.Field)] = &e
	}
	switch {
	case isRefusal(f.Code):
		p.Errors[string(registry.FieldName)] = &fieldError{registry.FieldName, f.Code, f.Message}
	case len(f.Errors) == 0:
		p.Alert = f.Message + " What you typed is still here."
	}
	status := problemOf(f.Code).Status
	suggestRetry(w, status)
	if status == http.StatusServiceUnavailable || f.Code == codeRateLimited {
		// The first attempt may have succeeded although its answer was lost. The same token lets a retry find it.
		if token := form.Get("form_token"); token != "" {
			p.Token = token
		}
	}
	s.render(w, r, status, "home.html", p)
}

type petPage struct {
	Pet    registry.Pet
	Swatch string
	New    bool // just registered

	History []milestone
}

func (s *site) petPage(w http.ResponseWriter, r *http.Request) error {
	asked := r.PathValue("name")
	pet, _, err := s.find(r.Context(), asked)
	if err != nil {
		return err
	}
	if asked != pet.Name.String() {
		http.Redirect(w, r, petPath(pet.Name.String()), movedForNow) // one page, one address
		return nil
	}
	events, err := s.registry.History(r.Context(), pet.Name)
	if err != nil {
		return err
	}
	// People may share the address with "new" in it, so the notice also expires.
	isNew := r.URL.Query().Has("new") && time.Since(pet.RegisteredAt) < time.Hour
	history := milestones(registry.OfPet(events, pet.Name))
	s.render(w, r, http.StatusOK, "pet.html", petPage{pet, pet.FavoriteColor.CSS(), isNew, history})
	return nil
}

type listPage struct {
	Search, Category string
	Categories       []registry.Category
	Error            string
	Pets             []petPage
	First            bool
	Next             string // the address of the next page, or ""
}

// petsPerPage is how many pets a page of the list shows.
const petsPerPage = 48

func (s *site) listPage(w http.ResponseWriter, r *http.Request) error {
	params, err := readQuery(r)
	if err != nil {
		return err
	}
	p := listPage{
		Search:     params.get("q"),
		Categories: s.registry.Policy().Categories(),
		First:      params.get("cursor") == "",
	}
	q, err := s.parseQuery(params)
	var page registry.Page
	if err == nil {
		p.Category = string(q.Category)
		if q.Category != "" && !slices.Contains(p.Categories, q.Category) {
			p.Categories = append(p.Categories, q.Category)
		}
		q.Limit = petsPerPage
		page, err = s.registry.Pets(r.Context(), q)
	}
	if e, ok := errors.AsType[*registry.Error](err); ok && e.Field != "" {
		p.Error = e.Message
		s.render(w, r, problemOf(e.Code).Status, "pets.html", p)
		return nil
	}
	if err != nil {
		return err
	}
	for _, pet := range page.Pets {
		p.Pets = append(p.Pets, petPage{Pet: pet, Swatch: pet.FavoriteColor.CSS()})
	}
	if !page.Next.IsZero() {
		p.Next = "/pets?" + params.with("cursor", page.Next.String())
	}
	s.render(w, r, http.StatusOK, "pets.html", p)
	return nil
}

type errorPage struct {
	Problem problem
	Message string
}

func (s *site) problemsPage(w http.ResponseWriter, r *http.Request) error {
	s.render(w, r, http.StatusOK, "problems.html", problems)
	return nil
}
