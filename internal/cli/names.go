package cli

import (
	"context"
	"fmt"
	"time"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

type namesCmd struct {
	Reserve   namesReserveCmd   `cmd:"" help:"Reserve a name and its lookalikes, so that nobody gets them."`
	Unreserve namesUnreserveCmd `cmd:"" help:"Cancel a reservation, a quarantine or an allowed lookalike."`
	LetPass   namesLetPassCmd   `cmd:"" help:"Allow the next registration of a name although it is a lookalike."`
	List      namesListCmd      `cmd:"" help:"List reserved names, names in quarantine and allowed lookalikes."`
}

// A rulingCmd is a command that makes or cancels a ruling on a name.
type rulingCmd struct {
	changeFlags
	Name string `arg:"" help:"The name, in any spelling."`
}

// decide changes the ruling on the name and prints what it is now.
func (c rulingCmd) decide(
	ctx context.Context, p Process,
	change func(*registry.Registry, context.Context, string) (registry.Decision, error),
	says func(registry.Ruling) string,
) error {
	return c.change(ctx, p, func(r *registry.Registry) error {
		d, err := change(r, ctx, c.Name)
		if err == nil {
			err = refused(d)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.Stdout, says(*d.Ruling))
		return err
	})
}

type namesReserveCmd struct{ rulingCmd }

func (namesReserveCmd) Help() string {
	return `The reason is shown to visitors who ask for the name. Lookalikes are not reserved if the policy allows them.
A name that a pet has can't be reserved. A policy file can reserve names permanently. The command works alongside a
running server.

Examples:

    nametag names reserve King --reason "Kept for the club's own dogs."`
}

func (c namesReserveCmd) Run(ctx context.Context, p Process) error {
	return c.decide(ctx, p, (*registry.Registry).Reserve, func(r registry.Ruling) string {
		return fmt.Sprintf("“%s” is reserved. To cancel the reservation, run %s.",
			r.Name, command("names unreserve", r.Name))
	})
}

type namesLetPassCmd struct{ rulingCmd }

func (namesLetPassCmd) Help() string {
	return `The ruling holds for one registration of exactly this name, regardless of case. The command works alongside
a running server.

Examples:

    nametag names let-pass Mamie --reason "Its owner knows of Marnie."`
}

func (c namesLetPassCmd) Run(ctx context.Context, p Process) error {
	return c.decide(ctx, p, (*registry.Registry).AllowLookalike, func(r registry.Ruling) string {
		return fmt.Sprintf("“%s” may be registered once although it is a lookalike.", r.Name)
	})
}

type namesUnreserveCmd struct{ rulingCmd }

func (namesUnreserveCmd) Help() string {
	return `After that, anyone can register the name. The command works alongside a running server.

Examples:

    nametag names unreserve King --reason "The club gave it up."`
}

func (c namesUnreserveCmd) Run(ctx context.Context, p Process) error {
	err := c.decide(ctx, p, (*registry.Registry).Unreserve, func(r registry.Ruling) string {
		return fmt.Sprintf("“%s” is no longer %s.", r.Name, wording.Kind(r.Kind))
	})
	if err != nil && registry.ErrorCode(err) != registry.CodeNotFound {
		return err
	}
	if d := c.policy().Decide(c.Name); d.Code != "" && d.Name.Key() != "" {
		fmt.Fprintf(p.Stderr, "The policy %s does not allow the name: %s\n", c.policy().Version(), wording.Reason(d))
	}
	return err
}

type namesListCmd struct {
	registryFlags
	jsonFlag
}

func (namesListCmd) Help() string {
	return `Lists first the names that the policy reserves and then the rulings in the registry. For who made a ruling,
see “nametag journal show”.

Examples:

    nametag names list
    nametag names list --json --policy north-kennels.yaml`
}

// A listedName is a row of the list.
type listedName struct {
	Name   string              `json:"name"`
	Kind   registry.RulingKind `json:"kind"`
	By     string              `json:"by"` // policy, or book for the registry
	Since  time.Time           `json:"since,omitzero"`
	Until  time.Time           `json:"until,omitzero"`
	Reason string              `json:"reason,omitempty"`
}

func (c namesListCmd) Run(ctx context.Context, p Process) error {
	return c.read(ctx, p, func(r *registry.Registry) error {
		names, err := listedNames(ctx, r, p.Now())
		if err != nil {
			return err
		}
		if len(names) == 0 && !c.JSON {
			_, err := fmt.Fprintln(p.Stderr, "No name is reserved, in quarantine or an allowed lookalike.")
			return err
		}
		out := c.list(p.Stdout)
		for _, n := range names {
			if err := out.add(n, n.cells()...); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

func (n listedName) cells() []string {
	when, reason := "by the policy", n.Reason
	if !n.Until.IsZero() {
		when = "until " + wording.Day(n.Until)
	} else if !n.Since.IsZero() {
		when = "since " + wording.Day(n.Since)
	}
	if n.Kind == registry.RulingQuarantine {
		reason = "Its pet gave it up."
	}
	return []string{n.Name, wording.Kind(n.Kind) + " " + when, reason}
}

// listedNames returns the names that are reserved, in quarantine or allowed as lookalikes now.
func listedNames(ctx context.Context, r *registry.Registry, now time.Time) (names []listedName, err error) {
	for _, res := range r.Policy().ReservedNames() {
		n := listedName{Name: res.Name, Kind: registry.RulingReserved, By: "policy", Reason: res.Reason}
		names = append(names, n)
	}
	err = r.EachRuling(ctx, func(ru registry.Ruling) {
		if ru.Kind == registry.RulingAllowLookalike || ru.InForce(now) {
			names = append(names, listedName{ru.Name.String(), ru.Kind, "book", ru.At, ru.Until, ru.Reason})
		}
	})
	return names, err
}
