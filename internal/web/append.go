package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// write answers with a, which has no errors, and which is the answer to every
// letter that is typed.
func (a *contractAnswer) write(w http.ResponseWriter) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.text.Reset()
	e.text.Write(a.appendJSON(e.text.AvailableBuffer()))
	e.send(w, typeJSON, http.StatusOK)
}

// appendJSON appends a to b as json.Encoder writes it, in less time.
func (a *contractAnswer) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"status":`...), a.Status)
	if a.Available != nil {
		b = append(b, `,"available":`...)
		b = appendBool(b, *a.Available)
	}
	if a.Reason != "" {
		b = appendString(append(b, `,"reason":`...), string(a.Reason))
	}
	if a.Message != "" {
		b = appendString(append(b, `,"message":`...), a.Message)
	}
	if a.ConflictsWith != nil {
		b = a.ConflictsWith.appendJSON(append(b, `,"conflicts_with":`...))
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

func (p *petJSON) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"name":`...), p.Name)
	for _, m := range [...]struct{ start, value string }{
		{`,"favorite_color":`, p.FavoriteColor},
		{`,"category":`, p.Category},
		{`,"registered_at":`, p.RegisteredAt},
	} {
		if m.value != "" {
			b = appendString(append(b, m.start...), m.value)
		}
	}
	return append(appendString(append(b, `,"url":`...), p.URL), '}')
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
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

// needsEscape reports whether s has characters that can't stand in a JSON string,
// or that encoding/json does not let stand there.
func needsEscape(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\':
			return true
		case c == "\u2028"[0] && (strings.HasPrefix(s[i:], "\u2028") || strings.HasPrefix(s[i:], "\u2029")):
			return true
		}
	}
	return !utf8.ValidString(s)
}
