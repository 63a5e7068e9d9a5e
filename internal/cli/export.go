package cli

import (
	"context"
	"io"

	"nametag/internal/registry"
	"nametag/internal/transfer"
)

type exportCmd struct {
	exportFlags
	Format string `enum:"csv,jsonl" default:"csv" help:"The format: csv, or jsonl for one JSON object per line."`
}

func (exportCmd) Help() string {
	return `Writes each pet, oldest first, with name, favorite_color, category, registered_at (RFC 3339, UTC) and
let_pass, which says whether the pet may be a lookalike. The export shows the registry at one moment and works alongside
a running server. It does not include rulings and the journal.

In CSV, a name or colour that begins with = + - or @ gets an apostrophe in front, so that spreadsheets don't run it as a
formula; import removes the apostrophe. JSON Lines has each text unchanged.

Examples:

    nametag export --output pets.csv
    nametag export --format jsonl | gzip > pets.jsonl.gz`
}

func (c exportCmd) Run(ctx context.Context, p Process) error {
	write := transfer.ExportCSV
	if c.Format == "jsonl" {
		write = transfer.ExportJSONL
	}
	return c.export(ctx, p, "pet", func(db store, w io.Writer) (int, error) {
		return write(ctx, registry.New(db, nil), w)
	})
}
