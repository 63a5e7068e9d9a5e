// Package nametag is a pet registry in which every name is unique.
//
// The package is the domain: it knows names, pets and the book they are kept
// in, and neither HTTP nor SQL. A Registry keeps its book in a Store; package
// sqlite and package postgres are such stores.
package nametag

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
)

// A Registry registers pets and answers questions about names. Its methods may
// be called by several goroutines at once.
//
// Besides the errors that they name, the methods return those of the Store.
type Registry struct {
	store Store
	now   func() time.Time
}

// NewRegistry returns a Registry that keeps its book in store and dates new
// pets by the clock now; nil stands for time.Now.
func NewRegistry(store Store, now func() time.Time) *Registry {
	if now == nil {
		now = time.Now
	}
	return &Registry{store, now}
}

// An Application asks for a pet to be registered, in its owner's words.
type Application struct {
	Name          string
	FavoriteColor string
	Category      string

	// RegisteredAt dates a pet that is brought over from an older book. The
	// zero Time stands for now.
	RegisteredAt time.Time

	// IdempotencyKey, if not empty, makes it safe to send the application
	// again: the answer will be the first one. It is UTF-8 without NUL.
	IdempotencyKey string
}

// Parse judges every field of a. The pet it returns has a's RegisteredAt. The
// error is an *Error with CodeInvalid whose Fields say what to mend, one entry
// a field.
func (a Application) Parse() (Pet, error) {
	name, nameErr := ParseName(a.Name)
	color, colorErr := ParseColor(a.FavoriteColor)
	category, categoryErr := ParseCategory(a.Category)

	var fields []*Error
	for _, err := range []error{nameErr, colorErr, categoryErr} {
		if err != nil {
			fields = append(fields, err.(*Error))
		}
	}
	switch {
	case len(fields) == 1:
		return Pet{}, &Error{Code: CodeInvalid, Message: fields[0].Message, Fields: fields}
	case len(fields) > 1:
		return Pet{}, &Error{Code: CodeInvalid, Message: fmt.Sprintf("%d fields need mending.", len(fields)), Fields: fields}
	}
	return Pet{name, color, category, a.RegisteredAt.UTC().Truncate(time.Microsecond)}, nil
}

// Register enters one pet into the book. When it returns without an error, the
// name is the pet's and the entry is on disk.
//
// The error is an *Error with CodeInvalid, CodeTaken or CodeKeyReused.
func (r *Registry) Register(ctx context.Context, a Application) (Pet, error) {
	outcomes, err := r.RegisterAll(ctx, []Application{a})
	if err != nil {
		return Pet{}, err
	}
	return outcomes[0].Pet, outcomes[0].Err
}

// An Outcome tells what became of one Application: the pet, or the error that
// Register would have returned for it.
type Outcome struct {
	Pet Pet
	Err error
}

// RegisterAll enters many pets in one transaction and tells of each, in the
// order given, what became of it; one that is refused does not hinder the
// others. The error, if there is one, is about the transaction as a whole.
func (r *Registry) RegisterAll(ctx context.Context, applications []Application) ([]Outcome, error) {
	now := r.now().UTC().Truncate(time.Microsecond)
	outcomes := make([]Outcome, len(applications))
	entries := make([]Entry, 0, len(applications))
	which := make([]int, 0, len(applications)) // which[i] is the application behind entries[i]
	for i, a := range applications {
		pet, err := a.Parse()
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		e := Entry{Pet: pet, IdempotencyKey: a.IdempotencyKey}
		if e.Pet.RegisteredAt.IsZero() {
			e.Pet.RegisteredAt = now
		}
		if e.IdempotencyKey != "" {
			e.Fingerprint = fingerprint(pet)
		}
		entries = append(entries, e)
		which = append(which, i)
	}
	if len(entries) == 0 {
		return outcomes, nil
	}
	results, err := r.store.Insert(ctx, entries)
	if err != nil {
		return nil, err
	}
	for j, res := range results {
		outcomes[which[j]] = outcome(entries[j].Pet.Name, res)
	}
	return outcomes, nil
}

func outcome(name Name, res Result) Outcome {
	switch res.Status {
	case InsertRegistered:
		return Outcome{Pet: res.Pet}
	case InsertKeyReused:
		return Outcome{Err: &Error{Code: CodeKeyReused,
			Message: "This idempotency key was used for another registration. Send a new key with a new registration."}}
	default:
		return Outcome{Err: takenError(name, res.Pet)}
	}
}

// fingerprint tells registrations apart by what they ask for.
func fingerprint(p Pet) [32]byte {
	return sha256.Sum256([]byte(p.Name.display + "\x00" + string(p.FavoriteColor) + "\x00" + string(p.Category)))
}

// A Status is the short form of a Verdict.
type Status string

