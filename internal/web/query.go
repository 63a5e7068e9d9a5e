package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxParameters is how many parameters an address may have.
const maxParameters = 100

// readQuery returns the parameters in the address of r. Their values are UTF-8.
func readQuery(r *http.Request) (url.Values, error) {
	if strings.Count(r.URL.RawQuery, "&") >= maxParameters {
		return nil, webError(codeMalformed, "The address has more than %d parameters. None of ours takes as many.", maxParameters)
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, webError(codeMalformed, "The address has a broken parameter: an escape that is not one, or a semicolon that should be escaped.")
	}
	for _, values := range q {
		for _, v := range values {
			if !utf8.ValidString(v) {
				return nil, webError(codeMalformed, "A parameter in the address is not valid text. Send it encoded as UTF-8.")
			}
		}
	}
	return q, nil
}
