package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

type journalCmd struct {
	Verify journalVerifyCmd `cmd:"" help:"Look for rows of the journal that were altered, removed or inserted, and for what was changed past it."`
	Show   journalShowCmd   `cmd:"" help:"Tell what the journal knows of a name."`
	Export journalExportCmd `cmd:"" help:"Write the journal as JSON, one row a line, so that others can verify it."`
}

type journalVerifyCmd struct {
	databaseFlags
	Head []head `sep:"none" placeholder:"N:HASH" help:"What an earlier verification said was the head; the journal must still have that row. May be given several times."`
}

// A head is where a journal ended when somebody noted it.
type head registry.Head

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *head) UnmarshalText(text []byte) error {
	noted, err := registry.ParseHead(string(text))
	*h = head(noted)
	return err
}

// Help implements kong.HelpProvider.
func (journalVerifyCmd) Help() string {
	return `Reads the whole journal; a server may run meanwhile. Each row has a hash over itself and the row before, so a change shows at the next row. It does not show when all rows after it were written anew: note the head elsewhere now and then, and give it with --head later.

Of a journal that is whole, it then sees whether the pets and the rulings in the book are those that the journal tells of.

Each fault is a line on standard output, and the exit code is then 1.

Examples:

    nametag journal verify
    nametag journal verify --head 1042:6f1e…`
}

// Run implements the command.
func (c journalVerifyCmd) Run(ctx context.Context, p Process) (err error) {
	db, place, err := c.open(ctx, p, nil, purpose{readOnly: true})
	if err != nil {
		return err
	}
	defer closing(&err, db)
	noted := make([]registry.Head, len(c.Head))
	for i, h := range c.Head {
		noted[i] = registry.Head(h)
	}
	var progress func(int64)
	done := func() error { return nil }
	if isTerminal(p.Stderr) {
		end, err := db.JournalHead(ctx)
		if err != nil && !errors.Is(err, registry.ErrNoHead) {
			return fmt.Errorf("%s: %w", place, described(err))
		}
		bar := newBar(p.Stderr, end.Seq, false)
		progress, done = func(seq int64) { bar.Set64(min(seq, end.Seq)) }, bar.Finish
	}
	found, err := registry.New(db, nil).VerifyJournal(ctx, noted, progress)
	_ = done() // only clears the bar
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted; the journal was not read to its end")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", place, described(err))
	}
	for _, fault := range found.Faults {
		fmt.Fprintln(p.Stdout, fault)
	}
	for _, difference := range found.Differences {
		fmt.Fprintln(p.Stdout, difference)
	}
	if n := len(found.Faults); n > 0 {
		return fmt.Errorf("%s: the journal is not whole: %s", place, counted(n, "fault"))
	}
	for _, stray := range found.Orphans {
		fmt.Fprintf(p.Stdout, "Row %d, about “%s”, is not found by its name, as the pet that it entered does not lead to it. "+
			"This has it found, in the database: UPDATE journal SET by_pet = NULL WHERE seq = %d\n", stray.Seq, stray.Key, stray.Seq)
	}
	if n := len(found.Differences); n > 0 {
		return fmt.Errorf("%s: the journal is whole, but the book was changed past it: %s. "+
			"See “nametag journal show” for what should be there, and mend it with “nametag pets” and “nametag names”", place, counted(n, "difference"))
	}
	if n := len(found.Orphans); n > 0 {
		return fmt.Errorf("%s: the journal is whole, but not found by its names: %s", place, counted(n, "row"))
	}
	_, err = fmt.Fprintf(p.Stdout, "The journal is whole: %s. Head: %s\n", counted(int(found.Head.Seq), "row"), found.Head)
	return err
}

type journalShowCmd struct {
	databaseFlags
	jsonFlag
	Name string `arg:"" help:"The name, in any spelling."`
}

// Help implements kong.HelpProvider.
func (journalShowCmd) Help() string {
	return `Tells of every pet that had the name and of what was decided on it, when, by whom and why, back through the names that its pet had before.

Examples:

    nametag journal show Bella
    nametag journal show --json "Rex of York"`
}

