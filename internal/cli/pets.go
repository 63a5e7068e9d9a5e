package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"nametag/internal/registry"
	"nametag/internal/transfer"
)

type petsCmd struct {
	Find    petsFindCmd    `cmd:"" help:"List the pets whose names contain a text."`
	Show    petsShowCmd    `cmd:"" help:"Show a pet and what the journal tells of it."`
	Rename  petsRenameCmd  `cmd:"" help:"Give a pet another name."`
	Correct petsCorrectCmd `cmd:"" help:"Correct a pet's favourite colour or category."`
	Release petsReleaseCmd `cmd:"" help:"Take a pet out of the book."`
}

// jsonFlag asks for output that programs read.
type jsonFlag struct {
	JSON bool `name:"json" help:"Write JSON, one object a line."`
}

type petsFindCmd struct {
	bookFlags
	jsonFlag
	Text string `arg:"" help:"A part of the name, in any case."`
}

// Help implements kong.HelpProvider.
func (petsFindCmd) Help() string {
	return `Lists the name, category, favourite colour and date of each, the newest first.

Examples:

    nametag pets find bel
    nametag pets find --json "of york"`
}

// Run implements the command.
func (c petsFindCmd) Run(ctx context.Context, p Process) error {
	if strings.TrimSpace(c.Text) == "" {
		return usagef("there is nothing to look for: give a part of the name; “nametag export” has the whole book")
	}
	return c.read(ctx, p, func(r *registry.Registry) error {
		table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
		out := newJSONLines(p.Stdout)
		n := 0
		for q := (registry.Query{Search: c.Text, Limit: registry.MaxPageSize}); n == 0 || !q.After.IsZero(); {
			page, err := r.Pets(ctx, q)
			if err != nil {
				return err
			}
			for _, pet := range page.Pets {
				if !c.JSON {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", pet.Name, pet.Category, pet.FavoriteColor, moment(pet.RegisteredAt))
				} else if err := out.Encode(transfer.JSON(pet)); err != nil {
					return err
				}
			}
			n += len(page.Pets)
			if q.After = page.Next; n == 0 {
				break
			}
		}
		if n == 0 {
			_, err := fmt.Fprintf(p.Stderr, "No pet has a name that contains “%s”.\n", c.Text)
			return err
		}
		return table.Flush()
	})
}

type petsShowCmd struct {
	bookFlags
	jsonFlag
	Name string `arg:"" help:"The pet's name, in any spelling, or one that it had before."`
}

// Help implements kong.HelpProvider.
func (petsShowCmd) Help() string {
	return `The story begins when the pet came into the book. Of who had its name before, and of what was decided on it, “nametag journal show” tells.

Examples:

    nametag pets show Bella
    nametag pets show --json "Rex of York"`
}

// Run implements the command.
func (c petsShowCmd) Run(ctx context.Context, p Process) error {
	return c.read(ctx, p, func(r *registry.Registry) error {
		pet, err := r.Pet(ctx, c.Name)
		former := ""
		if registry.ErrorCode(err) == registry.CodeNotFound {
			if heir, herr := r.Successor(ctx, c.Name); herr == nil {
				pet, err, former = heir, nil, c.Name
			}
		}
		if registry.ErrorCode(err) == registry.CodeNotFound {
			return c.notFound(ctx, r, err)
		}
		if err != nil {
			return err
		}
		story, err := r.History(ctx, pet.Name)
		if err != nil {
			return err
		}
		own := registry.OfPet(story, pet.Name)
		if c.JSON {
			return newJSONLines(p.Stdout).Encode(struct {
				Pet     any              `json:"pet"`
				Former  string           `json:"former_name,omitempty"`
				Journal []registry.Event `json:"journal"`
			}{transfer.JSON(pet), former, own})
		}
		if former != "" {
			fmt.Fprintf(p.Stdout, "“%s” is now called “%s”.\n\n", former, pet.Name)
		}
		fmt.Fprintf(p.Stdout, "%s\n  favourite colour  %s\n  category          %s\n  registered        %s\n\n",
			pet.Name, pet.FavoriteColor, pet.Category, moment(pet.RegisteredAt))
		if err := tell(p.Stdout, own); err != nil || len(own) == len(story) {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "\nWhat there was on its name before is in %s.\n", command("journal show", pet.Name.String()))
		return err
	})
}

