package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A query is the parameters in an address, in their order: those that
// url.ParseQuery gives, with values that are UTF-8. It is no map, for there are few
// parameters, and every letter that is typed brings some.
type query []parameter

type parameter struct{ name, value string }

// maxParameters is how many parameters an address may have.
const maxParameters = 100

// readQuery returns the parameters in the address of r.
func readQuery(r *http.Request) (query, error) {
	rest := r.URL.RawQuery
	n := 1 + strings.Count(rest, "&")
	if n > maxParameters {
		return nil, webError(codeMalformed, "The address has more than %d parameters. None of ours takes as many.", maxParameters)
	}
	q := make(query, 0, n)
	for rest != "" {
		var pair string
		if pair, rest, _ = strings.Cut(rest, "&"); pair == "" {
			continue
		}
		key, escaped, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		value, err2 := url.QueryUnescape(escaped)
		switch {
		case err != nil, err2 != nil, strings.IndexByte(pair, ';') >= 0:
			return nil, webError(codeMalformed, "The address has a broken parameter: an escape that is not one, or a semicolon that should be escaped.")
		case !utf8.ValidString(value):
			return nil, webError(codeMalformed, "A parameter in the address is not valid text. Send it encoded as UTF-8.")
		}
		q = append(q, parameter{name, value})
	}
	return q, nil
}

// get returns the first value of the parameter, "" if there is none.
func (q query) get(name string) string {
	for _, p := range q {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// with returns the parameters, escaped, with one value for this one.
func (q query) with(name, value string) string {
	all := make(url.Values, len(q))
	for _, p := range q {
		all.Add(p.name, p.value)
	}
	all.Set(name, value)
	return all.Encode()
}
