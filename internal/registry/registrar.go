package registry

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Rename gives the pet that has the name from the name to. Its old name is in
// quarantine then, until the time that is returned with the pet; the zero Time
// if it is not. letPass lets the new name look like another's.
//
// The error is an *Error with a code of Policy.ParseName, CodeTaken,
// CodeSimilar, CodeReserved or CodeNotFound.
func (r *Registry) Rename(ctx context.Context, from, to string, letPass bool) (Pet, time.Time, error) {
	pet, err := r.Pet(ctx, from)
	if err != nil {
		return Pet{}, time.Time{}, err
	}
	name, err := r.policy.ParseName(to)
	if err != nil {
		return Pet{}, time.Time{}, err
	}
	if name.display == pet.Name.display {
		return Pet{}, time.Time{}, fieldError(FieldName, CodeTaken, "The pet has this very name: “%s”.", name)
	}
	c := r.change(ActionRenamed, name)
	c.Key, c.LetPass = pet.Name.key, letPass || r.policy.AllowsLookalikes()
	res, err := r.apply(ctx, c, pet.Name)
	return res.Pet, res.Ruling.Until, err
}

// Correct gives the pet that has this name another favourite colour, another
// category, or both; "" leaves what the pet has.
//
// The error is an *Error with a code of ParseColor or Policy.ParseCategory, or
// with CodeNotFound.
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
	res, err := r.apply(ctx, c, pet.Name)
	return res.Pet, err
}

// Release takes the pet that has this name out of the book. The name is in
// quarantine then, as after Rename.
//
// The error is an *Error with CodeNotFound.
func (r *Registry) Release(ctx context.Context, name string) (Pet, time.Time, error) {
	pet, err := r.Pet(ctx, name)
	if err != nil {
		return Pet{}, time.Time{}, err
	}
	c := r.change(ActionReleased, Name{})
	c.Key = pet.Name.key
	res, err := r.apply(ctx, c, pet.Name)
	return res.Pet, res.Ruling.Until, err
}

// Reserve keeps a name, and those that look like it unless the policy allows
// lookalikes, from everybody. The origin's reason is shown to people.
//
// The error is an *Error with the code of ParseName or CodeTaken.
func (r *Registry) Reserve(ctx context.Context, name string) (Ruling, error) {
	return r.rule(ctx, ActionReserved, name)
}

// LetPass lets whoever registers this very name next have it, though it looks
// like another.
//
// The error is an *Error with a code of Policy.ParseName, with CodeTaken, or with
// CodeReserved.
func (r *Registry) LetPass(ctx context.Context, name string) (Ruling, error) {
	if _, err := r.policy.ParseName(name); err != nil {
		return Ruling{}, err
	}
	return r.rule(ctx, ActionLetPass, name)
}

// Unreserve takes back the ruling on a name: a reservation, a quarantine or
// that it is let pass.
//
// The error is an *Error with the code of ParseName or CodeNotFound.
func (r *Registry) Unreserve(ctx context.Context, name string) (Ruling, error) {
	return r.rule(ctx, ActionUnreserved, name)
}

func (r *Registry) rule(ctx context.Context, a Action, s string) (Ruling, error) {
	name, err := ParseName(s)
	if err != nil {
		return Ruling{}, err
	}
	c := r.change(a, name)
	c.Key = name.key
	res, err := r.apply(ctx, c, name)
	return res.Ruling, err
}

func (r *Registry) change(a Action, name Name) Change {
	o := r.stamp()
	return Change{Action: a, Name: name, Origin: o, Until: o.At.Add(r.policy.rules.Quarantine)}
}

// apply makes a change to what has the name old, or says why not.
func (r *Registry) apply(ctx context.Context, c Change, old Name) (Result, error) {
	res, err := r.store.Apply(ctx, c)
	switch {
	case err != nil:
		return Result{}, err
	case res.Status == ChangeDone:
		return res, nil
	case res.Status == ChangeNotFound && c.Action == ActionUnreserved:
		return Result{}, &Error{Code: CodeNotFound, Message: fmt.Sprintf("There is no ruling on “%s” to take back.", old)}
	case res.Status == ChangeNotFound:
		return Result{}, noSuchPet(old)
	default:
		return Result{}, refusal(c.Name, res)
	}
}

// EachRuling visits the rulings of the book, by the comparison keys of their
// names. Quarantines whose time is over may be among them.
func (r *Registry) EachRuling(ctx context.Context, visit func(Ruling)) error {
	return EachRuling(ctx, r.store, func(s *RulingState) { visit(s.Ruling()) })
}

// EachRuling visits all rulings in s, as the book has them, by the keys of their
// names.
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

// EachState visits every pet, oldest first, and then every ruling, as they are at
// one moment, until visit returns an error, which it returns.
func (r *Registry) EachState(ctx context.Context, visit func(State) error) error {
	_, err := r.store.EachState(ctx, visit)
	return err
}

// History returns the events about a name, in their order, back through the
// names that its pet had before.
func (r *Registry) History(ctx context.Context, name Name) ([]Event, error) {
	var story []Event
	key, before := name.key, int64(math.MaxInt64) // only events before this number
	for range 100 {
		chapter, arrival, err := r.chapter(ctx, key, before)
		if err != nil {
			return nil, err
		}
		story = append(chapter, story...)
		if arrival.FormerKey == "" {
			break
		}
		key, before = arrival.FormerKey, arrival.Seq
	}
	return story, nil
}

// chapter returns the events about the name with this key, before a number,
// from when a pet last came to it from another name. arrival is the record of
// that; the zero Record if there is none, and then all events are returned.
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

// Successor returns the pet that had this name last and has another since. The
// error is an *Error with CodeNotFound if it is not in the book any more, or if
// there never was one.
func (r *Registry) Successor(ctx context.Context, name string) (Pet, error) {
	old, err := ParseName(name)
	if err != nil {
		return Pet{}, err
	}
	// The last who left the name; after that, whoever left the next one first.
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

// leaving returns the first record after a number, or the last, by which a pet
// lost the name with this key; the zero Record if there is none.
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

// CountMisfits counts the pets in the book whose names or categories r's policy
// would refuse. They keep their names. It rests a hundred times as long as it works, so
// that a server which counts answers all the same.
func (r *Registry) CountMisfits(ctx context.Context) (misfits, pets int, err error) {
	q := Query{Limit: MaxPageSize}
	for {
		begun := time.Now()
		page, err := r.Pets(ctx, q)
		if err != nil {
			return misfits, pets, err
		}
		for _, p := range page.Pets {
			pets++
			_, category := r.policy.ParseCategory(string(p.Category))
			if category != nil || r.policy.Judge(p.Name) != nil {
				misfits++
			}
		}
		if page.Next.IsZero() {
			return misfits, pets, nil
		}
		q.After = page.Next
		select {
		case <-time.After(100 * time.Since(begun)):
		case <-ctx.Done():
			return misfits, pets, fmt.Errorf("count misfits: %w", ctx.Err())
		}
	}
}
