package web

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"nametag"
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
		"asset":   p.assets.path,
		"petPath": petPath,
		"date":    func(t time.Time) string { return t.UTC().Format("2 January 2006") },
		"clock":   func(t time.Time) string { return t.UTC().Format("15:04 UTC") },
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"size":    nameSize,
	}
	layout := template.Must(template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
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

// nameSize says how large a name may be written on a tag: the longer, the
// smaller.
func nameSize(name string) string {
	switch n := utf8.RuneCountInString(name); {
	case n >= 1 && n <= 6:
		return "l"
	case n <= 12:
		return "m"
	case n <= 24:
		return "s"
	default:
		return "xs"
	}
}

// render answers with a page. It is complete before its first byte is sent, so
// that a template that fails becomes an error and not half a page.
func (s *site) render(w http.ResponseWriter, r *http.Request, status int, file string, data any) {
	var b bytes.Buffer
	if err := s.pages.templates[file].ExecuteTemplate(&b, "layout", data); err != nil {
		panic(err) // recovered, logged and answered by observe
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Accept")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that is gone reads nothing
}

// homePage is the form, as typed so far.
type homePage struct {
	Token, Name, Color, Category string
	Swatch                       string // the CSS keyword of Color, if it has one
	Colors                       []string
	Categories                   []nametag.Category

	Alert  string                    // what is wrong, if it is not about one field
	Errors map[string]*nametag.Error // what is wrong with which field
	Holder *nametag.Pet              // who has the name
}

func newHomePage(form url.Values) homePage {
	text := func(field string) string { return strings.ToValidUTF8(form.Get(field), "\uFFFD") }
	p := homePage{
		Token:      rand.Text(),
		Name:       text("pet_name"),
		Color:      text("pet_favorite_color"),
		Colors:     nametag.ColorNames(),
		Categories: nametag.Categories(),
		Errors:     map[string]*nametag.Error{},
	}
	if color, err := nametag.ParseColor(p.Color); err == nil {
		p.Swatch = color.CSS()
	}
	if category, err := nametag.ParseCategory(form.Get("pet_category")); err == nil {
		p.Category = string(category)
	}
	return p
}

// FirstError is the id of the first input that needs mending, or "".
func (p homePage) FirstError() string {
	for _, f := range []struct {
		field nametag.Field
		id    string
	}{
		{nametag.FieldName, "pet_name"},
		{nametag.FieldColor, "pet_favorite_color"},
		{nametag.FieldCategory, "pet_category_cat"},
	} {
		if p.Errors[string(f.field)] != nil {
			return f.id
		}
	}
	return ""
}

func (s *site) home(w http.ResponseWriter, r *http.Request) error {
	s.render(w, r, http.StatusOK, "home.html", newHomePage(nil))
	return nil
}

// homeAgain answers a form that could not be registered: with the form, all
// that was typed, and what to mend.
func (s *site) homeAgain(w http.ResponseWriter, r *http.Request, form url.Values, err error) error {
	e := s.public(r, err)
	if e == nil {
		return err
	}
	p := newHomePage(form)
	for _, f := range e.Fields {
		p.Errors[string(f.Field)] = f
	}
	switch {
	case e.Code == nametag.CodeTaken:
		p.Errors[string(nametag.FieldName)] = e
		p.Holder = e.Holder
	case len(e.Fields) == 0:
		p.Alert = e.Message + " What you typed is still here."
	}
	status := problemOf(e.Code).Status
	suggestRetry(w, status)
	if status == http.StatusServiceUnavailable || e.Code == codeRateLimited {
		// The answer to the first try may have been lost on its way: the same
		// token makes the next try find it.
		if token := form.Get("form_token"); token != "" {
			p.Token = token
		}
	}
	s.render(w, r, status, "home.html", p)
	return nil
}

type petPage struct {
	Pet    nametag.Pet
	Swatch string
	New    bool // just registered
}

func (s *site) petPage(w http.ResponseWriter, r *http.Request) error {
	asked := r.PathValue("name")
	pet, err := s.registry.Pet(r.Context(), asked)
	if err != nil {
		return err
	}
	if asked != pet.Name.String() {
		http.Redirect(w, r, petPath(pet.Name.String()), http.StatusFound) // one page, one address
		return nil
	}
	// The address with "new" may be passed on; the news is soon none.
	isNew := r.URL.Query().Has("new") && time.Since(pet.RegisteredAt) < time.Hour
	s.render(w, r, http.StatusOK, "pet.html", petPage{pet, pet.FavoriteColor.CSS(), isNew})
	return nil
}

type listPage struct {
	Search, Category string
	Categories       []nametag.Category
	Error            string
	Pets             []petPage
	First            bool
	Next             string // the address of the next page, or ""
}

// petsPerPage is how many pets the page of the book shows at once.
const petsPerPage = 48

func (s *site) listPage(w http.ResponseWriter, r *http.Request) error {
	params, err := readQuery(r)
	if err != nil {
		return err
	}
	p := listPage{
		Search:     params.Get("q"),
		Categories: nametag.Categories(),
		First:      params.Get("cursor") == "",
	}
	q, err := parseQuery(params)
	var page nametag.Page
	if err == nil {
		p.Category = string(q.Category)
		q.Limit = petsPerPage
		page, err = s.registry.Pets(r.Context(), q)
	}
	if e, ok := errors.AsType[*nametag.Error](err); ok && e.Field != "" {
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
		params.Set("cursor", page.Next.String())
		p.Next = "/pets?" + params.Encode()
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
