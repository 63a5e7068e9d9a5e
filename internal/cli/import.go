package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"nametag/internal/registry"
	"nametag/internal/transfer"
)

type importCmd struct {
	registryFlags
	whoFlag
	namesFile
	CategoryColumn string         `placeholder:"HEADER" help:"The column with the categories; by default category, pet_category or species."`
	ColorColumn    string         `placeholder:"HEADER" help:"The column with the favourite colours; by default favorite_color, pet_favorite_color, favourite_colour, color or colour."`
	DateColumn     string         `placeholder:"HEADER" help:"The column with the registration dates; by default registered_at or license_issue_date. A row without a date is registered now."`
	DefaultColor   registry.Color `default:"unknown" placeholder:"COLOR" help:"The favourite colour of pets without one in the file; unknown by default."`
	Report         string         `placeholder:"FILE" help:"The file for the report of refused rows; by default the name of the CSV file with .refused.csv, in this directory."`
	DryRun         bool           `help:"Register nothing, but judge and report each row."`
}

func (importCmd) Help() string {
	return `Registers the rows in the order of the file and writes a report with the line number and reason for each
refused row. Headers are matched regardless of case; dates look like 2018-11-16 or as in RFC 3339. A row whose let_pass
is true, as export writes it, is registered although its name is a lookalike. The command works alongside a running
server.

The exit code is 0 when each row was judged, even if rows were refused.

An import can be stopped and run again: pets that are already registered are then reported as already_registered.

Examples:

    nametag import pets.csv
    nametag import --dry-run --delimiter tab --name-column "Called" old-registry.tsv
    zcat pets.csv.gz | nametag import --report refused.csv -`
}

func (c importCmd) Run(ctx context.Context, p Process) error {
	in, err := c.openCSV(p, transfer.Format{
		Columns:      transfer.Columns{Category: c.CategoryColumn, Color: c.ColorColumn, Date: c.DateColumn},
		DefaultColor: string(c.DefaultColor),
		Policy:       c.policy(),
		Now:          p.Now,
	}, transfer.NewRows)
	if err != nil {
		return err
	}
	defer in.Close()
	words := outcomes{
		accepted: "registered",
		refused:  "refused; the report is " + c.reportName(),
		stopped: "\nRun the same command again to continue. " +
			"What is registered stays registered and is then reported as already_registered.",
	}
	if c.DryRun {
		words.accepted = "would be registered (dry run)"
		words.stopped = "\nNothing was registered: this was a dry run."
	}
	register := func(enter transfer.Enter) error {
		report, err := c.createReport(in)
		if err != nil {
			return err
		}
		err = c.run(ctx, in, enter, report, p.Stdout, words)
		return errors.Join(err, report.Close())
	}
	switch {
	case c.DryRun && c.Database.isMissing():
		return register(transfer.EmptyRegistry(c.policy()))
	case c.DryRun:
		return c.read(ctx, p, func(r *registry.Registry) error { return register(transfer.DryRun(r)) })
	default:
		return c.use(ctx, p, purpose{migrate: true}, func(db store) error {
			return register(c.registry(p, db).WithOrigin(registry.ViaImport, c.who(p), "").RegisterAll)
		})
	}
}

// createReport creates the report. It does not replace the input or the database.
func (c importCmd) createReport(in *input) (*os.File, error) {
	name := c.reportName()
	if f, ok := in.file.(*os.File); ok {
		from, err := f.Stat()
		to, terr := os.Stat(name)
		if err == nil && terr == nil && os.SameFile(from, to) {
			return nil, usagef("the report would replace the imported file; choose another file with %s", setting("report"))
		}
	}
	if err := c.refuseDatabasePath(name, "report"); err != nil {
		return nil, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("the report: %w; choose another file with %s", err, setting("report"))
	}
	return f, nil
}

func (c importCmd) reportName() string {
	if c.Report != "" {
		return c.Report
	}
	if c.File == "-" {
		return "import.refused.csv"
	}
	base := filepath.Base(c.File)
	if ext := filepath.Ext(base); strings.EqualFold(ext, ".csv") {
		base = strings.TrimSuffix(base, ext)
	}
	return base + ".refused.csv"
}
