package registry

import (
	"fmt"
	"time"
)

// A Ruling is a decision on a name that no pet has.
type Ruling struct {
	Kind   RulingKind
	Name   Name
	Reason string    // shown to people; "" with RulingQuarantine
	At     time.Time // UTC, to the microsecond
	Until  time.Time // the same; the zero Time for as long as it is not taken back
}

// A RulingKind is what was decided.
type RulingKind string

// The kinds of rulings.
const (
	RulingReserved   RulingKind = "reserved"   // nobody gets the name, nor a lookalike unless the policy allows those
	RulingQuarantine RulingKind = "quarantine" // nobody gets it until then: a pet gave it up
	RulingLetPass    RulingKind = "let_pass"   // whoever registers it may, though it looks like another name
)

// InForce reports whether r keeps a name from people at a time.
func (r Ruling) InForce(at time.Time) bool {
	return r.Kind != RulingLetPass && (r.Until.IsZero() || at.Before(r.Until))
}

// MaxReasonLength is how many characters (code points) a reason may have.
const MaxReasonLength = 200

// ParseReason cleans a registrar's reason, in the way that ParseName cleans a
// name as shown. The error is an *Error for FieldReason with CodeEmpty,
// CodeTooLong or CodeNotAllowed.
func ParseReason(s string) (string, error) {
	return cleanText(FieldReason, "reason", s, MaxReasonLength)
}

// rulingError says that r, on name itself or on one that looks like it, keeps
// name from people; the zero Ruling is one that is not known.
func rulingError(name Name, r Ruling) *Error {
	words, like := fmt.Sprintf("“%s” ", name), ""
	if r.Name.key != name.key {
		like = fmt.Sprintf("is too much like “%s”, which ", r.Name)
	}
	switch r.Kind {
	case "":
		words += "is reserved"
	case RulingQuarantine:
		// Not "on" that day: it is not free before the time of day at which it was given up.
		words += like + "was given up by its pet and is free again after " + r.Until.Format("2 January 2006")
	default:
		words += like + "is reserved: " + trimStop(r.Reason)
	}
	e := &Error{Code: CodeReserved, Field: FieldName, Message: words + ". Please try another name."}
	if !r.At.IsZero() { // a policy's have no date
		e.Ruling = &r
	}
	return e
}

// trimStop takes the full stop off a sentence that goes on.
func trimStop(s string) string {
	if n := len(s); n > 1 && s[n-1] == '.' {
		return s[:n-1]
	}
	return s
}
