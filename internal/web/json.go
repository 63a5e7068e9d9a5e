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
	"unicode/utf8"
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
