// Package transfer brings books of pets in and out: CSV files into a registry,
// and a registry into CSV and JSON files.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"nametag/internal/registry"
)

// batchSize is how many rows are entered in one transaction.
const batchSize = 1000

// batchTimeout is how long one transaction may take, beyond the store's own
// limit.
const batchTimeout = 2 * time.Minute

// An Enter enters pets into a book, as Registry.RegisterAll does.
type Enter func(context.Context, []registry.Application) ([]registry.Outcome, error)

// DryRun returns an Enter that tells what RegisterAll would answer, but enters
// nothing. It remembers how the names look that it was asked about before, and
// must be asked about each name once.
func DryRun(r *registry.Registry) Enter {
	seen := newSights(r.Policy())
	var permits map[string]bool
	return func(ctx context.Context, applications []registry.Application) (outcomes []registry.Outcome, err error) {
		if permits == nil {
			if permits, err = permitted(ctx, r); err != nil {
				return nil, err
			}
		}
		names := make([]string, len(applications))
		for i, a := range applications {
			names[i] = a.Name
		}
		verdicts, err := r.Check(ctx, names...)
		if err != nil {
			return nil, err
		}
		outcomes = make([]registry.Outcome, len(verdicts))
		for i, v := range verdicts {
			switch a := applications[i]; {
			case v.Status == registry.Similar && a.LetPass:
			case v.Status != registry.Available:
				outcomes[i].Err = &registry.Error{Code: v.Reason, Field: registry.FieldName, Message: v.Message, Holder: v.Holder}
			default:
				outcomes[i].Err = seen.see(v.Name, a.LetPass, permits[v.Name.Key()])
			}
		}
		return outcomes, nil
	}
}

// permitted returns the names that the book lets pass, by key.
func permitted(ctx context.Context, r *registry.Registry) (map[string]bool, error) {
	keys := make(map[string]bool)
	err := r.EachRuling(ctx, func(ru registry.Ruling) {
		if ru.Kind == registry.RulingLetPass {
			keys[ru.Name.Key()] = true
		}
	})
	return keys, err
}

// EmptyBook returns an Enter like that of DryRun, for an empty book under p.
func EmptyBook(p *registry.Policy) Enter {
	seen := newSights(p)
	return func(_ context.Context, applications []registry.Application) ([]registry.Outcome, error) {
		outcomes := make([]registry.Outcome, len(applications))
		for i, a := range applications {
			name, err := registry.ParseName(a.Name)
			if outcomes[i].Err = err; err == nil {
				outcomes[i].Err = seen.see(name, a.LetPass, false)
			}
		}
		return outcomes, nil
	}
}

// sights are the names that keep away others, by how they look. They are nil
// where it does not matter.
type sights map[string]registry.Name

func newSights(p *registry.Policy) sights {
	if p.AllowsLookalikes() {
		return nil
	}
	return make(sights)
}

// see returns an error if an earlier name looks like n. That is no matter if n is
// let pass by its row, and then it keeps nobody away, or by a permit of the
// registrar's, and then it does so if it is the first to look so.
func (s sights) see(n registry.Name, letPass, permit bool) error {
	if s == nil || letPass {
		return nil
	}
	key := n.LookalikeKey()
	earlier, ok := s[key]
	switch {
	case !ok:
		s[key] = n
		return nil
	case permit:
		return nil
	}
	return &registry.Error{
		Code:    registry.CodeSimilar,
		Field:   registry.FieldName,
		Message: fmt.Sprintf("“%s” is too much like “%s”.", n, earlier),
		Holder:  &registry.Pet{Name: earlier},
	}
}

// A Summary tells what became of the rows so far.
type Summary struct {
	Rows       int // read and judged
	Registered int
	Refused    map[registry.Code]int
	Line       int // where the last of Rows begins
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

// An origin is the row whose pet has a name. An import remembers one for each
// name that a pet of the file has.
type origin struct {
	line int
	name string // as that row has it
}

// A loss tells why a row does not get its name.
type loss struct {
	why    *Refusal
	holder *registry.Pet // who has the name, or one that looks like it, if that is known
}

// Run reads, enters and reports every row. It stops between two batches when
// ctx ends. The summary and the report are then, and after any error, those of
// the batches before; what they registered stays registered, and running the
// same import again goes on from there.
func (im *Importer) Run(ctx context.Context) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	im.ours = make(map[string]origin)
	im.summary.Refused = make(map[registry.Code]int)
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
	lost, err := im.claim(ctx, rows)
	if err != nil {
		return err
	}
	for _, row := range rows {
		im.summary.Rows++
		im.summary.Line = row.Line
		if why := im.judge(row, lost); why != nil {
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

// claim asks the book for every name that no pet of the file has yet, once a
// batch, and returns which of them were not to be had, by key. Once begun it is
// carried through, though ctx ends.
func (im *Importer) claim(ctx context.Context, rows []Row) (map[string]loss, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	asked := make(map[string]bool)
	var applications []registry.Application
	var first []Row
	for _, row := range rows {
		key := row.Pet.Name.Key()
		if _, ok := im.ours[key]; row.Refusal != nil || ok || asked[key] {
			continue
		}
		asked[key] = true
		applications = append(applications, row.Application)
		first = append(first, row)
	}
	if len(applications) == 0 {
		return nil, nil
	}
	outcomes, err := im.Enter(ctx, applications)
	if err != nil {
		return nil, err
	}
	lost := make(map[string]loss)
	for i, o := range outcomes {
		name := first[i].Pet.Name
		if o.Err == nil {
			im.ours[name.Key()] = origin{first[i].Line, name.String()}
			continue
		}
		l := loss{why: refusal(o.Err)}
		if e, ok := errors.AsType[*registry.Error](o.Err); ok {
			l.holder = e.Holder
		}
		lost[name.Key()] = l
	}
	return lost, nil
}

// judge says why row is refused; nil means that it is registered.
func (im *Importer) judge(row Row, lost map[string]loss) *Refusal {
	if row.Refusal != nil {
		return row.Refusal
	}
	key := row.Pet.Name.Key()
	if o, ok := im.ours[key]; ok {
		if o.line == row.Line {
			return nil
		}
		return &Refusal{registry.CodeTaken, fmt.Sprintf("taken by line %d of this file, “%s”", o.line, o.name)}
	}
	l := lost[key]
	switch {
	case l.holder == nil:
		return l.why
	case l.why.Code == registry.CodeSimilar:
		if o, ok := im.ours[l.holder.Name.Key()]; ok {
			return &Refusal{registry.CodeSimilar, fmt.Sprintf("too much like line %d of this file, “%s”", o.line, o.name)}
		}
		return l.why
	case !samePet(row, *l.holder):
		return l.why
	}
	im.ours[key] = origin{row.Line, row.Pet.Name.String()}
	return &Refusal{CodeAlreadyRegistered, "already in the book"}
}

// samePet reports whether holder is the pet of row. A row without a date leaves
// open when.
func samePet(row Row, holder registry.Pet) bool {
	pet := row.Pet
	if row.Application.RegisteredAt.IsZero() {
		pet.RegisteredAt = holder.RegisteredAt
	}
	return pet.Same(holder)
}
