package cli

import (
	"context"
	"fmt"
)

type migrateCmd struct {
	databaseFlags
	Check bool `aliases:"status" help:"Only report whether the schema is up to date; exit with 1 if it is not."`
}

func (migrateCmd) Help() string {
	return `A server updates the schema at start. Use this command to update it earlier, for example as another user of
the database.

If this version of nametag computes lookalike keys differently, all keys in the database are computed again. Pets that
become lookalikes keep their names and are listed on standard error.

Examples:

    nametag migrate --database pets.db
    nametag migrate --check --database postgres://owner@db.example/nametag`
}

func (c migrateCmd) Run(ctx context.Context, p Process) error {
	return c.use(ctx, p, purpose{readOnly: c.Check, anySchema: !c.Check}, func(db store) error {
		if c.Check {
			if err := db.Ready(ctx); err != nil {
				return err
			}
			_, err := fmt.Fprintf(p.Stdout, "%s: the schema is up to date\n", c.Database)
			return err
		}
		from, to, err := db.Migrate(ctx)
		if err != nil {
			return err
		}
		if from == to {
			_, err = fmt.Fprintf(p.Stdout, "%s: the schema is up to date, at version %d\n", c.Database, to)
		} else {
			_, err = fmt.Fprintf(p.Stdout, "%s: migrated from version %d to version %d\n", c.Database, from, to)
		}
		return err
	})
}
