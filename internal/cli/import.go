package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nametag/internal/registry"
	"nametag/internal/transfer"
)

// A namesFile is a CSV file that has names.
type namesFile struct {
	File       string    `arg:"" help:"The CSV file (UTF-8, with a header line), or - for standard input."`
	Delimiter  delimiter `default:"," placeholder:"CHARACTER" help:"What stands between columns: a comma by default; tab for a tabulator."`
	NameColumn string    `placeholder:"HEADER" help:"The column of the names; by default name, pet_name or animals_name."`
}

type importCmd struct {
	bookFlags
	whoFlag
	namesFile
	CategoryColumn string `placeholder:"HEADER" help:"The column of the categories; by default category, pet_category or species."`
	ColorColumn    string `placeholder:"HEADER" help:"The column of the favourite colours; by default favorite_color, pet_favorite_color, favourite_colour, color or colour."`
	DateColumn     string `placeholder:"HEADER" help:"The column of the registration dates; by default registered_at or license_issue_date. A row without a date is registered now."`
	DefaultColor   color  `default:"unknown" placeholder:"COLOR" help:"The favourite colour of pets for which the file gives none; unknown by default."`
	Report         string `placeholder:"FILE" help:"Where to list the rows that were refused; by default the file's name with .refused.csv, in this directory."`
	DryRun         bool   `help:"Register nothing, but judge and report every row."`
}

// Help implements kong.HelpProvider.
func (importCmd) Help() string {
	return `Registers each row whose name is free, in the order of the file, and lists the others, with the line and the reason, in a report. Headers are found in any case; dates are written like 2018-11-16 or as in RFC 3339. A row whose let_pass is true, as export writes it, is registered though its name looks like another. A server may run meanwhile.

The exit code is 0 when every row was judged, whether or not it was refused.

It is safe to stop an import, and to run it again: rows that are in the book are then reported as already_registered.

Examples:

    nametag import pets.csv
    nametag import --dry-run --delimiter tab --name-column "Called" old-book.tsv
    zcat pets.csv.gz | nametag import --report refused.csv -`
}

// Run implements the command.
func (c importCmd) Run(ctx context.Context, p Process) (err error) {
	in, err := c.input(p)
	if err != nil {
		return err
	}
	defer in.Close()
	meter := newMeter(in, p.Stderr)
	rows, err := transfer.NewRows(meter, transfer.Format{
		Delimiter:    rune(c.Delimiter),
		Columns:      transfer.Columns{Name: c.NameColumn, Category: c.CategoryColumn, Color: c.ColorColumn, Date: c.DateColumn},
		DefaultColor: string(c.DefaultColor),
		Policy:       c.policy(),
		Now:          p.Now,
	})
	if err != nil {
		return c.describe(err)
	}
	enter, closeBook, err := c.enter(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeBook()) }()

	to, err := c.createReport(p, in)
	if err != nil {
		return err
	}
	defer closing(&err, to)
	report, err := transfer.NewReport(to)
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}

	begin := time.Now()
	importer := transfer.Importer{Rows: rows, Enter: enter, Report: report, Progress: meter.show}
	sum, err := importer.Run(ctx)
	meter.finish()
	done := "registered"
	if c.DryRun {
		done = "would be registered (dry run)"
	}
	if werr := summarize(p.Stdout, sum, time.Since(begin), done, "refused; the report is "+c.reportName()); err == nil {
		return werr
	}
	return c.stopped(sum, err)
}

// input opens the file.
func (c namesFile) input(p Process) (io.ReadCloser, error) {
	if c.File == "-" {
		if f, ok := p.Stdin.(*os.File); ok {
			return f, nil // so that createReport can tell it from the report
		}
		return io.NopCloser(p.Stdin), nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		f.Close()
		return nil, errors.Join(err, fmt.Errorf("%s is a directory; give a CSV file", c.File))
	}
	return f, nil
}

// enter opens the database, and returns how rows get into it.
func (c importCmd) enter(ctx context.Context, p Process) (enter transfer.Enter, done func() error, err error) {
	if c.DryRun {
		return c.enterDry(ctx, p)
	}
	db, _, err := c.open(ctx, p, nil, purpose{migrate: true})
	if err != nil {
		return nil, nil, err
	}
	return c.registry(p, db).WithOrigin(registry.ViaImport, c.who(p), "").RegisterAll, db.Close, nil
}

// enterDry returns how rows would get into the database. Where there is none
// yet, the book is empty.
func (c importCmd) enterDry(ctx context.Context, p Process) (enter transfer.Enter, done func() error, err error) {
	where, err := c.locate(p)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(where.path); where.path != "" && errors.Is(err, fs.ErrNotExist) {
		return transfer.EmptyRegistry(c.policy()), func() error { return nil }, nil
	}
	db, _, err := c.open(ctx, p, nil, purpose{readOnly: true})
	if err != nil {
		return nil, nil, err
	}
	return transfer.DryRun(c.registry(p, db)), db.Close, nil
}

// createReport opens the report. It refuses to write it over the input or the
// database.
func (c importCmd) createReport(p Process, in io.Reader) (*os.File, error) {
	name := c.reportName()
	if f, ok := in.(*os.File); ok {
		from, err := f.Stat()
		to, terr := os.Stat(name)
		if err == nil && terr == nil && os.SameFile(from, to) {
			return nil, usagef("the report would replace the file that is imported; choose another with --report (NAMETAG_REPORT)")
		}
	}
	if err := c.spareDatabase(p, name, "--report (NAMETAG_REPORT)"); err != nil {
		return nil, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("the report: %w; choose another file with --report (NAMETAG_REPORT)", err)
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

// describe names the flag that mends err.
func (c namesFile) describe(err error) error {
	if missing, ok := errors.AsType[*transfer.MissingColumnError](err); ok {
		return usagef("%s: %w; say which one holds the %s with --%s-column, or which character stands between columns with --delimiter",
			c.File, err, missing.Column, missing.Column)
	}
	return fmt.Errorf("%s: %w", c.File, described(err))
}

// stopped says how far an import came and how to go on.
func (c importCmd) stopped(sum transfer.Summary, err error) error {
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	where := "before the first row"
	if sum.Line > 0 {
		where = fmt.Sprintf("after line %d", sum.Line)
	}
	again := "Run the same command again to go on: what is registered stays, and is then reported as already_registered."
	if c.DryRun {
		again = "Nothing was registered: this was a dry run."
	}
	return fmt.Errorf("the import stopped %s of %s: %w\n%s", where, c.File, described(err), again)
}