// notFound adds to err, which says that there is no such pet, where to read about
// one that was released.
func (c petsShowCmd) notFound(ctx context.Context, r *registry.Registry, err error) error {
	name, perr := registry.ParseName(c.Name)
	if perr != nil {
		return err
	}
	if events, herr := r.History(ctx, name); herr == nil && len(events) > 0 {
		return fmt.Errorf("%w Its history is in %s.", described(err), command("journal show", name.String()))
	}
	return err
}

type petsRenameCmd struct {
	changeFlags
	LetPass bool   `help:"Allow a new name that looks like another pet's."`
	Old     string `arg:"" help:"The pet's name, in any spelling."`
	New     string `arg:"" help:"The name that it is to have."`
}

// Help implements kong.HelpProvider.
func (petsRenameCmd) Help() string {
	return `The new name is judged as one that is registered would be. The old one is kept from others for the time that the policy says; to give it back before, see “nametag names unreserve”. A server may run meanwhile.

Examples:

    nametag pets rename Beela Bella --reason "Misspelt at the counter."
    nametag pets rename Mary Mamie --let-pass --as ann --reason "Agreed with the owner of Marnie."`
}

// Run implements the command.
func (c petsRenameCmd) Run(ctx context.Context, p Process) error {
	return c.change(ctx, p, func(r *registry.Registry) error {
		before, err := r.Pet(ctx, c.Old)
		if err != nil {
			return err
		}
		d, err := r.Rename(ctx, c.Old, c.New, c.LetPass)
		if err == nil {
			err = refused(d)
		}
		switch {
		case err != nil && isForLookalike(d):
			return fmt.Errorf("%w To allow the lookalike, add --let-pass.", err)
		case err != nil:
			return err
		}
		fmt.Fprintf(p.Stdout, "“%s” is now called “%s”.", before.Name, d.Pet.Name)
		if before.Name.Key() != d.Pet.Name.Key() {
			fmt.Fprintf(p.Stdout, " %s", freeAfter(before.Name, d.Ruling))
		}
		_, err = io.WriteString(p.Stdout, "\n")
		return err
	})
}

// isForLookalike reports whether d refuses a name only because it looks like
// another.
func isForLookalike(d registry.Decision) bool {
	return d.Code == registry.CodeSimilar || d.Code == registry.CodeReserved && d.Ruling.Name.Key() != d.Name.Key()
}

type petsCorrectCmd struct {
	changeFlags
	Color    color  `placeholder:"COLOR" help:"The favourite colour that it is to have."`
	Category string `placeholder:"CATEGORY" help:"The category that it is to have, one of the policy's."`
	Name     string `arg:"" help:"The pet's name, in any spelling."`
}

// Help implements kong.HelpProvider.
func (petsCorrectCmd) Help() string {
	return `Give --color, --category or both; what is not given stays. The pet's page says that it was corrected, and the journal what was there before. A server may run meanwhile.

Examples:

    nametag pets correct Bella --color blue --reason "Misheard at the counter."
    nametag pets correct Rex --category cat --as ann --reason "The vet says so."`
}

// Run implements the command.
func (c petsCorrectCmd) Run(ctx context.Context, p Process) error {
	if c.Color == "" && c.Category == "" {
		return usagef("there is nothing to correct: say what is right with --color (NAMETAG_COLOR) or --category (NAMETAG_CATEGORY)")
	}
	return c.change(ctx, p, func(r *registry.Registry) error {
		pet, err := r.Correct(ctx, c.Name, string(c.Color), c.Category)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "“%s” is now %s with the favourite colour %s.\n", pet.Name, pet.Category.WithArticle(), pet.FavoriteColor)
		return err
	})
}

type petsReleaseCmd struct {
	changeFlags
	Name string `arg:"" help:"The pet's name, in any spelling."`
}

// Help implements kong.HelpProvider.
func (petsReleaseCmd) Help() string {
	return `The name is kept from others for the time that the policy says; to give it back before, see “nametag names unreserve”. The journal keeps the pet's story. A server may run meanwhile.

Examples:

    nametag pets release Bella --reason "Its owner asked for it."`
}

// Run implements the command.
func (c petsReleaseCmd) Run(ctx context.Context, p Process) error {
	return c.change(ctx, p, func(r *registry.Registry) error {
		d, err := r.Release(ctx, c.Name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "“%s” was released. %s\n", d.Pet.Name, freeAfter(d.Pet.Name, d.Ruling))
		return err
	})
}

// newJSONLines returns an encoder that writes one object a line.
func newJSONLines(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}
