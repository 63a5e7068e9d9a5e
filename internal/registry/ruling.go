package registry

import "time"

// A Ruling reserves a name that no pet has, or permits it to look like another.
type Ruling struct {
	Kind   RulingKind
	Name   Name
	Reason string    // shown to people; "" with RulingQuarantine
	At     time.Time // UTC, to the microsecond
	Until  time.Time // the same; the zero Time if it holds until it is taken back
}

// A RulingKind is the effect of a ruling.
type RulingKind string

// The kinds of rulings.
const (
	RulingReserved       RulingKind = "reserved"   // nobody gets the name, nor a lookalike unless the policy allows lookalikes
	RulingQuarantine     RulingKind = "quarantine" // the same until a time: a pet gave the name up
	RulingAllowLookalike RulingKind = "let_pass"   // the name may be registered although it looks like another
)

// InForce reports whether r reserves its name at a time.
func (r Ruling) InForce(at time.Time) bool {
	return r.Kind != RulingAllowLookalike && (r.Until.IsZero() || at.Before(r.Until))
}

// MaxReasonLength is the greatest number of characters (code points) of a reason.
const MaxReasonLength = 200

// ParseReason normalizes a registrar's reason as ParseName normalizes a name for display. The error is an *Error for
// FieldReason with CodeEmpty, CodeTooLong or CodeNotAllowed.
func ParseReason(s string) (string, error) {
	return cleanText(FieldReason, "reason", s, MaxReasonLength)
}

// ParseWho normalizes the name of a registrar, for the journal, as ParseReason does a reason.
func ParseWho(s string) (string, error) {
	return cleanText("who", "name", s, MaxReasonLength)
}

// Rulings are rulings on names. The zero Rulings are none.
type Rulings struct {
	on   map[string]*RulingState            // by the key of the name
	like map[string]map[string]*RulingState // by its lookalike key, and then by its key
}

// Put adds a ruling in place of the one on the same name, if there is one.
func (s *Rulings) Put(r *RulingState) {
	if s.on == nil {
		s.on, s.like = make(map[string]*RulingState), make(map[string]map[string]*RulingState)
	}
	s.Remove(r.NameKey)
	s.on[r.NameKey] = r
	if s.like[r.LookalikeKey] == nil {
		s.like[r.LookalikeKey] = make(map[string]*RulingState)
	}
	s.like[r.LookalikeKey][r.NameKey] = r
}

// Remove removes the ruling on the name with this key, if there is one.
func (s *Rulings) Remove(key string) {
	r := s.on[key]
	if r == nil {
		return
	}
	delete(s.on, key)
	if delete(s.like[r.LookalikeKey], key); len(s.like[r.LookalikeKey]) == 0 {
		delete(s.like, r.LookalikeKey)
	}
}

// Concern reports whether a ruling, in force or not, is on n or on a lookalike of n.
func (s *Rulings) Concern(n Name) bool {
	return s.on[n.key] != nil || len(s.like[n.LookalikeKey()]) > 0
}

// Over returns the ruling that reserves n at a time, nil for none, and whether a ruling permits n to look like another
// name. One on n itself comes before those on its lookalikes.
func (s *Rulings) Over(n Name, at time.Time) (inForce *Ruling, permitted bool) {
	if r := s.on[n.key]; r != nil {
		if r.Kind == RulingAllowLookalike {
			return nil, true
		}
		if own := r.Ruling(); own.InForce(at) {
			return &own, false
		}
	}
	for _, r := range s.like[n.LookalikeKey()] {
		if like := r.Ruling(); like.InForce(at) && (inForce == nil || r.NameKey < inForce.Name.key) {
			inForce = &like
		}
	}
	return inForce, false
}
