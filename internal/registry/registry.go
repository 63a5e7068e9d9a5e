// Package nametag is a pet registry in which every name is unique.
//
// The package is the domain: it knows names, pets and the book they are kept
// in, and neither HTTP nor SQL. A Registry keeps its book in a Store; package
// sqlite and package postgres are such stores.
package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// A Registry registers pets and answers questions about names. Its methods may
// be called by several goroutines at once.
//
// Besides the errors that they name, the methods return those of the Store.
type Registry struct {
	store  Store
	index  Index // nil if there is none
	now    func() time.Time
	policy *Policy
	origin Origin // of the changes; its time is set with each
}

// NewRegistry returns a Registry that keeps its book in store, under the policy
// Open, and dates changes by the clock now; nil stands for time.Now.
func NewRegistry(store Store, now func() time.Time) *Registry {
	if now == nil {
		now = time.Now
	}
	return &Registry{store: store, now: now, policy: Open, origin: Origin{Via: ViaRegistrar}}
}

// Under returns r, judging by p.
func (r *Registry) Under(p *Policy) *Registry {
	other := *r
	other.policy = p
	return &other
}

// Advised returns r, asking index what it can answer in place of the store.
// Only checks do: registering asks the store.
func (r *Registry) Advised(index Index) *Registry {
	other := *r
	other.index = index
	return &other
}

// As returns r, saying in the journal that changes come by via, from who ("" for
// visitors), and for a reason in the registrar's words ("" for none).
func (r *Registry) As(via Via, who, reason string) *Registry {
	other := *r
	other.origin = Origin{Via: via, Who: who, Reason: reason}
	return &other
}

// Policy returns the policy that r judges by.
func (r *Registry) Policy() *Policy { return r.policy }

// stamp returns where a change that is made now comes from.
func (r *Registry) stamp() Origin {
	o := r.origin
	o.At, o.Policy = r.moment(), r.policy.version
	return o
}

func (r *Registry) moment() time.Time { return r.now().UTC().Truncate(time.Microsecond) }

// An Application asks for a pet to be registered, in its owner's words.
type Application struct {
	Name          string
	FavoriteColor string
	Category      string

	// RegisteredAt dates a pet that is brought over from an older book. The
	// zero Time stands for now.
	RegisteredAt time.Time

	// LetPass brings over a pet that was let pass in an older book: it may look
	// like another, and keeps nobody away who looks like it. Only an import sets
	// it.
	LetPass bool

	// IdempotencyKey, if not empty, makes it safe to send the application
	// again: the answer will be the first one, as long as the policy allows the
	// name. It is UTF-8 without NUL.
	IdempotencyKey string
}

