// Package registry is the domain of Nametag: names, pets, the policy that names are registered under, the decision on
// who gets a name, and the journal of all changes. It knows neither HTTP nor SQL. A Registry keeps its pets in a Store;
// package sqlite and package postgres are such stores.
package registry

import (
	"context"
	"time"
)

// A Registry registers pets and answers questions about names. Its methods may be called by several goroutines at once.
//
// Besides the errors that they name, the methods return those of the Store.
type Registry struct {
	store  Store
	now    func() time.Time
	policy *Policy
	origin Origin // of the changes; its time is set with each
}

// New returns a Registry that keeps its pets in store, under the policy Open, and
// dates changes by the clock now; nil stands for time.Now.
func New(store Store, now func() time.Time) *Registry {
	if now == nil {
		now = time.Now
	}
	return &Registry{store: store, now: now, policy: Open, origin: Origin{Via: ViaRegistrar}}
}

// WithPolicy returns a copy of r under the policy p.
func (r *Registry) WithPolicy(p *Policy) *Registry {
	other := *r
	other.policy = p
	return &other
}

// WithStore returns a copy of r that keeps its pets in store.
func (r *Registry) WithStore(store Store) *Registry {
	other := *r
	other.store = store
	return &other
}

// WithOrigin returns a copy of r whose changes say in the journal that they come by via, from who ("" for visitors),
// for a reason in the registrar's words ("" for none).
func (r *Registry) WithOrigin(via Via, who, reason string) *Registry {
	other := *r
	other.origin = Origin{Via: via, Who: who, Reason: reason}
	return &other
}

// Policy returns r's policy.
func (r *Registry) Policy() *Policy { return r.policy }

// stamp returns the origin of a change that is made now.
func (r *Registry) stamp() Origin {
	o := r.origin
	o.At, o.Policy = r.moment(), r.policy.version
	return o
}

func (r *Registry) moment() time.Time { return r.now().UTC().Truncate(time.Microsecond) }

// Register registers one pet. If the Decision has no Code, the name is the pet's and the record of it is on disk. Where
// another name may help, the Decision has suggestions. The error is a failure: it says nothing about the name.
func (r *Registry) Register(ctx context.Context, a Application) (Decision, error) {
	decisions, err := r.RegisterAll(ctx, []Application{a})
	if err != nil {
		return Decision{}, err
	}
	d := decisions[0]
	if d.concernsName() {
		d.Suggestions, _ = r.suggestions(ctx, r.moment(), d, a) // as in Suggest
	}
	return d, nil
}

// RegisterAll registers many pets in one transaction and decides on each, in the order given; one that is refused does
// not hinder the others. The error, if there is one, is about the transaction as a whole.
func (r *Registry) RegisterAll(ctx context.Context, applications []Application) ([]Decision, error) {
	origin := r.stamp()
	decisions := make([]Decision, len(applications))
	entries := make([]Entry, 0, len(applications))
	positions := make([]int, 0, len(applications)) // of the entries among the applications
	for i, a := range applications {
		decisions[i] = a.Parse(r.policy)
		if decisions[i].Code == "" {
			entries = append(entries, a.entry(*decisions[i].Pet, r.policy, origin))
			positions = append(positions, i)
		}
	}
	if len(entries) == 0 {
		return decisions, nil
	}
	decided, err := r.store.Insert(ctx, entries)
	if err != nil {
		return nil, err
	}
	for j, d := range decided {
		decisions[positions[j]] = d
	}
	return decisions, nil
}

// Check decides, in the order given, whether these names are available. The decisions are advice: they were true when
// the registry was asked. A store that answers from memory does not know the rivals: see Explain.
func (r *Registry) Check(ctx context.Context, names ...string) ([]Decision, error) {
	decisions := make([]Decision, len(names))
	var asked []Name
	var positions []int // of the asked names among the names
	for i, s := range names {
		decisions[i] = r.policy.Decide(s)
		if decisions[i].Code == "" {
			asked = append(asked, decisions[i].Name)
			positions = append(positions, i)
		}
	}
	decided, err := r.lookup(ctx, r.moment(), asked...)
	if err != nil {
		return nil, err
	}
	for j, d := range decided {
		decisions[positions[j]] = d
	}
	return decisions, nil
}

// lookup decides on names at a time, which is now.
func (r *Registry) lookup(ctx context.Context, at time.Time, names ...Name) ([]Decision, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return r.store.Lookup(ctx, Inquiry{Names: names, At: at, AllowLookalike: r.policy.AllowsLookalikes()})
}

// explainTimeout bounds how long Explain waits for the database.
const explainTimeout = time.Second

// Explain asks the database for the rivals that decisions lack. They stay as they are if it does not answer, or if they
// are out of date: then it could not be asked lately.
func (r *Registry) Explain(ctx context.Context, decisions []Decision) {
	q := Inquiry{At: r.moment(), AllowLookalike: r.policy.AllowsLookalikes(), WithRivals: true}
	var positions []int // of q's names among the decisions
	for i, d := range decisions {
		if d.Rival == nil && (d.Code == CodeTaken || d.Code == CodeSimilar) && d.AsOf.IsZero() {
			q.Names = append(q.Names, d.Name)
			positions = append(positions, i)
		}
	}
	if len(q.Names) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	decided, err := r.store.Lookup(ctx, q)
	if err != nil {
		return
	}
	for j, d := range decided {
		d.Suggestions = decisions[positions[j]].Suggestions
		decisions[positions[j]] = d
	}
}

// Pet returns the pet that has this name, in any spelling with the same key. The error is an *Error with CodeNotFound;
// so it is for a text that is not a valid name.
func (r *Registry) Pet(ctx context.Context, name string) (Pet, error) {
	n, err := ParseName(name)
	if err != nil {
		return Pet{}, &Error{Code: CodeNotFound, Message: "No pet has this name, because it is not a valid name. " + errorMessage(err), Err: err}
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

// MaxPageSize is the greatest number of pets that a Page has.
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

// Pets returns a page of the pets. The error is an *Error with CodeTooLong or
// CodeNotAllowed if no name could contain the search.
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
