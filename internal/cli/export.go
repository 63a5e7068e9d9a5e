package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"nametag/internal/registry"
	"nametag/internal/transfer"
)

type exportCmd struct {
	databaseFlags
	Format string `enum:"csv,jsonl" default:"csv" help:"What to write: csv, or jsonl for one JSON object a line."`
	Output string `placeholder:"FILE" help:"Where to write; standard output by default. The file appears, or is replaced, when it is complete."`
}

// Help implements kong.HelpProvider.
func (exportCmd) Help() string {
	return `Writes every pet, oldest first, with its name, favorite_color, category, registered_at (RFC 3339, UTC) and let_pass: whether it may look like another. The book is seen as it is at one moment; a server may run meanwhile. Rulings on names and the journal are not part of it.

A name or colour that begins with = + - or @ gets an apostrophe before it in CSV, so that spreadsheets don't run it as a formula; import takes it off again. JSON has every text as it is.

Examples:

    nametag export --output pets.csv
    nametag export --format jsonl | gzip > pets.jsonl.gz`
}

// Run implements the command.
func (c exportCmd) Run(ctx context.Context, p Process) (err error) {
	db, place, err := c.openToExport(ctx, p, c.Output)
	if err != nil {
		return err
	}
	defer closing(&err, db)
	write := transfer.ExportCSV
	if c.Format == "jsonl" {
		write = transfer.ExportJSONL
	}
	defer func() {
		if errors.Is(err, context.Canceled) {
			err = errors.New("interrupted; the export is not complete")
		}
	}()
	reg := registry.New(db, nil)
	if c.Output == "" {
		if _, err := write(ctx, reg, p.Stdout); err != nil {
			return fmt.Errorf("exporting %s: %w", place, described(err))
		}
		return nil
	}
	var n int
	err = writeFile(c.Output, func(w io.Writer) (err error) {
		n, err = write(ctx, reg, w)
		return err
	})
	if err != nil {
		return fmt.Errorf("exporting %s: %w", place, described(err))
	}
	_, err = fmt.Fprintf(p.Stdout, "%s pets written to %s\n", thousands(n), c.Output)
	return err
}