// Parse judges every field of a under p. The pet it returns has a's
// RegisteredAt. The error is an *Error with CodeInvalid whose Fields say what to
// mend, one entry a field; or, if nothing is wrong but that p reserves the name,
// one with CodeReserved.
func (a Application) Parse(p *Policy) (Pet, error) {
	name, nameErr := p.ParseName(a.Name)
	color, colorErr := ParseColor(a.FavoriteColor)
	category, categoryErr := p.ParseCategory(a.Category)

	var fields []*Error
	for _, err := range []error{nameErr, colorErr, categoryErr} {
		if err != nil {
			fields = append(fields, err.(*Error))
		}
	}
	switch {
	case len(fields) == 1 && fields[0].Code == CodeReserved:
		return Pet{}, fields[0]
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
// The error is an *Error with CodeInvalid, CodeTaken, CodeSimilar, CodeReserved
// or CodeKeyReused. Where another name may help, it has suggestions.
func (r *Registry) Register(ctx context.Context, a Application) (Pet, error) {
	outcomes, err := r.RegisterAll(ctx, []Application{a})
	if err != nil {
		return Pet{}, err
	}
	if e, ok := errors.AsType[*Error](outcomes[0].Err); ok {
		e.Suggestions = r.helpful(ctx, e, a)
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
	origin, action := r.stamp(), ActionRegistered
	if origin.Via == ViaImport {
		action = ActionImported
	}
	outcomes := make([]Outcome, len(applications))
	entries := make([]Entry, 0, len(applications))
	which := make([]int, 0, len(applications)) // which[i] is the application behind entries[i]
	for i, a := range applications {
		pet, err := a.Parse(r.policy)
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		e := Entry{Pet: pet, LetPass: a.LetPass || r.policy.AllowsLookalikes(), HoldsNoKey: a.LetPass, Action: action, Origin: origin, IdempotencyKey: a.IdempotencyKey}
		if e.Pet.RegisteredAt.IsZero() {
			e.Pet.RegisteredAt = origin.At
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
	if res.Status == InsertRegistered {
		return Outcome{Pet: res.Pet}
	}
	return Outcome{Err: refusal(name, res)}
}

// refusal says why name was not given.
func refusal(name Name, res Result) *Error {
	switch res.Status {
	case InsertKeyReused:
		return &Error{Code: CodeKeyReused,
			Message: "This idempotency key was used for another registration. Send a new key with a new registration."}
	case InsertSimilar:
		return similarError(name, res.Pet)
	case InsertReserved:
		return rulingError(name, res.Ruling)
	default:
		return takenError(name, res.Pet)
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
	Available   Status = "available"   // nobody has it now
	Taken       Status = "taken"       // a pet has it
	Similar     Status = "similar"     // a pet has one that looks like it
	ReservedNow Status = "reserved"    // the registrar keeps it
	NotAllowed  Status = "not_allowed" // no pet may have it
)

// A Verdict answers whether a name can be had. It is advice: it was true when
// the book was asked, and only Register makes a name somebody's.
type Verdict struct {
	Status      Status
	Message     string    // the reason, sentences for people
	Name        Name      // the zero Name if it is not one that a registry could give
	Reason      Code      // why not: CodeTaken, CodeSimilar, CodeReserved, or what ParseName and Policy.Judge said; "" with Available
	Holder      *Pet      // with Taken and Similar: the pet that is in the way; nil if that is not known, see Explain
	Suggestions []Name    // with Suggest: others that could be had
	AsOf        time.Time // of what time it is, if it may be out of date; the zero Time if it is not
}

// judged returns the verdict that e stands for.
func judged(name Name, e *Error) Verdict {
	v := Verdict{Status: NotAllowed, Message: e.Message, Name: name, Reason: e.Code, Holder: e.Holder}
	switch e.Code {
	case CodeTaken:
		v.Status = Taken
	case CodeSimilar:
		v.Status = Similar
	case CodeReserved:
		v.Status = ReservedNow
	}
	return v
}

// Check answers, in the order given, whether these names can be had. With an
// index, it is asked and the book is not: whoever has a taken name is not told
// then, and answers go on while the book can't be reached.
func (r *Registry) Check(ctx context.Context, names ...string) ([]Verdict, error) {
	verdicts := make([]Verdict, len(names))
	var asked []Name
	var which []int // which[i] is the verdict on asked[i]
	for i, s := range names {
		name, err := r.policy.ParseName(s)
		if err != nil {
			verdicts[i] = judged(name, err.(*Error))
			continue
		}
		asked = append(asked, name)
		which = append(which, i)
	}
	if len(asked) == 0 {
		return verdicts, nil
	}
	at := r.moment()
	obstacles, asOf, err := r.look(ctx, at, asked)
	if err != nil {
		return nil, err
	}
	for j, o := range obstacles {
		verdicts[which[j]] = r.verdict(asked[j], o).dated(at, asOf)
	}
	return verdicts, nil
}

// Explain asks the book for the pets that are in the way, of those verdicts that
// do not tell them. They stay as they are if the book can't be asked; and so do
// those that are out of date, for it could not be asked lately.
func (r *Registry) Explain(ctx context.Context, verdicts []Verdict) {
	var asked []Name
	var which []int // which[i] is the verdict on asked[i]
	for i, v := range verdicts {
		if v.Holder == nil && (v.Status == Taken || v.Status == Similar) && v.AsOf.IsZero() {
			asked = append(asked, v.Name)
			which = append(which, i)
		}
	}
	if len(asked) == 0 {
		return
	}
	brief, cancel := context.WithTimeout(ctx, explaining)
	defer cancel()
	obstacles, err := r.store.Look(brief, r.moment(), asked)
	if err != nil {
		return
	}
	for j, o := range obstacles {
		v := &verdicts[which[j]]
		suggestions := v.Suggestions
		*v = r.verdict(v.Name, o)
		v.Suggestions = suggestions
	}
}

// explaining is how long Explain waits for the book.
const explaining = time.Second

// outdated is how old an index may be before it is told.
const outdated = 2 * time.Second

// look returns what stands in the way of names at a moment, which is now, and of
// what time that knowledge is.
func (r *Registry) look(ctx context.Context, at time.Time, names []Name) (obstacles []Obstacle, asOf time.Time, err error) {
	if r.index != nil {
		if obstacles, asOf, ok := r.index.GlanceAll(at, names); ok {
			return obstacles, asOf, nil
		}
	}
	obstacles, err = r.store.Look(ctx, at, names)
	return obstacles, at, err
}

func (r *Registry) glance(at time.Time, name Name) (o Obstacle, asOf time.Time, ok bool) {
	if r.index == nil {
		return Obstacle{}, time.Time{}, false
	}
	return r.index.Glance(at, name)
}

// verdict returns the verdict on a name in whose way o is.
func (r *Registry) verdict(name Name, o Obstacle) Verdict {
	if o.Holder != nil && o.Holder.Name.key == "" { // as an index says of half of the names that are asked for
		return Verdict{Status: Taken, Message: takenBySomebody(name), Name: name, Reason: CodeTaken}
	}
	if e := r.obstacleError(name, o); e != nil {
		return judged(name, e)
	}
	return Verdict{Status: Available, Name: name, Message: available(name)}
}

// dated returns v, given at a moment, saying of what time it is if that may
// be out of date.
func (v Verdict) dated(at, asOf time.Time) Verdict {
	if at.Sub(asOf) > outdated {
		v.AsOf = asOf
		v.Message += fmt.Sprintf(" The book can’t be reached right now: this is how it was at %s UTC.", asOf.UTC().Format("15:04:05"))
	}
	return v
}

func available(name Name) string { return "“" + name.display + "” is available." }

// obstacleError says why o keeps name from people; nil if it does not.
func (r *Registry) obstacleError(name Name, o Obstacle) *Error {
	switch {
	case o.Holder != nil:
		return takenError(name, *o.Holder)
	case o.Ruling != nil && !(r.policy.AllowsLookalikes() && o.Ruling.Name.key != name.key):
		return rulingError(name, *o.Ruling)
	case o.Similar != nil && !r.policy.AllowsLookalikes():
		return similarError(name, *o.Similar)
	default:
		return nil
	}
}

// takenError says that name is taken, and by whom; the zero Pet is one that is
// not known.
func takenError(name Name, holder Pet) *Error {
	e := &Error{Code: CodeTaken, Field: FieldName}
	if holder.Name.key == "" {
		e.Message = takenBySomebody(name)
		return e
	}
	e.Holder = &holder
	e.Message = fmt.Sprintf("“%s” is taken: %s. Please try another name.", name, story(name, holder))
	return e
}

func takenBySomebody(name Name) string {
	return "“" + name.display + "” is taken. Please try another name."
}

// similarError says that holder has a name that looks like name; the zero Pet
// is one that is not known.
func similarError(name Name, holder Pet) *Error {
	e := &Error{Code: CodeSimilar, Field: FieldName}
	if holder.Name.key == "" {
		e.Message = fmt.Sprintf("“%s” is too much like a name that is taken. Please try another name.", name)
		return e
	}
	e.Holder = &holder
	e.Message = fmt.Sprintf("“%s” is too much like “%s”, which %s has had since %s. Please try another name.",
		name, holder.Name, holder.Category.WithArticle(), holder.RegisteredAt.Format("2 January 2006"))
	return e
}

func story(name Name, holder Pet) string {
	since := holder.RegisteredAt.Format("2 January 2006")
	if name.display == holder.Name.display {
		return fmt.Sprintf("%s has had it since %s", holder.Category.WithArticle(), since)
	}
	return fmt.Sprintf("%s has had “%s” since %s", holder.Category.WithArticle(), holder.Name, since)
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
		return Pet{}, noSuchPet(n)
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
