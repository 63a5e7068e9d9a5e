package registry

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Cursor is a place in the list of pets, newest first: just after the pet that
// was registered at that time with that key. The zero Cursor is the beginning.
type Cursor struct {
	RegisteredAt time.Time
	Key          string
}

// IsZero reports whether c is the beginning.
func (c Cursor) IsZero() bool { return c.Key == "" }

// String returns c as an opaque token for an address; "" for the zero Cursor.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.RegisteredAt.UnixMicro(), 10) + ":" + c.Key))
}

// ParseCursor parses what String returned. The error is an *Error with CodeInvalid.
func ParseCursor(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	micros, key, ok := strings.Cut(string(raw), ":")
	at, nerr := strconv.ParseInt(micros, 10, 64)
	const year1, year10000 = -62135596800e6, 253402300800e6 // as Unix times, in microseconds
	if err != nil || !ok || nerr != nil || at < year1 || at >= year10000 ||
		key == "" || !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
		return Cursor{}, fieldError("cursor", CodeInvalid,
			"The cursor is not valid. Start again from the first page.")
	}
	return Cursor{time.UnixMicro(at).UTC(), key}, nil
}
