package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nametag/internal/registry"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
	mediaForm    = "application/x-www-form-urlencoded"
)

// maxBody is how long a request's body may be, in bytes.
const maxBody = 64 << 10

// maxDrain is how much of a body that is too long is still read and thrown
// away, so that the client gets to read the answer rather than a broken
// connection.
const maxDrain = 32 << 20

// readBody returns the body of r, which must be of the media type want.
func readBody(r *http.Request, want string) ([]byte, error) {
	if r.ContentLength == 0 && r.Header.Get("Content-Type") == "" {
		return nil, nil // some clients name no type when they send nothing
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, webError(codeMediaType, "A body with the Content-Encoding %q can't be read here. Send it as it is, without that header.", coding)
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != want {
		return nil, webError(codeMediaType, "This address takes a body of the type %s. Set the Content-Type header to it.", want)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, webError(codeMediaType, "Text must come as UTF-8, not as %q.", charset)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, webError(codeMalformed, "The body could not be read to its end. Please send it again.")
	}
	if len(body) > maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain) // best effort: the answer is the same
		return nil, webError(codeTooLarge, "The body is longer than %d KiB. A registration needs far less: check what was sent.", maxBody>>10)
	}
	return body, nil
}

// readForm returns the fields of a form in the body of r.
func readForm(r *http.Request) (url.Values, error) {
	body, err := readBody(r, mediaForm)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, webError(codeMalformed, "The form is broken: it has an escape that is not one, or a semicolon that should be escaped.")
	}
	return form, nil
}

// readJSON decodes the JSON object in the body of r into v, which has these
// members. It is strict: a member that nobody reads may be a misspelt one, and
// of one that stands twice nobody can say which is meant.
func readJSON(r *http.Request, v any, members ...string) error {
	body, err := readBody(r, mediaJSON)
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return webError(codeMalformed, "The body is not valid text. Send it encoded as UTF-8.")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return webError(codeMalformed, "The body is empty. Send a JSON object with the members %s.", strings.Join(members, ", "))
	}
	d := json.NewDecoder(bytes.NewReader(body))
	err = d.Decode(v)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			return webError(codeMalformed, "The body goes on after its JSON value. Send one object, and nothing after it.")
		}
		return checkMembers(body, members)
	}
	if typeErr, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if typeErr.Field == "" {
			return webError(codeMalformed, "The body must be a JSON object, not %s.", article(typeErr.Value))
		}
		return webError(codeMalformed, "The member %q has the wrong type: %s.", typeErr.Field, article(typeErr.Value))
	}
	if err != nil {
		// The decoder's own words speak of the client's JSON and of nothing else.
		return webError(codeMalformed, "The body is not the JSON that is expected here: %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// checkMembers refuses what encoding/json lets pass in an object: members that
// nobody reads, that stand twice, that are spelt in another case, or are null.
// body is known to be JSON.
func checkMembers(body []byte, members []string) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, _ := d.Token(); open != json.Delim('{') {
		return webError(codeMalformed, "The body must be a JSON object.")
	}
	seen := make(map[string]bool)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		switch {
		case !slices.Contains(members, name):
			return webError(codeMalformed, "The member %q is not known here. The members are %s.", name, strings.Join(members, ", "))
		case seen[name]:
			return webError(codeMalformed, "The member %q stands twice. Send it once.", name)
		case string(value) == "null":
			return webError(codeMalformed, "The member %q is null. Give it a value.", name)
		}
		seen[name] = true
	}
	return nil
}

func article(jsonType string) string {
	if strings.HasPrefix(jsonType, "a") || strings.HasPrefix(jsonType, "o") {
		return "an " + jsonType
	}
	return "a " + jsonType
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	writeAs(w, mediaJSON, status, v)
}

func writeProblem(w http.ResponseWriter, e *registry.Error) {
	p := problemOf(e.Code)
	writeAs(w, mediaProblem, p.Status, problemDetails{
		Type:          "/problems#" + string(p.Code),
		Title:         p.Title,
		Status:        p.Status,
		Detail:        e.Message,
		Code:          p.Code,
		Errors:        newFieldErrors(e),
		ConflictsWith: newPetJSON(e.Holder),
		Suggestions:   suggestionsOf(e),
	})
}

func writeAs(w http.ResponseWriter, media string, status int, v any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // the type is JSON and sniffing is off
	if err := e.Encode(v); err != nil {
		panic(err) // the types here can always be encoded
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // a client that is gone reads nothing
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

type fieldError struct {
	Field  registry.Field `json:"field"`
	Code   registry.Code  `json:"code"`
	Detail string         `json:"detail"`
}

// newFieldErrors lists what is wrong with which field; e itself may be about
// one.
func newFieldErrors(e *registry.Error) []fieldError {
	fields := e.Fields
	if len(fields) == 0 && e.Field != "" && !isRefusal(e.Code) {
		fields = []*registry.Error{e}
	}
	var list []fieldError
	for _, f := range fields {
		list = append(list, fieldError{f.Field, f.Code, f.Message})
	}
	return list
}

// isRefusal reports whether code says that a name, as such a good one, is kept
// from whoever asked for it.
func isRefusal(code registry.Code) bool {
	return code == registry.CodeTaken || code == registry.CodeSimilar || code == registry.CodeReserved
}

// suggestionsOf lists the names that e suggests; nil if e says nothing against
// the name.
func suggestionsOf(e *registry.Error) []string {
	aboutName := func(f *registry.Error) bool { return f.Field == registry.FieldName }
	if !isRefusal(e.Code) && !slices.ContainsFunc(e.Fields, aboutName) {
		return nil
	}
	return texts(e.Suggestions)
}

// texts returns names as they are shown; not nil, so that JSON has an array.
func texts(names []registry.Name) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = n.String()
	}
	return list
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

type verdictJSON struct {
	Name          string          `json:"name"`
	Status        registry.Status `json:"status"`
	Available     bool            `json:"available"`
	Reason        registry.Code   `json:"reason,omitempty"`
	Message       string          `json:"message"`
	ConflictsWith *petJSON        `json:"conflicts_with,omitempty"`
	Suggestions   []string        `json:"suggestions,omitzero"`
	AsOf          time.Time       `json:"as_of,omitzero"`
}

// newVerdictJSON tells the verdict v on what was asked for.
func newVerdictJSON(asked string, v registry.Verdict) verdictJSON {
	name := v.Name.String()
	if v.Status == registry.NotAllowed {
		name = asked
	}
	told := verdictJSON{
		Name:          name,
		Status:        v.Status,
		Available:     v.Status == registry.Available,
		Reason:        v.Reason,
		Message:       v.Message,
		ConflictsWith: newPetJSON(v.Holder),
		AsOf:          v.AsOf,
	}
	if v.Status == registry.Taken && v.Holder == nil { // its page is found by any spelling
		told.ConflictsWith = &petJSON{Name: name, URL: petPath(name)}
	}
	return told
}
