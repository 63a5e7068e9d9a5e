package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

type namesCmd struct {
	Reserve   namesReserveCmd   `cmd:"" help:"Keep a name, and those that look like it, from everybody."`
	Unreserve namesUnreserveCmd `cmd:"" help:"Take back that a name is reserved, in quarantine or let pass."`
	LetPass   namesLetPassCmd   `cmd:"" help:"Let whoever registers a name next have it, though it looks like another."`
	List      namesListCmd      `cmd:"" help:"List the names that are kept or let pass."`
}

// A nameChange is a command that changes what holds for a name.
type nameChange struct {
	changeFlags
	Name string `arg:"" help:"The name, in any spelling."`
}

// decide makes a ruling, or takes one back, and says what holds since.
func (c nameChange) decide(ctx context.Context, p Process,
	change func(*registry.Registry, context.Context, string) (registry.Decision, error), says func(registry.Ruling) string,
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

type namesReserveCmd struct{ nameChange }

// Help implements kong.HelpProvider.
func (namesReserveCmd) Help() string {
	return `The reason is shown to people who ask for the name. Names that look like it are kept too, unless the policy allows lookalikes. A name that a pet has can't be reserved. Names that are always reserved may also stand in the policy's file. A server may run meanwhile.

Examples:

    nametag names reserve King --reason "Kept for the club's own dogs."`
}

// Run implements the command.
func (c namesReserveCmd) Run(ctx context.Context, p Process) error {
	return c.decide(ctx, p, (*registry.Registry).Reserve, func(r registry.Ruling) string {
		return fmt.Sprintf("“%s” is reserved, until you take it back with “nametag names unreserve”.", r.Name)
	})
}

type namesLetPassCmd struct{ nameChange }

// Help implements kong.HelpProvider.
func (namesLetPassCmd) Help() string {
	return `This holds for one registration of this very name, in any case. A server may run meanwhile.

Examples:

    nametag names let-pass Mamie --reason "Its owner knows of Marnie."`
}

// Run implements the command.
func (c namesLetPassCmd) Run(ctx context.Context, p Process) error {
	return c.decide(ctx, p, (*registry.Registry).AllowLookalike, func(r registry.Ruling) string {
		return fmt.Sprintf("Whoever registers “%s” next may have it, even if it looks like another name.", r.Name)
	})
}

type namesUnreserveCmd struct{ nameChange }

// Help implements kong.HelpProvider.
func (namesUnreserveCmd) Help() string {
	return `Whoever asks first gets the name then. A server may run meanwhile.

Examples:

    nametag names unreserve King --reason "The club gave it up."`
}

// Run implements the command.
func (c namesUnreserveCmd) Run(ctx context.Context, p Process) error {
	err := c.decide(ctx, p, (*registry.Registry).Unreserve, func(r registry.Ruling) string {
		return fmt.Sprintf("“%s” is no longer %s.", r.Name, wording.Kind(r.Kind))
	})
	if err == nil || registry.ErrorCode(err) == registry.CodeNotFound {
		c.warnOfPolicy(p.Stderr)
	}
	return err
}

// warnOfPolicy says if the policy does not allow the name, whatever the registry
// says of it.
func (c nameChange) warnOfPolicy(w io.Writer) {
	d := c.policy().Decide(c.Name)
	if d.Code != "" && d.Name.Key() != "" {
		fmt.Fprintf(w, "The policy %s does not allow the name: %s\n", c.policy().Version(), wording.Reason(d))
	}
}

type namesListCmd struct {
	bookFlags
	jsonFlag
}

// Help implements kong.HelpProvider.
func (namesListCmd) Help() string {
	return `Lists first the names that the policy reserves and then those of the book: reserved, in quarantine, or let pass. Who decided so is in “nametag journal show”.

Examples:

    nametag names list
    nametag names list --json --policy north-kennels.yaml`
}

// A keptName is a line of the list.
type keptName struct {
	Name   string              `json:"name"`
	Kind   registry.RulingKind `json:"kind"`
	By     string              `json:"by"` // policy or book
	Since  time.Time           `json:"since,omitzero"`
	Until  time.Time           `json:"until,omitzero"`
	Reason string              `json:"reason,omitempty"`
}

// Run implements the command.
func (c namesListCmd) Run(ctx context.Context, p Process) error {
	return c.read(ctx, p, func(r *registry.Registry) error {
		list, err := keptNames(ctx, r, p.Now())
		if err != nil {
			return err
		}
		if c.JSON {
			out := newJSONLines(p.Stdout)
			for _, k := range list {
				if err := out.Encode(k); err != nil {
					return err
				}
			}
			return nil
		}
		if len(list) == 0 {
			_, err := fmt.Fprintln(p.Stderr, "No name is reserved, in quarantine or let pass.")
			return err
		}
		w := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
		for _, k := range list {
			when := "by the policy"
			if !k.Until.IsZero() {
				when = "until " + wording.Day(k.Until)
			} else if !k.Since.IsZero() {
				when = "since " + wording.Day(k.Since)
			}
			if k.Kind == registry.RulingQuarantine {
				k.Reason = "Its pet gave it up."
			}
			fmt.Fprintf(w, "%s\t%s %s\t%s\n", k.Name, wording.Kind(k.Kind), when, k.Reason)
		}
		return w.Flush()
	})
}

// keptNames returns the names that are reserved, in quarantine or let pass now.
func keptNames(ctx context.Context, r *registry.Registry, now time.Time) (list []keptName, err error) {
	for _, res := range r.Policy().ReservedNames() {
		list = append(list, keptName{Name: res.Name, Kind: registry.RulingReserved, By: "policy", Reason: res.Reason})
	}
	err = r.EachRuling(ctx, func(ru registry.Ruling) {
		if ru.Kind == registry.RulingAllowLookalike || ru.InForce(now) {
			list = append(list, keptName{ru.Name.String(), ru.Kind, "book", ru.At, ru.Until, ru.Reason})
		}
	})
	return list, err
}
