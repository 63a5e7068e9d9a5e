package web

import (
	"iter"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A query is the parameters in an address: text that url.ParseQuery can parse,
// and whose values are UTF-8. It is looked through rather than parsed into a map:
// there are few parameters, and every letter that is typed brings some.
type query string

// maxParameters is how many parameters an address may have.
const maxParameters = 100

// readQuery returns the parameters in the address of r.
func readQuery(r *http.Request) (query, error) {
	q := query(r.URL.RawQuery)
	if strings.Count(string(q), "&") >= maxParameters {
		return "", webError(codeMalformed, "The address has more than %d parameters. None of ours takes as many.", maxParameters)
	}
	for key, value := range q.pairs() {
		text, err := url.QueryUnescape(value)
		if err == nil {
			_, err = url.QueryUnescape(key)
		}
		switch {
		case err != nil, strings.Contains(key, ";"), strings.Contains(value, ";"):
			return "", webError(codeMalformed, "The address has a broken parameter: an escape that is not one, or a semicolon that should be escaped.")
		case !utf8.ValidString(text):
			return "", webError(codeMalformed, "A parameter in the address is not valid text. Send it encoded as UTF-8.")
		}
	}
	return q, nil
}

// pairs returns the parameters in their order, escaped as they are.
func (q query) pairs() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for rest := string(q); rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, "&")
			if key, value, _ := strings.Cut(pair, "="); pair != "" && !yield(key, value) {
				return
			}
		}
	}
}

// get returns the first value of the parameter, "" if there is none.
func (q query) get(name string) string {
	for key, value := range q.pairs() {
		if key, err := url.QueryUnescape(key); err == nil && key == name {
			value, _ = url.QueryUnescape(value) // readQuery has tried
			return value
		}
	}
	return ""
}

// with returns the parameters with one value for this one.
func (q query) with(name, value string) string {
	all, _ := url.ParseQuery(string(q)) // readQuery has tried
	all.Set(name, value)
	return all.Encode()
}
