package cli

import (
	"context"
	"fmt"
)

type migrateCmd struct {
	databaseFlags
	Check bool `aliases:"status" help:"Only say whether the schema is up to date; exit with 1 if it is not."`
}

// Help implements kong.HelpProvider.
func (migrateCmd) Help() string {
	return `A server does this by itself when it starts. This command is for those who want it done before, say by another user of the database.

If this nametag has another algorithm for lookalike keys than the one that computed those in the database, it computes them again. Pets whose names look alike by the new keys keep their names, and are listed on standard error.

Examples:

    nametag migrate --database pets.db
    nametag migrate --check --database postgres://owner@db.example/nametag`
}

// Run implements the command.
func (c migrateCmd) Run(ctx context.Context, p Process) (err error) {
	db, place, err := c.open(ctx, p, nil, purpose{readOnly: c.Check, anySchema: !c.Check})
	if err != nil {
		return err
	}
	defer closing(&err, db)
	if c.Check {
		if err := db.Ready(ctx); err != nil {
			return fmt.Errorf("%s: %w", place, described(err))
		}
		_, err = fmt.Fprintf(p.Stdout, "%s: the schema is up to date\n", place)
		return err
	}
	from, to, err := db.Migrate(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", place, described(err))
	}
	if from == to {
		_, err = fmt.Fprintf(p.Stdout, "%s: the schema is up to date, at version %d\n", place, to)
	} else {
		_, err = fmt.Fprintf(p.Stdout, "%s: migrated from version %d to version %d\n", place, from, to)
	}
	return err
}
