package transfer

import (
	"context"

	"nametag/internal/registry"
)

// DryRun returns an Enter that decides as r.RegisterAll would, one call after another, but registers nothing.
func DryRun(r *registry.Registry) Enter {
	return r.WithStore(&dryRun{real: r}).RegisterAll
}

// EmptyRegistry returns an Enter like that of DryRun, for an empty registry under p.
func EmptyRegistry(p *registry.Policy) Enter {
	return registry.New(&dryRun{}, nil).WithPolicy(p).RegisterAll
}

// A dryRun is a Store that registers pets in memory only, and the Tx in which it does so. It has no other method of a
// Store.
type dryRun struct {
	registry.Store
	real       *registry.Registry // the registry that stays as it is; nil for an empty one
	hasRulings bool               // whether found has the rulings of real
	found      registry.Found     // the pets registered here, and what decisions depended on in real
}

// Insert implements registry.Store.
func (d *dryRun) Insert(ctx context.Context, entries []registry.Entry) ([]registry.Decision, error) {
	if d.real != nil {
		if err := d.find(ctx, entries); err != nil {
			return nil, err
		}
	}
	return registry.InsertTx(ctx, d, entries)
}

// find adds what real has that entries depend on.
func (d *dryRun) find(ctx context.Context, entries []registry.Entry) error {
	if !d.hasRulings {
		err := d.real.EachRuling(ctx, func(r registry.Ruling) { d.found.AddRuling(registry.NewRulingState(r)) })
		if err != nil {
			return err
		}
		d.hasRulings = true
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Pet.Name.String()
	}
	decisions, err := d.real.Check(ctx, names...)
	for _, decision := range decisions {
		if decision.Rival != nil {
			d.found.AddPet(registry.NewPetState(*decision.Rival, decision.Code != registry.CodeSimilar))
		}
	}
	return err
}

// Claim implements registry.Tx. Imports have no idempotency keys.
func (d *dryRun) Claim(context.Context, []registry.Claim) ([]registry.Answer, error) { return nil, nil }

// Lock implements registry.Tx.
func (d *dryRun) Lock(context.Context, registry.Selection) (registry.Head, registry.Found, error) {
	return registry.Head{}, d.found, nil
}

// Write implements registry.Tx.
func (d *dryRun) Write(_ context.Context, c registry.Changes) error {
	for _, p := range c.AddPets {
		d.found.AddPet(p)
	}
	return nil
}
