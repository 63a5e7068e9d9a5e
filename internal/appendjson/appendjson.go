// Package appendjson appends JSON to text, for the journal's rows, which are
// written so often that the reflection of encoding/json shows. What it appends is
// what json.Encoder writes without escapes for HTML.
package appendjson

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// String appends a string.
func String(b []byte, s string) []byte {
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

// Member appends a member of an object, a string; start is what comes before the
// value, as in `,"name":`. A value that is empty is left out.
func Member[S ~string](b []byte, start string, value S) []byte {
	if value == "" {
		return b
	}
	return String(append(b, start...), string(value))
}

// Time appends a time. It panics if the year is not within 0 and 9999, for nobody
// could read it again.
func Time(b []byte, t time.Time) []byte {
	if y := t.Year(); y < 0 || y > 9999 {
		panic("appendjson: a time in the year " + strconv.Itoa(y))
	}
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
