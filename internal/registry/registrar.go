package registry

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"nametag/internal/sleep"
)

// Rename gives the pet that has the name from the name to, unless the Decision has a Code. Its Ruling is then the
// quarantine of the old name, nil for none. allowLookalike lets the new name look like another.
//
// The error is an *Error with CodeNotFound if there is no such pet, or with CodeInvalid if it has this very name.
func (r *Registry) Rename(ctx context.Context, from, to string, allowLookalike bool) (Decision, error) {
	pet, err := r.Pet(ctx, from)
	if err != nil {
		return Decision{}, err
	}
	d := r.policy.Decide(to)
	if d.Code != "" {
		return d, nil
	}
	if d.Name.display == pet.Name.display {
		return Decision{}, fieldError(FieldName, CodeInvalid, "“%s” is already the name of the pet.", d.Name)
	}
	c := r.change(ActionRenamed, d.Name)
	c.Key, c.AllowLookalike = pet.Name.key, allowLookalike || r.policy.AllowsLookalikes()
	return r.apply(ctx, c, pet.Name)
}

// Correct gives the pet that has this name another favourite colour, another
// category, or both; "" leaves what the pet has.
//
// The error is an *Error with a code of ParseColor or Policy.ParseCategory, or with CodeNotFound.
func (r *Registry) Correct(ctx context.Context, name, color, category string) (Pet, error) {
	c := r.change(ActionCorrected, Name{})
	var err error
	if color != "" {
		if c.FavoriteColor, err = ParseColor(color); err != nil {
			return Pet{}, err
		}
	}
	if category != "" {
		if c.Category, err = r.policy.ParseCategory(category); err != nil {
			return Pet{}, err
		}
	}
	pet, err := r.Pet(ctx, name)
	if err != nil {
		return Pet{}, err
	}
	c.Key = pet.Name.key
	d, err := r.apply(ctx, c, pet.Name)
	if err != nil {
		return Pet{}, err
	}
	return *d.Pet, nil
}

// Release removes the pet that has this name. The Decision's Pet is that one, and
// its Ruling is the quarantine of the name, nil for none.
//
// The error is an *Error with CodeNotFound.
func (r *Registry) Release(ctx context.Context, name string) (Decision, error) {
	pet, err := r.Pet(ctx, name)
	if err != nil {
		return Decision{}, err
	}
	c := r.change(ActionReleased, Name{})
	c.Key = pet.Name.key
	return r.apply(ctx, c, pet.Name)
}

// Reserve reserves a name, and its lookalikes unless the policy allows lookalikes, so that nobody gets it. The origin's
// reason is shown to people. The Decision has CodeTaken if a pet has the name.
//
// The error is an *Error with a code of ParseName.
func (r *Registry) Reserve(ctx context.Context, name string) (Decision, error) {
	n, err := ParseName(name)
	if err != nil {
		return Decision{}, err
	}
	return r.apply(ctx, r.change(ActionReserved, n), n)
}

// AllowLookalike permits this very name to look like another when it is registered next. The Decision says so if it is
// not a name under the policy, is taken or is reserved.
func (r *Registry) AllowLookalike(ctx context.Context, name string) (Decision, error) {
	d := r.policy.Decide(name)
	if d.Code != "" {
		return d, nil
	}
	return r.apply(ctx, r.change(ActionAllowLookalike, d.Name), d.Name)
}

// Unreserve takes back the ruling on a name: a reservation, a quarantine or a permission to look like another.
//
// The error is an *Error with a code of ParseName or CodeNotFound.
func (r *Registry) Unreserve(ctx context.Context, name string) (Decision, error) {
	n, err := ParseName(name)
	if err != nil {
		return Decision{}, err
	}
	return r.apply(ctx, r.change(ActionUnreserved, n), n)
}

func (r *Registry) change(a Action, name Name) Change {
	o := r.stamp()
	return Change{Action: a, Key: name.key, Name: name, Origin: o, Until: o.At.Add(r.policy.rules.Quarantine)}
}

// apply makes a change to the pet with the name old, or to the ruling on it.
func (r *Registry) apply(ctx context.Context, c Change, old Name) (Decision, error) {
	d, err := r.store.Apply(ctx, c)
	switch {
	case err != nil:
		return Decision{}, err
	case d.Code != CodeNotFound:
		return d, nil
	case c.Action == ActionUnreserved:
		return Decision{}, &Error{Code: CodeNotFound, Message: fmt.Sprintf("There is no ruling on “%s”.", old)}
	default:
		return Decision{}, noSuchPet(old)
	}
}

// EachRuling visits all rulings, by the comparison keys of their names. Some quarantines may have expired.
func (r *Registry) EachRuling(ctx context.Context, visit func(Ruling)) error {
	return EachRuling(ctx, r.store, func(s *RulingState) { visit(s.Ruling()) })
}

