package cli

import (
	"context"
	"fmt"
	"strings"

	"nametag/internal/registry"
	"nametag/internal/transfer"
)

type petsCmd struct {
	Find    petsFindCmd    `cmd:"" help:"List the pets whose names contain a text."`
	Show    petsShowCmd    `cmd:"" help:"Show a pet and its history."`
	Rename  petsRenameCmd  `cmd:"" help:"Give a pet another name."`
	Correct petsCorrectCmd `cmd:"" help:"Correct a pet's favourite colour or category."`
	Release petsReleaseCmd `cmd:"" help:"Remove a pet from the registry."`
}

type petsFindCmd struct {
	registryFlags
	jsonFlag
	Text string `arg:"" help:"A part of the name, in any case."`
}

func (petsFindCmd) Help() string {
	return `Lists the name, category, favourite colour and registration date of each pet, newest first.

Examples:

    nametag pets find bel
    nametag pets find --json "of york"`
}

func (c petsFindCmd) Run(ctx context.Context, p Process) error {
	if strings.TrimSpace(c.Text) == "" {
		return usagef("the text to search for is empty; give a part of the name, or list all pets with “nametag export”")
	}
	return c.read(ctx, p, func(r *registry.Registry) error {
		out, found := c.list(p.Stdout), false
		q := registry.Query{Search: c.Text, Limit: registry.MaxPageSize}
		for more := true; more; more = !q.After.IsZero() {
			page, err := r.Pets(ctx, q)
			if err != nil {
				return err
			}
			for _, pet := range page.Pets {
				found = true
				err := out.add(transfer.JSON(pet),
					pet.Name.String(), string(pet.Category), string(pet.FavoriteColor), moment(pet.RegisteredAt))
				if err != nil {
					return err
				}
			}
			q.After = page.Next
		}
		if !found {
			fmt.Fprintf(p.Stderr, "No pet has a name that contains “%s”.\n", c.Text)
		}
		return out.Flush()
	})
}

type petsShowCmd struct {
	registryFlags
	jsonFlag
	Name string `arg:"" help:"The pet's name or a former name, in any spelling."`
}

func (petsShowCmd) Help() string {
	return `The history begins with the registration of the pet. For earlier pets of that name and for rulings on it,
see “nametag journal show”.

Examples:

    nametag pets show Bella
    nametag pets show --json "Rex of York"`
}

func (c petsShowCmd) Run(ctx context.Context, p Process) error {
	return c.read(ctx, p, func(r *registry.Registry) error {
		pet, former, err := c.find(ctx, r)
		if err != nil {
			return err
		}
		events, err := r.History(ctx, pet.Name)
		if err != nil {
			return err
		}
		own := registry.OfPet(events, pet.Name)
		out := c.list(p.Stdout)
		if c.JSON {
			return out.add(struct {
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
		if err := addEvents(out, own); err != nil || len(own) == len(events) {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "\nFor the earlier history of its name, run %s.\n", command("journal show", pet.Name))
		return err
	})
}

// find returns the pet that has the name, or the one that had it last, with its former name.
func (c petsShowCmd) find(ctx context.Context, r *registry.Registry) (pet registry.Pet, former string, err error) {
	if pet, err = r.Pet(ctx, c.Name); registry.ErrorCode(err) != registry.CodeNotFound {
		return pet, "", err
	}
	if successor, err := r.Successor(ctx, c.Name); err == nil {
		return successor, c.Name, nil
	}
	if name, perr := registry.ParseName(c.Name); perr == nil {
		if events, herr := r.History(ctx, name); herr == nil && len(events) > 0 {
			return pet, "", fmt.Errorf("%w For the history of the name, run %s.",
				described(err), command("journal show", name))
		}
	}
	return pet, "", err
}

type petsRenameCmd struct {
	changeFlags
	LetPass bool   `help:"Allow a new name that is a lookalike of another pet's."`
	Old     string `arg:"" help:"The pet's name, in any spelling."`
	New     string `arg:"" help:"The new name."`
}

func (petsRenameCmd) Help() string {
	return `The new name is checked like that of a new pet. The old one is in quarantine for the time that the policy
sets; to end the quarantine earlier, see “nametag names unreserve”. The command works alongside a running server.

Examples:

    nametag pets rename Beela Bella --reason "Misspelt at the counter."
    nametag pets rename Mary Mamie --let-pass --as ann --reason "Agreed with the owner of Marnie."`
}

func (c petsRenameCmd) Run(ctx context.Context, p Process) error {
	return c.change(ctx, p, func(r *registry.Registry) error {
		before, err := r.Pet(ctx, c.Old)
		if err != nil {
			return err
		}
		d, err := r.Rename(ctx, c.Old, c.New, c.LetPass)
		if err != nil {
			return err
		}
		if err := refused(d); err != nil {
			if d.Code == registry.CodeSimilar || d.Code == registry.CodeReserved && d.Ruling.Name.Key() != d.Name.Key() {
				return fmt.Errorf("%w To allow the lookalike, add --let-pass.", err)
			}
			return err
		}
		fmt.Fprintf(p.Stdout, "“%s” is now called “%s”.", before.Name, d.Pet.Name)
		if before.Name.Key() != d.Pet.Name.Key() {
			fmt.Fprintf(p.Stdout, " %s", freeAgain(before.Name, d.Ruling))
		}
		_, err = fmt.Fprintln(p.Stdout)
		return err
	})
}

type petsCorrectCmd struct {
	changeFlags
	Color    registry.Color `placeholder:"COLOR" help:"The correct favourite colour."`
	Category string         `placeholder:"CATEGORY" help:"The correct category, one of the policy's."`
	Name     string         `arg:"" help:"The pet's name, in any spelling."`
}

func (petsCorrectCmd) Help() string {
	return `Give --color, --category or both. The pet's page says that it was corrected; the journal records the
previous value. The command works alongside a running server.

Examples:

    nametag pets correct Bella --color blue --reason "Misheard at the counter."
    nametag pets correct Rex --category cat --as ann --reason "The vet says so."`
}

func (c petsCorrectCmd) Run(ctx context.Context, p Process) error {
	if c.Color == "" && c.Category == "" {
		return usagef("there is nothing to correct; give %s or %s", setting("color"), setting("category"))
	}
	return c.change(ctx, p, func(r *registry.Registry) error {
		pet, err := r.Correct(ctx, c.Name, string(c.Color), c.Category)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "“%s” is now %s with the favourite colour %s.\n",
			pet.Name, pet.Category.WithArticle(), pet.FavoriteColor)
		return err
	})
}

type petsReleaseCmd struct {
	changeFlags
	Name string `arg:"" help:"The pet's name, in any spelling."`
}

func (petsReleaseCmd) Help() string {
	return `The name is in quarantine for the time that the policy sets; to end the quarantine earlier, see “nametag
names unreserve”. The journal keeps the history of the pet. The command works alongside a running server.

Examples:

    nametag pets release Bella --reason "Its owner asked for it."`
}

func (c petsReleaseCmd) Run(ctx context.Context, p Process) error {
	return c.change(ctx, p, func(r *registry.Registry) error {
		d, err := r.Release(ctx, c.Name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "“%s” was released. %s\n", d.Pet.Name, freeAgain(d.Pet.Name, d.Ruling))
		return err
	})
}
