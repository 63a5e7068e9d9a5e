package registry

import "time"

// A Decision is the registry's answer to a request for a name: the name is available, or the pet was registered, or the
// name is refused and why. Check, Suggest, Register, imports and dry runs return it; adapters put it into words.
//
// The fields that explain a refusal are those that its Code mentions.
type Decision struct {
	// Name is what was asked for; the zero Name if the text is not a valid name.
	Name Name

	// Code says why the name is refused: CodeInvalid, CodeTaken, CodeSimilar, CodeReserved or CodeKeyReused, and from
	// Store.Apply also CodeNotFound. It is empty if the name is available, or the change was made.
	Code Code

	// Rule is the rule of the policy that refuses the name, as in a policy file
	// ("length.max", "reserved", "lookalikes"); empty if every policy would.
	Rule string

	// Rival is the pet that has the name (CodeTaken) or one that looks like it
	// (CodeSimilar). It is nil if it is not known: see Registry.Explain.
	Rival *Pet

	// Ruling reserves the name (CodeReserved). It may be on another name that looks like it. It is nil if it is not
	// known: idempotency keys do not remember it. Of a change that was made, it is the ruling that the change made, a
	// quarantine too, or took back; nil if none.
	Ruling *Ruling

	// Errors are the invalid fields (CodeInvalid), one *Error each. If the name is
	// valid but the policy reserves it, Ruling says so, too.
	Errors []*Error

	// Pet is the pet as registered, or as it is after the change that was made, or as it was before it was released.
	Pet *Pet

	// Record is the journal's record of the change, if this call changed the registry.
	Record *Record

	// Suggestions are names that were available instead. Suggest and Register add them.
	Suggestions []Name

	// AsOf is the time that the decision holds for, if it may be out of date; the zero Time if it is current.
	AsOf time.Time
}

// Reason returns the code of the first invalid field, or Code if no field is invalid.
func (d Decision) Reason() Code {
	if len(d.Errors) > 0 {
		return d.Errors[0].Code
	}
	return d.Code
}

// Decide decides on a name by what the registry has, in the order of the arguments: whether a pet has the name, the
// ruling in force on it or on a lookalike (nil for none), and whether a pet holds its lookalike key and no ruling
// permits that. allowLookalike lets the name look like the names of other pets, and like other names with rulings.
func Decide(name Name, taken bool, inForce *Ruling, similar, allowLookalike bool) Decision {
	d := Decision{Name: name}
	switch {
	case taken:
		d.Code = CodeTaken
	case inForce != nil && !(allowLookalike && inForce.Name.key != name.key):
		d.Code, d.Ruling = CodeReserved, inForce
	case similar && !allowLookalike:
		d.Code, d.Rule = CodeSimilar, RuleLookalikes
	}
	return d
}

// The rules of a policy that refuse names, by their paths in a policy file.
const (
	RuleLengthMin  = "length.min"
	RuleLengthMax  = "length.max"
	RuleWordsMin   = "words.min"
	RuleWordsMax   = "words.max"
	RuleCharacters = "characters"
	RuleForbidden  = "forbidden"
	RuleReserved   = "reserved"
	RuleLookalikes = "lookalikes"
)
