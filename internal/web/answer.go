package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

// message describes d in words, with what to do next if it refuses the name.
func message(d registry.Decision) string {
	text := wording.Reason(d)
	switch d.Code {
	case "":
		text = "“" + d.Name.String() + "” is available."
	case registry.CodeTaken, registry.CodeSimilar, registry.CodeReserved:
		text += " Please try another name."
	case registry.CodeKeyReused:
		text += " Send a new key with a new registration."
	}
	if !d.AsOf.IsZero() {
		text += fmt.Sprintf(" The database cannot be reached now. This answer is as of %s UTC.", d.AsOf.UTC().Format("15:04:05"))
	}
	return text
}

// A failure is what a client is told about a failed request, in any of the answer formats.
type failure struct {
	Code          registry.Code
	Message       string
	Errors        []fieldError // the invalid fields
	ConflictsWith *petJSON
	Suggestions   []string // nil if another name would not help
}

// A fieldError says what is wrong with one field.
type fieldError struct {
	Field  registry.Field `json:"field"`
	Code   registry.Code  `json:"code"`
	Detail string         `json:"detail"`
}

// failureOf returns the failure that describes e.
func failureOf(e *registry.Error) failure {
	f := failure{Code: e.Code, Message: e.Message}
	if e.Field != "" {
		f.Errors = []fieldError{{e.Field, e.Code, e.Message}}
	}
	return f
}

// refusalOf returns the failure that describes d, which refuses an application.
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

// answer answers with f in the client's format: a page for browsers, the contract's words on the contract's endpoints,
// and problem details (RFC 9457) otherwise.
func (s *site) answer(w http.ResponseWriter, r *http.Request, f failure) {
	status := problemOf(f.Code).Status
	suggestRetry(w, status)
	switch {
	case r.URL.Path == pathCheck, r.URL.Path == "/register_pet" && !wantsPage(r):
		newContractAnswer(f).write(w, status)
	case strings.HasPrefix(r.URL.Path, "/api/") || !wantsPage(r):
		writeProblem(w, f)
	default:
		s.render(w, r, status, "error.html", errorPage{problemOf(f.Code), f.Message})
	}
}

// problemDetails is an RFC 9457 problem with extension members.
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
	writeAs(w, typeProblem, p.Status, problemDetails{
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

// petJSON is a pet in the API. Without the database, only its name and URL are known.
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

// petPath returns the path of the page of the pet with this name.
func petPath(name string) string { return "/pets/" + url.PathEscape(name) }

// texts returns names for display. It is never nil, so that JSON has an array.
func texts(names []registry.Name) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = n.String()
	}
	return list
}

// alternatives returns the names that d suggests, and nil if its name is available.
func alternatives(d registry.Decision) []string {
	if d.Code == "" {
		return nil
	}
	return texts(d.Suggestions)
}

// The statuses of a checked name, in the API and in metrics. The status of a valid name that is refused is its code.
const (
	statusAvailable  = "available"
	statusNotAllowed = "not_allowed" // no pet may have the name
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

// checked counts d, which decides on a check of the text asked, and returns the answer.
func (s *site) checked(asked string, d registry.Decision) checkJSON {
	s.metrics.checks[statusOf(d)].Inc()
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
	if d.Code == registry.CodeTaken && d.Rival == nil { // any spelling leads to the pet's page
		c.ConflictsWith = &petJSON{Name: name, URL: petPath(name)}
	}
	return c
}

// Header values that answers share, as nobody changes them. To allocate the values of each answer, here and in
// secureHeaders, would take 3 % of a check's CPU time (go test -bench Handler/Check ./internal/web).
var (
	noStore     = []string{"no-store"}
	typeJSON    = []string{mediaJSON}
	typeProblem = []string{mediaProblem}
)

func writeJSON(w http.ResponseWriter, status int, v any) { writeAs(w, typeJSON, status, v) }

func writeAs(w http.ResponseWriter, media []string, status int, v any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // the type is JSON and sniffing is off
	if err := e.Encode(v); err != nil {
		panic(err) // the types here can always be encoded
	}
	writeText(w, media, status, text.Bytes())
}

func writeText(w http.ResponseWriter, media []string, status int, text []byte) {
	h := w.Header()
	h["Content-Type"] = media
	h["Cache-Control"] = noStore
	if len(text) > 2048 { // net/http sets it for shorter answers
		h.Set("Content-Length", strconv.Itoa(len(text)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // a disconnected client reads nothing
}
