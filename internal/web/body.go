package web

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
	mediaForm    = "application/x-www-form-urlencoded"
)

// maxBody is the largest accepted request body, in bytes.
const maxBody = 64 << 10

// maxDrain is how much of an oversized body is read and discarded, so that the client can read the answer
// before the connection closes.
const maxDrain = 32 << 20

// A query is the query parameters of an address in their order. The map of url.Values would take 5 % of a check's CPU
// time (go test -bench Handler/Check ./internal/web).
type query []struct{ name, value string }

// maxParameters is the largest accepted number of query parameters.
const maxParameters = 100

// readQuery returns the query parameters of r, as url.ParseQuery does. They are UTF-8.
func readQuery(r *http.Request) (query, error) {
	raw := r.URL.RawQuery
	n := 1 + strings.Count(raw, "&")
	if n > maxParameters {
		return nil, webError(codeMalformed, "The query of the address has more than %d parameters.", maxParameters)
	}
	q := make(query, 0, n)
	for raw != "" {
		var pair string
		if pair, raw, _ = strings.Cut(raw, "&"); pair == "" {
			continue
		}
		key, escaped, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(key)
		value, errValue := url.QueryUnescape(escaped)
		switch {
		case errName != nil, errValue != nil, strings.Contains(pair, ";"):
			return nil, webError(codeMalformed, "The query of the address is malformed: escape %q.", pair)
		case !utf8.ValidString(name), !utf8.ValidString(value):
			return nil, webError(codeMalformed, "The query of the address is not valid text. Encode it as UTF-8.")
		}
		q = append(q, struct{ name, value string }{name, value})
	}
	return q, nil
}

// get returns the first value of a parameter, "" if there is none.
func (q query) get(name string) string {
	for _, p := range q {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// with returns the query, encoded, with one value for a parameter.
func (q query) with(name, value string) string {
	all := make(url.Values, len(q))
	for _, p := range q {
		all.Add(p.name, p.value)
	}
	all.Set(name, value)
	return all.Encode()
}

// readBody returns the body of r, which must be of the media type want.
func readBody(r *http.Request, want string) ([]byte, error) {
	if r.ContentLength == 0 && r.Header.Get("Content-Type") == "" {
		return nil, nil // some clients set no type when they send nothing
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, webError(codeMediaType, "The Content-Encoding %q is not supported. Send the body unencoded.", coding)
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != want {
		return nil, webError(codeMediaType, "The body must have the type %s. Set the Content-Type header to it.", want)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, webError(codeMediaType, "The charset %q is not supported. Send UTF-8.", charset)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, webError(codeMalformed, "The body is incomplete. Please send it again.")
	}
	if len(body) > maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain) // best effort: the answer is the same
		return nil, webError(codeTooLarge, "The body is longer than %d KiB. Send a shorter one.", maxBody>>10)
	}
	return body, nil
}

// readForm returns the fields of the form in the body of r.
func readForm(r *http.Request) (url.Values, error) {
	body, err := readBody(r, mediaForm)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, webError(codeMalformed, "The form is malformed: %s.", err)
	}
	return form, nil
}

// readJSON decodes the JSON object in the body of r: the value of each member into the pointer under its name in
// members. Unlike encoding/json, it refuses members that are unknown, which may be misspelt, that appear twice, that
// differ in case, or that are null.
func readJSON(r *http.Request, members map[string]any) error {
	body, err := readBody(r, mediaJSON)
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return webError(codeMalformed, "The body is not valid text. Encode it as UTF-8.")
	}
	names := strings.Join(slices.Sorted(maps.Keys(members)), ", ")
	if len(bytes.TrimSpace(body)) == 0 {
		return webError(codeMalformed, "The body is empty. Send a JSON object with: %s.", names)
	}
	if err := json.Unmarshal(body, new(json.RawMessage)); err != nil {
		return webError(codeMalformed, "The body is not valid JSON: %s.", err) // err quotes only the body
	}
	d := json.NewDecoder(bytes.NewReader(body)) // of valid JSON: it can't fail
	if open, _ := d.Token(); open != json.Delim('{') {
		return webError(codeMalformed, "The body must be a JSON object with: %s.", names)
	}
	seen := make(map[string]bool)
	for d.More() {
		key, _ := d.Token()
		name := key.(string)
		var value json.RawMessage
		_ = d.Decode(&value)
		target, known := members[name]
		switch {
		case !known:
			return webError(codeMalformed, "The member %q is unknown. The members are %s.", name, names)
		case seen[name]:
			return webError(codeMalformed, "The member %q appears twice. Send it once.", name)
		case string(value) == "null":
			return webError(codeMalformed, "The member %q is null. Give it a value.", name)
		case json.Unmarshal(value, target) != nil:
			return webError(codeMalformed, "The member %q has the wrong type.", name)
		}
		seen[name] = true
	}
	return nil
}
