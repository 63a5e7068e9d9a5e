package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// write answers with a. encoding/json would take 6 % of a check's CPU time (go test -bench Handler/Check ./internal/web).
func (a *contractAnswer) write(w http.ResponseWriter, status int) {
	writeText(w, typeJSON, status, a.appendJSON(make([]byte, 0, 256)))
}

// appendJSON appends a to b as json.Encoder writes it without escapes for HTML.
func (a *contractAnswer) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"status":`...), a.Status)
	if a.Available != nil {
		b = append(b, `,"available":`...)
		if *a.Available {
			b = append(b, "true"...)
		} else {
			b = append(b, "false"...)
		}
	}
	b = appendMember(b, `,"reason":`, string(a.Reason))
	b = appendMember(b, `,"message":`, a.Message)
	if len(a.Errors) > 0 {
		b = append(b, `,"errors":[`...)
		for i, e := range a.Errors {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(append(b, `{"field":`...), string(e.Field))
			b = appendString(append(b, `,"code":`...), string(e.Code))
			b = append(appendString(append(b, `,"detail":`...), e.Detail), '}')
		}
		b = append(b, ']')
	}
	if p := a.ConflictsWith; p != nil {
		b = appendString(append(b, `,"conflicts_with":{"name":`...), p.Name)
		b = appendMember(b, `,"favorite_color":`, p.FavoriteColor)
		b = appendMember(b, `,"category":`, p.Category)
		b = appendMember(b, `,"registered_at":`, p.RegisteredAt)
		b = append(appendString(append(b, `,"url":`...), p.URL), '}')
	}
	if a.Suggestions != nil {
		b = append(b, `,"suggestions":[`...)
		for i, s := range a.Suggestions {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, s)
		}
		b = append(b, ']')
	}
	if !a.AsOf.IsZero() {
		b = append(b, `,"as_of":"`...)
		b = append(a.AsOf.AppendFormat(b, time.RFC3339Nano), '"')
	}
	return append(b, "}\n"...)
}

// appendMember appends start, as in `,"name":`, and value; nothing if value is empty.
func appendMember(b []byte, start, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, start...), value)
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	if needsEscape(s) {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		_ = e.Encode(s) // a string can always be encoded
		return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// needsEscape reports whether encoding/json writes any character of s in another way.
func needsEscape(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
	})
}
