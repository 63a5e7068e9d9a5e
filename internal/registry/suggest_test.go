package registry_test

import (
	"context"
	"errors"
	"testing"

	"nametag/internal/registry"
)

// A downStore is unavailable.
type downStore struct{ registry.Store }

func (downStore) Lookup(context.Context, registry.Inquiry) ([]registry.Decision, error) {
	return nil, registry.Unavailable(errors.New("down"))
}

// TestAPolicyRefusesWithoutADatabase checks a name that the policy refuses. Only the suggestions need a database.
func TestAPolicyRefusesWithoutADatabase(t *testing.T) {
	t.Parallel()
	rules := registry.Open.Rules()
	rules.Length.Max = 5
	policy, err := registry.NewPolicy(rules)
	if err != nil {
		t.Fatal(err)
	}
	d, err := registry.New(downStore{}, nil).WithPolicy(policy).Suggest(t.Context(), registry.Application{Name: "Rumpelstilzchen"})
	if err != nil || d.Rule != registry.RuleLengthMax || len(d.Suggestions) != 0 {
		t.Errorf("%+v, %v; want the rule %s", d, err, registry.RuleLengthMax)
	}
}
