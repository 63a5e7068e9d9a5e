package registry

import (
	"crypto/sha256"
	"errors"
	"time"
)

// An Application asks for a pet to be registered, in its owner's words.
type Application struct {
	Name          string
	FavoriteColor string
	Category      string

	// RegisteredAt dates a pet that comes from another registry. The zero Time stands for now.
	RegisteredAt time.Time

	// LookalikeExempt registers a pet that was exempt from the rule on lookalikes in another registry: it may look like
	// other pets, and other pets may look like it. Only an import sets it.
	LookalikeExempt bool

	// IdempotencyKey, if not empty, makes it safe to send the application again: the answer is the first one, as long
	// as the policy allows the name. It is UTF-8 without NUL.
	IdempotencyKey string
}

// Parse parses every field of a under p. The Decision has the CodeInvalid or CodeReserved if p does not allow the
// application; otherwise its Pet is what a asks for, with a's RegisteredAt.
func (a Application) Parse(p *Policy) Decision {
	d := p.Decide(a.Name)
	color, err := ParseColor(a.FavoriteColor)
	d.addError(err)
	category, err := p.ParseCategory(a.Category)
	d.addError(err)
	if d.Code == "" {
		d.Pet = &Pet{d.Name, color, category, a.RegisteredAt.UTC().Truncate(time.Microsecond)}
	}
	return d
}

// addError adds err, an *Error about an invalid field, unless it is nil.
func (d *Decision) addError(err error) {
	if e, ok := errors.AsType[*Error](err); ok {
		d.Code = CodeInvalid
		d.Errors = append(d.Errors, e)
	}
}

// entry returns what registers a pet, which a asks for, under p.
func (a Application) entry(pet Pet, p *Policy, o Origin) Entry {
	e := Entry{
		Pet:             pet,
		AllowLookalike:  a.LookalikeExempt || p.AllowsLookalikes(),
		LookalikeExempt: a.LookalikeExempt,
		Action:          ActionRegistered,
		Origin:          o,
		IdempotencyKey:  a.IdempotencyKey,
	}
	if o.Via == ViaImport {
		e.Action = ActionImported
	}
	if e.Pet.RegisteredAt.IsZero() {
		e.Pet.RegisteredAt = o.At
	}
	if e.IdempotencyKey != "" {
		e.Fingerprint = fingerprint(pet)
	}
	return e
}

// fingerprint tells registrations apart by what they ask for.
func fingerprint(p Pet) [32]byte {
	return sha256.Sum256([]byte(p.Name.display + "\x00" + string(p.FavoriteColor) + "\x00" + string(p.Category)))
}