// The verdicts on a name.
const (
	Available  Status = "available"   // nobody has it now
	Taken      Status = "taken"       // a pet has it
	NotAllowed Status = "not_allowed" // no pet may have it
)

// A Verdict answers whether a name can be had. It is advice: it was true when
// the book was asked, and only Register makes a name somebody's.
type Verdict struct {
	Status  Status
	Message string // the reason, a sentence for people
	Name    Name   // the zero Name with NotAllowed
	Reason  Code   // why not: CodeTaken, or what ParseName said; "" with Available
	Holder  *Pet   // with Taken: the pet that has the name
}

// Check answers, in the order given, whether these names can be had.
func (r *Registry) Check(ctx context.Context, names ...string) ([]Verdict, error) {
	verdicts := make([]Verdict, len(names))
	var keys []string
	for i, s := range names {
		name, err := ParseName(s)
		if err != nil {
			e := err.(*Error)
			verdicts[i] = Verdict{Status: NotAllowed, Message: e.Message, Reason: e.Code}
			continue
		}
		verdicts[i].Name = name
		keys = append(keys, name.key)
	}
	if len(keys) == 0 {
		return verdicts, nil
	}
	pets, err := r.store.Find(ctx, keys)
	if err != nil {
		return nil, err
	}
	for i := range verdicts {
		v := &verdicts[i]
		if v.Status == NotAllowed {
			continue
		}
		if holder, ok := pets[v.Name.key]; ok {
			e := takenError(v.Name, holder)
			v.Status, v.Message, v.Reason, v.Holder = Taken, e.Message, e.Code, e.Holder
			continue
		}
		v.Status, v.Message = Available, fmt.Sprintf("“%s” is available.", v.Name)
	}
	return verdicts, nil
}

// takenError says that name is taken, and by whom; the zero Pet is nobody that
// is known.
func takenError(name Name, holder Pet) *Error {
	e := &Error{Code: CodeTaken, Field: FieldName}
	if holder.Name.key == "" {
		e.Message = fmt.Sprintf("“%s” was taken a moment ago. Please try again, or try another name.", name)
		return e
	}
	e.Holder = &holder
	e.Message = fmt.Sprintf("“%s” is taken: %s. Please try another name.", name, story(name, holder))
	return e
}

func story(name Name, holder Pet) string {
	since := holder.RegisteredAt.Format("2 January 2006")
	if name.display == holder.Name.display {
		return fmt.Sprintf("a %s has had it since %s", holder.Category, since)
	}
	return fmt.Sprintf("a %s has had “%s” since %s", holder.Category, holder.Name, since)
}

// Pet returns the pet that has this name, in any spelling with the same key.
// The error is an *Error with CodeNotFound; a name that no pet may have is not
// found either.
func (r *Registry) Pet(ctx context.Context, name string) (Pet, error) {
	n, err := ParseName(name)
	if err != nil {
		e := err.(*Error)
		return Pet{}, &Error{Code: CodeNotFound, Message: "No pet has this name: no pet may. " + e.Message, Err: err}
	}
	pets, err := r.store.Find(ctx, []string{n.key})
	if err != nil {
		return Pet{}, err
	}
	pet, ok := pets[n.key]
	if !ok {
		return Pet{}, &Error{Code: CodeNotFound, Message: fmt.Sprintf("No pet is registered as “%s”.", n)}
	}
	return pet, nil
}

// MaxPageSize is how many pets a Page may have.
const MaxPageSize = 1000

// A Query says which pets are wanted.
type Query struct {
	Search   string   // a part of the name, in any case; blank for all
	Category Category // "" for all
	After    Cursor   // where the page before this one ended
	Limit    int      // pets a page, 1 to MaxPageSize
}

// A Page is a run of pets, newest first.
type Page struct {
	Pets []Pet
	Next Cursor // where the next page begins; the zero Cursor if there is none
}

// Pets returns a page of the book. The error is an *Error with CodeTooLong or
// CodeNotAllowed if no name could contain what is searched for.
func (r *Registry) Pets(ctx context.Context, q Query) (Page, error) {
	lq := ListQuery{Category: q.Category, After: q.After, Limit: min(max(q.Limit, 1), MaxPageSize) + 1}
	contains, err := searchKey(q.Search)
	if err != nil && ErrorCode(err) != CodeEmpty {
		return Page{}, err
	}
	lq.Contains = contains
	pets, err := r.store.List(ctx, lq)
	if err != nil {
		return Page{}, err
	}
	page := Page{Pets: pets}
	if len(pets) == lq.Limit {
		page.Pets = pets[:lq.Limit-1]
		last := page.Pets[len(page.Pets)-1]
		page.Next = Cursor{last.RegisteredAt, last.Name.key}
	}
	return page, nil
}
