package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/dustin/go-humanize/english"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

type journalCmd struct {
	Verify journalVerifyCmd `cmd:"" help:"Find rows that were altered, removed or inserted, and changes without a journal entry."`
	Show   journalShowCmd   `cmd:"" help:"Show the history of a name."`
	Export journalExportCmd `cmd:"" help:"Write the journal as JSON Lines, so that others can verify it."`
}

type journalVerifyCmd struct {
	databaseFlags
	Head []registry.Head `sep:"none" placeholder:"N:HASH" help:"A journal head that an earlier verification printed; the journal must still have that row. May be given several times."`
}

func (journalVerifyCmd) Help() string {
	return `Reads the whole journal, and works alongside a running server. Each row has a hash over itself and the row
before, so an altered row is found unless all rows after it were rewritten too. To detect that, note the journal head
elsewhere now and then, and give it with --head later.

If the journal is intact, verify also compares it with the pets and the rulings.

Each fault is a line on standard output; the exit code is then 1.

Examples:

    nametag journal verify
    nametag journal verify --head 1042:6f1e…`
}

func (c journalVerifyCmd) Run(ctx context.Context, p Process) error {
	return c.use(ctx, p, purpose{readOnly: true}, func(db store) error {
		head, err := db.JournalHead(ctx)
		if err != nil && !errors.Is(err, registry.ErrNoHead) {
			return err
		}
		bar := newBar(p.Stderr, head.Seq)
		progress := func(seq int64) { _ = bar.Set64(min(seq, head.Seq)) }
		found, err := registry.New(db, nil).VerifyJournal(ctx, c.Head, progress)
		_ = bar.Finish()
		if err != nil {
			return err
		}
		for _, sentence := range slices.Concat(found.Faults, found.Differences) {
			fmt.Fprintln(p.Stdout, sentence)
		}
		for _, row := range found.Orphans {
			fmt.Fprintf(p.Stdout, "Row %d, about “%s”, is an orphan: no pet leads to it, so “nametag journal show” misses it. "+
				"To fix it, run in the database: UPDATE journal SET by_pet = NULL WHERE seq = %[1]d\n", row.Seq, row.Key)
		}
		switch faults, differences, orphans := len(found.Faults), len(found.Differences), len(found.Orphans); {
		case faults > 0:
			return fmt.Errorf("the journal is not intact: %s", english.Plural(faults, "fault", ""))
		case differences > 0:
			return fmt.Errorf("the journal is intact, but the registry was changed without a journal entry: %s. "+
				"See “nametag journal show” for what the registry should have, and fix it with “nametag pets” and "+
				"“nametag names”", english.Plural(differences, "difference", ""))
		case orphans > 0:
			return fmt.Errorf("the journal is intact, but %s", english.Plural(orphans, "row is an orphan", "rows are orphans"))
		}
		rows := english.Plural(int(found.Head.Seq), "row", "")
		_, err = fmt.Fprintf(p.Stdout, "The journal is intact: %s. Head: %s\n", rows, found.Head)
		return err
	})
}

type journalShowCmd struct {
	databaseFlags
	jsonFlag
	Name string `arg:"" help:"The name, in any spelling."`
}

func (journalShowCmd) Help() string {
	return `Shows each pet that had the name and each ruling on it: what happened, when, by whom and why. The history
goes back through the former names of the pet.

Examples:

    nametag journal show Bella
    nametag journal show --json "Rex of York"`
}

func (c journalShowCmd) Run(ctx context.Context, p Process) error {
	name, err := registry.ParseName(c.Name)
	if err != nil {
		return usageError{described(err)}
	}
	return c.use(ctx, p, purpose{readOnly: true}, func(db store) error {
		events, err := registry.New(db, nil).History(ctx, name)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return fmt.Errorf("the journal has no row about “%s”", name)
		}
		return addEvents(c.list(p.Stdout), events)
	})
}

type journalExportCmd struct {
	exportFlags
	After int64 `placeholder:"N" help:"Write only the rows after row N."`
}

func (journalExportCmd) Help() string {
	return `Writes a line {"hash":"HEX","entry":{…}} for each row. The hash is the SHA-256 of the hash of the row
before, as 32 bytes, followed by the exact bytes of the entry. The hash before the first row is 32 zero bytes. The
command works alongside a running server.

Examples:

    nametag journal export -o journal.jsonl
    nametag journal export --after 1042 >> journal.jsonl`
}

func (c journalExportCmd) Run(ctx context.Context, p Process) error {
	if c.After < 0 {
		return usagef("%s: %d is not the number of a row; rows are counted from 1", setting("after"), c.After)
	}
	return c.export(ctx, p, "row", func(db store, w io.Writer) (rows int, err error) {
		if err := c.findRow(ctx, db); err != nil {
			return 0, err
		}
		out := bufio.NewWriter(w)
		err = registry.New(db, nil).EachRecord(ctx, c.After, func(r registry.Record) error {
			rows++
			_, err := fmt.Fprintf(out, `{"hash":"%x","entry":%s}`+"\n", r.Hash, r.Entry)
			return err
		})
		return rows, errors.Join(err, out.Flush())
	})
}

// findRow returns an error if there is no row c.After. Without it, a journal whose end was removed would look like one
// without new rows.
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
	return fmt.Errorf("there is no row %d: the journal ends with row %d. If it had more rows before, its end was "+
		"removed: run “nametag journal verify” with the --head that you noted", c.After, head.Seq)
}

// moment formats a time to the second.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// addEvents writes a list of events, two lines each unless as JSON.
func addEvents(l list, events []registry.Event) error {
	for _, e := range events {
		cells := []string{fmt.Sprintf("#%d", e.Seq), moment(e.At), whatHappened(e) + "\n", "", wording.Source(e)}
		if err := l.add(e, cells...); err != nil {
			return err
		}
	}
	return l.Flush()
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
