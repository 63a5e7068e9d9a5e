package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

// message says what d decides, and what to do if it refuses the name.
func message(d registry.Decision) string {
	text := wording.Reason(d)
	switch d.Code {
	case "":
		text = fmt.Sprintf("“%s” is available.", d.Name)
	case registry.CodeTaken, registry.CodeSimilar, registry.CodeReserved:
		text += " Please try another name."
	case registry.CodeKeyReused:
		text += " Send a new key with a new registration."
	}
	if !d.AsOf.IsZero() {
		text += fmt.Sprintf(" The database cannot be reached right now: this is how it was at %s UTC.", d.AsOf.UTC().Format("15:04:05"))
	}
	return text
}

// A failure is what a client is told if it does not get what it asked for, in
// whatever form it reads.
type failure struct {
	Code          registry.Code
	Message       string
	Errors        []fieldError // the invalid fields
	ConflictsWith *petJSON
	Suggestions   []string // nil if another name would not help
}

type fieldError struct {
	Field  registry.Field `json:"field"`
	Code   registry.Code  `json:"code"`
	Detail string         `json:"detail"`
}

// failureOf returns what e tells a client.
func failureOf(e *registry.Error) failure {
	f := failure{Code: e.Code, Message: e.Message}
	if e.Field != "" {
		f.Errors = []fieldError{{e.Field, e.Code, e.Message}}
	}
	return f
}

// refusalOf returns what d tells a client, which refuses an application.
func refusalOf(d registry.Decision) failure {
	f := failure{Code: d.Code, Message: message(d), ConflictsWith: newPetJSON(d.Rival)}
	if d.Code == registry.CodeInvalid {
		if d.Ruling != nil { // the policy reserves the name, and other fields are invalid
			reserved := registry.Decision{Name: d.Name, Code: registry.CodeReserved, Ruling: d.Ruling}
			f.Errors = append(f.Errors, fieldError{registry.FieldName, reserved.Code, message(reserved)})
		}
		for _, e := range d.Errors {
			f.Errors = append(f.Errors, fieldError{e.Field, e.Code, e.Message})
		}
	}
	isAboutName := func(e fieldError) bool { return e.Field == registry.FieldName }
	if isRefusal(d.Code) || slices.ContainsFunc(f.Errors, isAboutName) {
		f.Suggestions = texts(d.Suggestions)
	}
	return f
}

// isRefusal reports whether code refuses a name that is valid.
func isRefusal(code registry.Code) bool {
	return code == registry.CodeTaken || code == registry.CodeSimilar || code == registry.CodeReserved
}

// refuse answers with d, which refuses an application, as fail answers with an
// error.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, d registry.Decision) error {
	s.answer(w, r, refusalOf(d))
	return nil
}

// answer answers with f in the form that the client reads: a page for browsers,
// the contract's words on the contract's endpoints, and problem details (RFC
// 9457) for all others.
func (s *site) answer(w http.ResponseWriter, r *http.Request, f failure) {
	status := problemOf(f.Code).Status
	suggestRetry(w, status)
	switch {
	case r.URL.Path == pathCheck, r.URL.Path == "/register_pet" && !wantsPage(r):
		writeJSON(w, status, newContractAnswer(f))
	case strings.HasPrefix(r.URL.Path, "/api/") || !wantsPage(r):
		writeProblem(w, f)
	default:
		s.render(w, r, status, "error.html", errorPage{problemOf(f.Code), f.Message})
	}
}

// problemDetails is an RFC 9457 problem, with our extension members.
type problemDetails struct {
	Type          string        `json:"type"`
	Title         string        `json:"title"`
	Status        int           `json:"status"`
	Detail        string        `json:"detail"`
	Code          registry.Code `json:"code"`
	Errors        []fieldError  `json:"errors,omitempty"`
	ConflictsWith *petJSON      `json:"conflicts_with,omitempty"`
	Suggestions   []string      `json:"suggestions,omitzero"`
}

func writeProblem(w http.ResponseWriter, f failure) {
	p := problemOf(f.Code)
	writeAs(w, mediaProblem, p.Status, problemDetails{
		Type:          "/problems#" + string(p.Code),
		Title:         p.Title,
		Status:        p.Status,
		Detail:        f.Message,
		Code:          p.Code,
		Errors:        f.Errors,
		ConflictsWith: f.ConflictsWith,
		Suggestions:   f.Suggestions,
	})
}

type petJSON struct {
	Name          string `json:"name"`
	FavoriteColor string `json:"favorite_color,omitempty"`
	Category      string `json:"category,omitempty"`
	RegisteredAt  string `json:"registered_at,omitempty"`
	URL           string `json:"url"`
}

func newPetJSON(p *registry.Pet) *petJSON {
	if p == nil {
		return nil
	}
	return &petJSON{
		Name:          p.Name.String(),
		FavoriteColor: string(p.FavoriteColor),
		Category:      string(p.Category),
		RegisteredAt:  p.RegisteredAt.UTC().Format(time.RFC3339Nano),
		URL:           petPath(p.Name.String()),
	}
}

// petPath returns the address of the page of the pet with this name.
func petPath(name string) string { return "/pets/" + url.PathEscape(name) }

// texts returns names for display; not nil, so that JSON has an array.
func texts(names []registry.Name) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = n.String()
	}
	return list
}

// The statuses of a checked name, in the API and in metrics.
const (
	statusAvailable  = "available"
	statusNotAllowed = "not_allowed" // no pet may have the name; a refusal's status is its code
)

func statusOf(d registry.Decision) string {
	switch d.Code {
	case "":
		return statusAvailable
	case registry.CodeInvalid:
		return statusNotAllowed
	default:
		return string(d.Code)
	}
}

// checkJSON is the API's answer to a check.
type checkJSON struct {
	Name          string        `json:"name"`
	Status        string        `json:"status"`
	Available     bool          `json:"available"`
	Reason        registry.Code `json:"reason,omitempty"`
	Message       string        `json:"message"`
	ConflictsWith *petJSON      `json:"conflicts_with,omitempty"`
	Suggestions   []string      `json:"suggestions,omitzero"`
	AsOf          time.Time     `json:"as_of,omitzero"`
}

// newCheckJSON tells what was decided on the text that was asked for.
func newCheckJSON(asked string, d registry.Decision) checkJSON {
	name := d.Name.String()
	if d.Code == registry.CodeInvalid {
		name = asked
	}
	c := checkJSON{
		Name:          name,
		Status:        statusOf(d),
		Available:     d.Code == "",
		Reason:        d.Reason(),
		Message:       message(d),
		ConflictsWith: newPetJSON(d.Rival),
		AsOf:          d.AsOf,
	}
	if d.Code == registry.CodeTaken && d.Rival == nil { // the page of the pet is found by any spelling
		c.ConflictsWith = &petJSON{Name: name, URL: petPath(name)}
	}
	return c
}
