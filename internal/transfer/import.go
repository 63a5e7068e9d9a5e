// Package transfer brings books of pets in and out: CSV files into a registry,
// and a registry into CSV and JSON files.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"nametag"
)

// batchSize is how many rows are entered in one transaction.
const batchSize = 1000

// batchTimeout is how long one transaction may take.
const batchTimeout = time.Minute

// An Enter enters pets into a book, as Registry.RegisterAll does.
type Enter func(context.Context, []nametag.Application) ([]nametag.Outcome, error)

// DryRun returns an Enter that tells what RegisterAll would answer, but enters
// nothing. Each call must be about different names.
func DryRun(r *nametag.Registry) Enter {
	return func(ctx context.Context, applications []nametag.Application) ([]nametag.Outcome, error) {
		names := make([]string, len(applications))
		for i, a := range applications {
			names[i] = a.Name
		}
		verdicts, err := r.Check(ctx, names...)
		if err != nil {
			return nil, err
		}
		outcomes := make([]nametag.Outcome, len(verdicts))
		for i, v := range verdicts {
			if v.Status != nametag.Available {
				outcomes[i].Err = &nametag.Error{Code: v.Reason, Field: nametag.FieldName, Message: v.Message, Holder: v.Holder}
			}
		}
		return outcomes, nil
	}
}

// EmptyBook is an Enter that tells what RegisterAll would answer of an empty
// book. Each call must be about different names.
func EmptyBook(_ context.Context, applications []nametag.Application) ([]nametag.Outcome, error) {
	return make([]nametag.Outcome, len(applications)), nil
}

// A Summary tells what became of the rows so far.
type Summary struct {
	Rows       int // read and judged
	Registered int
	Refused    map[nametag.Code]int
	Line       int // where the last of Rows begins
}

// An Importer imports one file.
type Importer struct {
	Rows     *Rows
	Enter    Enter
	Report   *Report
	Progress func(Summary) // called after every batch, if it is not nil

	claims  map[string]claim // by key of the name
	summary Summary
}

// A claim tells who has a name that the file asks for.
type claim struct {
	line   int          // of the row that asked first
	name   nametag.Name // as that row has it
	byFile bool         // that row's pet has the name
	holder *nametag.Pet // who else has it, if that is known
	why    *Refusal     // why that row does not get it
}

// Run reads, enters and reports every row. It stops between two batches when
// ctx ends. The summary and the report are then, and after any error, those of
// the batches before; what they registered stays registered, and running the
// same import again goes on from there.
func (im *Importer) Run(ctx context.Context) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	im.claims = make(map[string]claim)
	im.summary.Refused = make(map[nametag.Code]int)
	batches := im.read(ctx)
	for {
		select {
		case <-ctx.Done():
			return im.summary, context.Cause(ctx)
		case b := <-batches:
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
}

// A batch is a run of rows, and the error that ended the reading, if it has.
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

// enter registers a batch and reports what was refused of it.
func (im *Importer) enter(ctx context.Context, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	if err := im.claim(ctx, rows); err != nil {
		return err
	}
	for _, row := range rows {
		im.summary.Rows++
		im.summary.Line = row.Line
		if why := im.judge(row); why != nil {
			im.summary.Refused[why.Code]++
			im.Report.Add(row, *why)
		} else {
			im.summary.Registered++
		}
	}
	if err := im.Report.Flush(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	im.forget(rows)
	if im.Progress != nil {
		im.Progress(im.summary)
	}
	return nil
}

// claim asks the book for every name that no row before has asked for, and
// remembers the answers. Once begun it is carried through, though ctx ends.
func (im *Importer) claim(ctx context.Context, rows []Row) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	var applications []nametag.Application
	var first []Row
	for _, row := range rows {
		key := row.Pet.Name.Key()
		if _, ok := im.claims[key]; row.Refusal != nil || ok {
			continue
		}
		im.claims[key] = claim{line: row.Line, name: row.Pet.Name}
		applications = append(applications, row.Application)
		first = append(first, row)
	}
	if len(applications) == 0 {
		return nil
	}
	outcomes, err := im.Enter(ctx, applications)
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		key := first[i].Pet.Name.Key()
		c := im.claims[key]
		if c.byFile = o.Err == nil; !c.byFile {
			c.why = refusal(o.Err)
			if e, ok := errors.AsType[*nametag.Error](o.Err); ok {
				c.holder = e.Holder
			}
		}
		im.claims[key] = c
	}
	return nil
}

// judge says why row is refused; nil means that it is registered.
func (im *Importer) judge(row Row) *Refusal {
	if row.Refusal != nil {
		return row.Refusal
	}
	key := row.Pet.Name.Key()
	c := im.claims[key]
	switch {
	case c.byFile && c.line == row.Line:
		return nil
	case c.byFile:
		return &Refusal{nametag.CodeTaken, fmt.Sprintf("taken by line %d of this file, “%s”", c.line, c.name)}
	case c.holder != nil && samePet(row, *c.holder):
		im.claims[key] = claim{line: row.Line, name: row.Pet.Name, byFile: true}
		return &Refusal{CodeAlreadyRegistered, "already in the book"}
	default:
		return c.why
	}
}

// samePet reports whether holder is the pet of row. A row without a date leaves
// open when.
func samePet(row Row, holder nametag.Pet) bool {
	pet := row.Pet
	if row.Application.RegisteredAt.IsZero() {
		pet.RegisteredAt = holder.RegisteredAt
	}
	return pet.Same(holder)
}

// forget drops what is known of names that pets outside the file have: the next
// batch asks the book again.
func (im *Importer) forget(rows []Row) {
	for _, row := range rows {
		if key := row.Pet.Name.Key(); !im.claims[key].byFile {
			delete(im.claims, key)
		}
	}
}