// Run implements the command.
func (c journalShowCmd) Run(ctx context.Context, p Process) (err error) {
	name, err := registry.ParseName(c.Name)
	if err != nil {
		return usageError{described(err)}
	}
	db, _, err := c.open(ctx, p, nil, purpose{readOnly: true})
	if err != nil {
		return err
	}
	defer closing(&err, db)
	story, err := registry.New(db, nil).History(ctx, name)
	if err != nil {
		return err
	}
	if len(story) == 0 {
		return fmt.Errorf("the journal knows nothing of “%s”", name)
	}
	if !c.JSON {
		return tell(p.Stdout, story)
	}
	out := newJSONLines(p.Stdout)
	for _, e := range story {
		if err := out.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

type journalExportCmd struct {
	databaseFlags
	After  int64  `placeholder:"N" help:"Write only the rows after row N."`
	Output string `short:"o" placeholder:"FILE" help:"Where to write; standard output by default. The file appears, or is replaced, when it is complete."`
}

// Help implements kong.HelpProvider.
func (journalExportCmd) Help() string {
	return `Each line is {"hash":"HEX","entry":{…}}. The entry is the very text that the hash is of: the hash is the SHA-256 of the hash of the row before, as 32 bytes, and the entry. Before the first row stand 32 zero bytes. A server may run meanwhile.

Examples:

    nametag journal export -o journal.jsonl
    nametag journal export --after 1042 >> journal.jsonl`
}

// Run implements the command.
func (c journalExportCmd) Run(ctx context.Context, p Process) (err error) {
	if c.After < 0 {
		return usagef("--after (NAMETAG_AFTER): %d is not the number of a row; rows are counted from 1", c.After)
	}
	db, place, err := c.openToExport(ctx, p, c.Output)
	if err != nil {
		return err
	}
	defer closing(&err, db)
	if err := c.findRow(ctx, db); err != nil {
		return fmt.Errorf("exporting the journal of %s: %w", place, described(err))
	}
	rows := 0
	write := func(w io.Writer) error {
		out := bufio.NewWriter(w)
		err := registry.New(db, nil).EachRecord(ctx, c.After, func(r registry.Record) error {
			rows++
			_, err := fmt.Fprintf(out, `{"hash":"%x","entry":%s}`+"\n", r.Hash, r.Entry)
			return err
		})
		return errors.Join(err, out.Flush())
	}
	if c.Output == "" {
		err = write(p.Stdout)
	} else {
		err = writeFile(c.Output, write)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; the export is not complete")
	case err != nil:
		return fmt.Errorf("exporting the journal of %s: %w", place, described(err))
	case c.Output != "":
		_, err = fmt.Fprintf(p.Stdout, "%s written to %s\n", counted(rows, "row"), c.Output)
	}
	return err
}

// findRow sees that the row is there after which to go on. A journal that was cut
// short would pass for one without news.
func (c journalExportCmd) findRow(ctx context.Context, db registry.Store) error {
	if c.After == 0 {
		return nil
	}
	rows, err := db.Journal(ctx, registry.JournalQuery{After: c.After - 1, Limit: 1})
	if err != nil || len(rows) == 1 && rows[0].Seq == c.After {
		return err
	}
	head, err := db.JournalHead(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("there is no row %d: the journal ends with row %d. If it had that row, it was cut short: run “nametag journal verify” with the --head that you noted", c.After, head.Seq)
}

// moment writes a time, to the second.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// tell writes events, two lines each.
func tell(to io.Writer, events []registry.Event) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, e := range events {
		fmt.Fprintf(w, "#%d\t%s\t%s\n\t\t%s\n", e.Seq, moment(e.At), whatHappened(e), wording.Source(e))
	}
	return w.Flush()
}

// whatHappened describes an event, with the name that it is about.
func whatHappened(e registry.Event) string {
	what, former := wording.Event(e)
	if what = cmp.Or(what, string(e.Action)); former != "" {
		what += " “" + former + "”"
	}
	if details := wording.Details(e); details != "" {
		what += ": " + details
	}
	return fmt.Sprintf("“%s”  %s", e.Name(), what)
}
