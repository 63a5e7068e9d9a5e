// Package transfer imports pets from CSV files into a registry, and exports a registry to CSV and JSON Lines files.
package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"nametag/internal/registry"
)

// batchSize is how many rows are registered in one transaction.
const batchSize = 1000

// batchTimeout is how long one transaction may take, in addition to the store's own limit.
const batchTimeout = 2 * time.Minute

// An Enter registers pets, as Registry.RegisterAll does.
type Enter func(context.Context, []registry.Application) ([]registry.Decision, error)

// A Summary counts the rows so far.
type Summary struct {
	Rows       int // read and judged
	Registered int
	Refused    map[registry.Code]int
	Line       int // where the last row begins
}

// An Importer imports one file.
type Importer struct {
	Rows     *Rows
	Enter    Enter
	Report   *Report
	Progress func(Summary) // called after every batch, if it is not nil

	ours    map[string]origin // the names that pets of the file have, by key
	summary Summary
}

// An origin is the row whose pet has a name.
type origin struct {
	line int
	name string // as that row has it
}

// Run reads, registers and reports every row. It stops between two batches when ctx ends. Then, and after any error,
// the summary and the report are those of the batches before. What they registered stays registered, and running the
// same import again continues from there.
func (im *Importer) Run(ctx context.Context) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	im.ours = make(map[string]origin)
	im.summary.Refused = make(map[registry.Code]int)
	batches := im.read(ctx)
	for {
		var b batch
		select {
		case <-ctx.Done():
		case b = <-batches:
		}
		if ctx.Err() != nil {
			return im.summary, context.Cause(ctx)
		}
		if err := im.enter(ctx, b.rows); err != nil {
			return im.summary, err
		}
		if errors.Is(b.err, io.EOF) {
			return im.summary, nil
		}
		if b.err != nil {
			return im.summary, fmt.Errorf("reading the file: %w", b.err)
		}
	}
}

// A batch is a run of rows, and the error that ended the reading, if any.
type batch struct {
	rows []Row
	err  error
}

// read reads batches, one ahead, until an error or until ctx ends.
func (im *Importer) read(ctx context.Context) <-chan batch {
	batches := make(chan batch)
	go func() {
		for {
			b := batch{rows: make([]Row, 0, batchSize)}
			for len(b.rows) < batchSize && b.err == nil {
				var row Row
				if row, b.err = im.Rows.Next(); b.err == nil {
					b.rows = append(b.rows, row)
				}
			}
			select {
			case batches <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return batches
}

// enter registers a batch and reports the rows that were refused.
func (im *Importer) enter(ctx context.Context, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	decisions, err := im.register(ctx, rows)
	if err != nil {
		return err
	}
	for i, row := range rows {
		im.summary.Rows++
		im.summary.Line = row.Line
		if why := im.refusal(row, decisions[i]); why != nil {
			im.summary.Refused[why.Code]++
			im.Report.Add(row, *why)
		} else {
			im.summary.Registered++
		}
	}
	if err := im.Report.Flush(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if im.Progress != nil {
		im.Progress(im.summary)
	}
	return nil
}

// register registers the rows that are valid and whose names no pet of the file has yet, and returns the decisions on
// all. It does not stop when ctx ends.
func (im *Importer) register(ctx context.Context, rows []Row) ([]registry.Decision, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	decisions := make([]registry.Decision, len(rows))
	var applications []registry.Application
	var positions []int // of the applications among the rows
	for i, row := range rows {
		decisions[i] = row.Decision
		if _, ours := im.ours[row.Decision.Name.Key()]; ours {
			decisions[i].Code = cmp.Or(decisions[i].Code, registry.CodeTaken)
		} else if row.Decision.Code == "" {
			applications = append(applications, row.Application)
			positions = append(positions, i)
		}
	}
	decided, err := im.Enter(ctx, applications)
	for i, d := range decided {
		decisions[positions[i]] = d
	}
	return decisions, err
}

// refusal returns why d refuses row, and remembers the row if its pet is registered.
func (im *Importer) refusal(row Row, d registry.Decision) *Refusal {
	name := row.Decision.Name
	rival := name
	if d.Code == registry.CodeSimilar && d.Rival != nil {
		rival = d.Rival.Name
	}
	earlier, ours := im.ours[rival.Key()]
	switch {
	case d.Code == "":
		im.ours[name.Key()] = origin{row.Line, name.String()}
		return nil
	case d.Code == registry.CodeTaken && ours:
		return &Refusal{d.Code, fmt.Sprintf("taken by line %d of this file, “%s”", earlier.line, earlier.name)}
	case d.Code == registry.CodeSimilar && ours:
		return &Refusal{d.Code, fmt.Sprintf("too similar to line %d of this file, “%s”", earlier.line, earlier.name)}
	case d.Code == registry.CodeTaken && d.Rival != nil && samePet(row, *d.Rival):
		im.ours[name.Key()] = origin{row.Line, name.String()}
		return &Refusal{CodeAlreadyRegistered, "already registered"}
	default:
		return newRefusal(d)
	}
}

// samePet reports whether holder is the pet of row. A row without a date matches any.
func samePet(row Row, holder registry.Pet) bool {
	pet := *row.Decision.Pet
	if row.Application.RegisteredAt.IsZero() {
		pet.RegisteredAt = holder.RegisteredAt
	}
	return pet.Same(holder)
}
