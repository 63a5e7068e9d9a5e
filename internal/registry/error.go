package registry

import (
	"errors"
	"fmt"
)

// A Code tells programs why a request failed or was refused. The words are part of the API and do not change.
type Code string

// The codes of the domain.
const (
	CodeInvalid         Code = "invalid"          // a value is not valid; of an Application, see Decision.Errors
	CodeEmpty           Code = "empty"            // a field is missing or blank
	CodeTooLong         Code = "too_long"         // a field has too many characters
	CodeTooShort        Code = "too_short"        // a field has too few characters or words
	CodeNotAllowed      Code = "not_allowed"      // a field has characters that it may not have
	CodeUnknownCategory Code = "unknown_category" // not a category of this registry
	CodeTaken           Code = "taken"            // another pet has the name
	CodeSimilar         Code = "similar"          // another pet has a name that looks like it
	CodeReserved        Code = "reserved"         // the registrar or the policy reserves the name
	CodeNotFound        Code = "not_found"        // no pet has that name, or no ruling is on it
	CodeKeyReused       Code = "key_reused"       // the idempotency key was used for another registration
	CodeUnavailable     Code = "unavailable"      // the database cannot be reached; trying again may help
	CodeInternal        Code = "internal"         // a defect
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

// Error is the error type of the domain, for invalid input and for failures. A name that is refused is no error but a
// Decision. Code is for programs. Message is for people: whole sentences that say what is wrong and what to do, and
// that may be shown to anybody. Err is the cause, if there is one; it is for the log and is never shown.
type Error struct {
	Code    Code
	Field   Field // the input that is invalid, or ""
	Message string
	Err     error
}

// Error describes e for a log, with its cause. Show people e.Message.
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

// Unavailable returns an *Error with CodeUnavailable for cause, a failure to reach the database.
func Unavailable(cause error) *Error {
	return &Error{
		Code:    CodeUnavailable,
		Message: "The registry cannot reach its database right now. Please try again in a moment.",
		Err:     cause,
	}
}

// errorMessage returns the message of err for people.
func errorMessage(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return err.Error()
}

func fieldError(f Field, c Code, format string, args ...any) *Error {
	return &Error{Code: c, Field: f, Message: fmt.Sprintf(format, args...)}
}
