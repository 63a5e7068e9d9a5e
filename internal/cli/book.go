package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

// bookFlags say where the book is and how its names are given.
type bookFlags struct {
	databaseFlags
	policyFlags
}

// registry returns the registry whose book is in db.
func (f bookFlags) registry(p Process, db registry.Store) *registry.Registry {
	return registry.New(db, p.Now).WithPolicy(f.policy())
}

// read calls use with a registry that is only asked.
func (f bookFlags) read(ctx context.Context, p Process, use func(*registry.Registry) error) (err error) {
	db, _, err := f.open(ctx, p, nil, purpose{readOnly: true})
	if err != nil {
		return err
	}
	defer closing(&err, db)
	return use(f.registry(p, db))
}

// A whoFlag says who changes the book.
type whoFlag struct {
	As who `placeholder:"WHO" help:"Who does this, for the journal; by default who runs the command ($SUDO_USER or $USER)."`
}

// who returns the name for the journal, "" if there is none to be had.
func (f whoFlag) who(p Process) string {
	if f.As != "" {
		return string(f.As)
	}
	for _, variable := range []string{"SUDO_USER", "USER"} {
		var name who
		if name.UnmarshalText([]byte(p.Getenv(variable))) == nil {
			return string(name)
		}
	}
	return ""
}

// A who is a name for the journal, cleaned.
type who string

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *who) UnmarshalText(text []byte) error {
	name, err := registry.ParseWho(string(text))
	if registry.ErrorCode(err) == registry.CodeEmpty {
		return errors.New("it is empty; say who does this, such as ann")
	}
	*w = who(name)
	return described(err)
}

// A reason is one for the journal, cleaned.
type reason string

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *reason) UnmarshalText(text []byte) error {
	words, err := registry.ParseReason(string(text))
	*r = reason(words)
	return described(err)
}

// changeFlags are those of commands by which a registrar changes the book.
type changeFlags struct {
	bookFlags
	Reason reason `required:"" placeholder:"WORDS" help:"Why, for the journal."`
	whoFlag
}

// change calls use with a registry that notes where changes come from. The book
// must be there: a mistyped path is not to make a new one.
func (f changeFlags) change(ctx context.Context, p Process, use func(*registry.Registry) error) (err error) {
	by := f.who(p)
	if by == "" {
		return usagef("the journal notes who changes the book: say who you are with --as (NAMETAG_AS)")
	}
	where, err := f.locate(p)
	if err != nil {
		return err
	}
	if _, err := os.Stat(where.path); where.path != "" && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database at %s; say where it is with --database (NAMETAG_DATABASE), or make one with “nametag migrate”", where)
	}
	db, _, err := f.open(ctx, p, nil, purpose{migrate: true})
	if err != nil {
		return err
	}
	defer closing(&err, db)
	f.comparePolicy(ctx, p.Stderr, db)
	return use(f.registry(p, db).WithOrigin(registry.ViaRegistrar, by, string(f.Reason)))
}

// comparePolicy warns of a policy that is not the one by which pets come into
// the book. What else is wrong, the change will say.
func (f changeFlags) comparePolicy(ctx context.Context, w io.Writer, db registry.Store) {
	last, err := lastPolicy(ctx, db)
	if own := f.policy().Version(); err == nil && last != "" && last != own {
		doubt := "missing"
		if f.Policy.Policy != nil {
			doubt = "the right one"
		}
		fmt.Fprintf(w, "The last registration was judged by the policy %s, this command judges by %s: is --policy (NAMETAG_POLICY) %s?\n", last, own, doubt)
	}
}

// lastPolicy returns the version of the policy by which the last registration
// was judged; "" if there is none among the journal's last rows.
func lastPolicy(ctx context.Context, db registry.Store) (string, error) {
	const recent = 50
	head, err := db.JournalHead(ctx)
	if err != nil {
		return "", err
	}
	records, err := db.Journal(ctx, registry.JournalQuery{After: max(head.Seq-recent, 0), Limit: recent})
	if err != nil {
		return "", err
	}
	for _, rec := range slices.Backward(records) {
		switch e, err := rec.Event(); {
		case err != nil:
			return "", err
		case e.Via == registry.ViaWeb || e.Via == registry.ViaAPI || e.Via == registry.ViaImport:
			return e.Policy, nil
		}
	}
	return "", nil
}

// freeAfter says when a name that was given up is free again. The quarantine is nil
// if there is none. It is not free "on" that day, for it is not before the time of
// day at which it was given up.
func freeAfter(name registry.Name, quarantine *registry.Ruling) string {
	if quarantine == nil {
		return fmt.Sprintf("“%s” is free for others at once.", name)
	}
	return fmt.Sprintf("“%s” is free for others after %s.", name, wording.Day(quarantine.Until))
}
