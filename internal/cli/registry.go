package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

// registryFlags say where the registry is and which policy it has.
type registryFlags struct {
	databaseFlags
	policyFlags
}

// registry returns the registry in db.
func (f registryFlags) registry(p Process, db registry.Store) *registry.Registry {
	return registry.New(db, p.Now).WithPolicy(f.policy())
}

// read calls use with the registry, which use must not change.
func (f registryFlags) read(ctx context.Context, p Process, use func(*registry.Registry) error) error {
	return f.use(ctx, p, purpose{readOnly: true}, func(db store) error { return use(f.registry(p, db)) })
}

// A whoFlag says who changes the registry.
type whoFlag struct {
	As string `type:"who" placeholder:"WHO" help:"Your name for the journal. The default is the user who runs the command ($SUDO_USER or $USER)."`
}

// who returns the name for the journal; "" if it is not known.
func (f whoFlag) who(p Process) string {
	for _, name := range []string{f.As, p.Getenv("SUDO_USER"), p.Getenv("USER")} {
		if who, err := registry.ParseWho(name); err == nil {
			return who
		}
	}
	return ""
}

// changeFlags are those of commands by which a registrar changes the registry.
type changeFlags struct {
	registryFlags
	Reason string `type:"reason" required:"" placeholder:"WORDS" help:"The reason, for the journal."`
	whoFlag
}

// change calls use with a registry that records where changes come from. The database must exist: a mistyped path must
// not create another one.
func (f changeFlags) change(ctx context.Context, p Process, use func(*registry.Registry) error) error {
	who := f.who(p)
	if who == "" {
		return usagef("the journal records who changes the registry; give your name with %s", setting("as"))
	}
	if f.Database.isMissing() {
		return fmt.Errorf("there is no database at %s; give its path with %s, or create it with “nametag migrate”",
			f.Database, setting("database"))
	}
	return f.use(ctx, p, purpose{migrate: true}, func(db store) error {
		f.comparePolicy(ctx, p.Stderr, db)
		return use(f.registry(p, db).WithOrigin(registry.ViaRegistrar, who, f.Reason))
	})
}

// comparePolicy warns if the policy is not that of the latest registration. It leaves errors to the change.
func (f changeFlags) comparePolicy(ctx context.Context, w io.Writer, db registry.Store) {
	latest, err := latestPolicy(ctx, db)
	if own := f.policy().Version(); err == nil && latest != "" && latest != own {
		fmt.Fprintf(w, "The latest registration was judged by the policy %s, but this command uses %s. Check %s.\n",
			latest, own, setting("policy"))
	}
}

// latestPolicy returns the version of the policy that judged the latest registration; "" if there is none among the
// journal's last rows.
func latestPolicy(ctx context.Context, db registry.Store) (string, error) {
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

// freeAgain says when others can register a name that was given up. The quarantine is nil if there is none.
func freeAgain(name registry.Name, quarantine *registry.Ruling) string {
	if quarantine == nil {
		return fmt.Sprintf("“%s” can be registered again now.", name)
	}
	// Not "on" that day, for the quarantine ends at the time of day at which it began.
	return fmt.Sprintf("“%s” can be registered again after %s.", name, wording.Day(quarantine.Until))
}
