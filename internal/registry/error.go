package registry

import (
	"errors"
	"fmt"
)

// A Code says for programs what went wrong. The words are part of the API and
// do not change.
type Code string

// The codes of the domain.
const (
	CodeInvalid         Code = "invalid"          // input needs mending: see Error.Fields
	CodeEmpty           Code = "empty"            // a field is missing or blank
	CodeTooLong         Code = "too_long"         // a field has too many characters
	CodeTooShort        Code = "too_short"        // a field has too few characters or words
	CodeNotAllowed      Code = "not_allowed"      // a field has characters that it may not have
	CodeUnknownCategory Code = "unknown_category" // not a category of this registry
	CodeTaken           Code = "taken"            // another pet has the name: see Error.Holder
	CodeSimilar         Code = "similar"          // another pet has a name that looks like it: see Error.Holder
	CodeReserved        Code = "reserved"         // the registrar keeps the name
	CodeNotFound        Code = "not_found"        // no pet has that name
	CodeKeyReused       Code = "key_reused"       // an idempotency key came back with another registration
	CodeUnavailable     Code = "unavailable"      // the database can't be reached; trying again may help
	CodeInternal        Code = "internal"         // a defect of ours
)

// A Field names the input that an Error is about.
type Field string

// The fields that a registration has.
const (
	FieldName     Field = "name"
	FieldColor    Field = "favorite_color"
	FieldCategory Field = "category"
	FieldReason   Field = "reason" // a registrar's
)

// Error is the one error type of the domain. Code is for programs, Message for
// people: a whole sentence that says what is wrong and how to mend it, and that
// may be shown to anybody. Err is the cause, if there is one; it is for the log
// and is never shown.
type Error struct {
	Code    Code
	Field   Field // the input that the error is about, or ""
	Message string

	Fields []*Error // with CodeInvalid: what is wrong, one entry a field
	Holder *Pet     // with CodeTaken and CodeSimilar: the pet that has the name, if it is known
	Ruling *Ruling  // with CodeReserved: the ruling of the book that is in the way; nil if it is the policy's, or not known
	Err    error

	// Suggestions are names that could be had instead when the error was made.
	Suggestions []Name
}

// Error describes e for a log, its cause included. Show people e.Message.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorCode returns the code of err: that of the first *Error in its chain,
// CodeInternal for any other error and "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// Unavailable wraps cause, the failure to reach the database, for callers who
// may try again. Stores use it.
func Unavailable(cause error) *Error {
	return &Error{
		Code:    CodeUnavailable,
		Message: "The registry cannot reach its database right now. Please try again in a moment.",
		Err:     cause,
	}
}

func fieldError(f Field, c Code, format string, args ...any) *Error {
	return &Error{Code: c, Field: f, Message: fmt.Sprintf(format, args...)}
}