// EachRuling visits all rulings in s, by the keys of their names.
func EachRuling(ctx context.Context, s Store, visit func(*RulingState)) error {
	const limit = 1000
	for after := ""; ; {
		page, err := s.Rulings(ctx, after, limit)
		if err != nil {
			return err
		}
		for _, ru := range page {
			visit(ru)
			after = ru.NameKey
		}
		if len(page) < limit {
			return nil
		}
	}
}

// Snapshot visits every pet, oldest first, and then every ruling, as they are at
// one moment, until visit returns an error, which it returns.
func (r *Registry) Snapshot(ctx context.Context, visit func(State) error) error {
	_, err := r.store.Snapshot(ctx, visit)
	return err
}

// History returns the events about a name, oldest first, and those about the earlier names of its pet.
func (r *Registry) History(ctx context.Context, name Name) ([]Event, error) {
	var history []Event
	key, before := name.key, int64(math.MaxInt64) // only events before this number
	for range 100 {
		chapter, arrival, err := r.chapter(ctx, key, before)
		if err != nil {
			return nil, err
		}
		history = append(chapter, history...)
		if arrival.FormerKey == "" {
			break
		}
		key, before = arrival.FormerKey, arrival.Seq
	}
	return history, nil
}

// OfPet returns those of a name's events that are about the pet that has the name
// now: from when it was registered, through the names that it had.
func OfPet(events []Event, name Name) []Event {
	key := name.key
	var own []Event
	for _, e := range slices.Backward(events) {
		if e.After.Pet == nil || e.After.Pet.NameKey != key {
			continue
		}
		own = append(own, e)
		if e.Before.Pet == nil {
			break
		}
		key = e.Before.Pet.NameKey
	}
	slices.Reverse(own)
	return own
}

// chapter returns the events about the name with this key, before a number, since a pet was last renamed to it. arrival
// is the record of that; the zero Record if there is none, and then all events are returned.
func (r *Registry) chapter(ctx context.Context, key string, before int64) (events []Event, arrival Record, err error) {
	err = r.eachRecord(ctx, JournalQuery{Key: key}, func(rec Record) error {
		if rec.Seq >= before {
			return errEnough
		}
		if rec.Key == key && rec.FormerKey != "" {
			events, arrival = nil, rec
		}
		e, err := rec.Event()
		events = append(events, e)
		return err
	})
	return events, arrival, err
}

// Successor returns the pet that had this name last, under its name of now. The error is an *Error with CodeNotFound if
// that pet was released, or if no pet ever had the name.
func (r *Registry) Successor(ctx context.Context, name string) (Pet, error) {
	old, err := ParseName(name)
	if err != nil {
		return Pet{}, err
	}
	// The last pet to leave the name; after that, the first to leave the next one.
	key, after, last := old.key, int64(0), true
	for range 100 {
		leaving, err := r.leaving(ctx, key, after, last)
		if err != nil {
			return Pet{}, err
		}
		if leaving.Seq == 0 && !last {
			pets, err := r.store.Find(ctx, []string{key})
			if pet, ok := pets[key]; ok || err != nil {
				return pet, err
			}
		}
		if leaving.FormerKey == "" {
			break
		}
		key, after, last = leaving.Key, leaving.Seq, false
	}
	return Pet{}, noSuchPet(old)
}

// leaving returns the record by which a pet left the name with this key: the last
// one, or the first after a number; the zero Record if there is none.
func (r *Registry) leaving(ctx context.Context, key string, after int64, last bool) (found Record, err error) {
	err = r.eachRecord(ctx, JournalQuery{Key: key, After: after}, func(rec Record) error {
		e, err := rec.Event()
		if err != nil {
			return err
		}
		isGone := e.Before.Pet != nil && e.Before.Pet.NameKey == key && (e.After.Pet == nil || e.After.Pet.NameKey != key)
		if !isGone {
			return nil
		}
		if found = rec; !last {
			return errEnough
		}
		return nil
	})
	return found, err
}

func noSuchPet(n Name) *Error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("No pet is registered as “%s”.", n)}
}

// CountViolations counts the pets whose names or categories r's policy would refuse. They keep their names. It rests a
// hundred times as long as it works, so that a server can answer meanwhile.
func (r *Registry) CountViolations(ctx context.Context) (violations, pets int, err error) {
	q := Query{Limit: MaxPageSize}
	for {
		begun := time.Now()
		page, err := r.Pets(ctx, q)
		if err != nil {
			return violations, pets, err
		}
		for _, p := range page.Pets {
			pets++
			_, err := r.policy.ParseCategory(string(p.Category))
			if err != nil || r.policy.Judge(p.Name).Code != "" {
				violations++
			}
		}
		if page.Next.IsZero() {
			return violations, pets, nil
		}
		q.After = page.Next
		if err := sleep.For(ctx, 100*time.Since(begun)); err != nil {
			return violations, pets, fmt.Errorf("count violations: %w", err)
		}
	}
}
