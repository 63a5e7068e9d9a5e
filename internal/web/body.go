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

// readQuery returns the query parameters of r. Their values are UTF-8.
func readQuery(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, webError(codeMalformed, "The query of the address is malformed: %s.", err)
	}
	if text, _ := url.QueryUnescape(r.URL.RawQuery); !utf8.ValidString(text) {
		return nil, webError(codeMalformed, "The query of the address is not valid text. Encode it as UTF-8.")
	}
	return q, nil
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
		return webError(codeMalformed, "The body is empty. Send a JSON object with the members %s.", names)
	}
	if err := json.Unmarshal(body, new(json.RawMessage)); err != nil {
		return webError(codeMalformed, "The body is not valid JSON: %s.", err) // err quotes only the body
	}
	d := json.NewDecoder(bytes.NewReader(body)) // of valid JSON: it can't fail
	if open, _ := d.Token(); open != json.Delim('{') {
		return webError(codeMalformed, "The body must be a JSON object with the members %s.", names)
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
