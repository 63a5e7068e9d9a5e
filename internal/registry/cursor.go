package registry

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Cursor is a place in the book, newest first: just after the pet that was
// registered at that time under that key. The zero Cursor is the beginning.
type Cursor struct {
	RegisteredAt time.Time
	Key          string
}

// IsZero reports whether c is the beginning of the book.
func (c Cursor) IsZero() bool { return c.Key == "" }

// String returns c as a token for an address, opaque to whoever gets it; ""
// for the zero Cursor.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.RegisteredAt.UnixMicro(), 10) + ":" + c.Key))
}

// ParseCursor reads what String wrote. The error is an *Error with CodeInvalid.
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
			"The cursor is not one that this registry gave out. Start again from the first page.")
	}
	return Cursor{time.UnixMicro(at).UTC(), key}, nil
}
