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

// An Enter registers pets, as Registry.RegisterAll does.
type Enter func(context.Context, []registry.Application) ([]registry.Decision, error)

// DryRun returns an Enter that decides as RegisterAll would, but registers
// nothing. It remembers which names it was asked about, and must be asked about
// each name once.
func DryRun(r *registry.Registry) Enter {
	seen := newSights(r.Policy())
	var permits map[string]bool
	return func(ctx context.Context, applications []registry.Application) (decisions []registry.Decision, err error) {
		if permits == nil {
			if permits, err = permitted(ctx, r); err != nil {
				return nil, err
			}
		}
		names := make([]string, len(applications))
		for i, a := range applications {
			names[i] = a.Name
		}
		if decisions, err = r.Check(ctx, names...); err != nil {
			return nil, err
		}
		for i, d := range decisions {
			switch exempt := applications[i].LookalikeExempt; {
			case d.Code == registry.CodeSimilar && exempt:
				decisions[i] = registry.Decision{Name: d.Name}
			case d.Code == "":
				decisions[i] = seen.decide(d.Name, exempt, permits[d.Name.Key()])
			}
		}
		return decisions, nil
	}
}

// permitted returns the names that may be registered although they are
// lookalikes, by key.
func permitted(ctx context.Context, r *registry.Registry) (map[string]bool, error) {
	keys := make(map[string]bool)
	err := r.EachRuling(ctx, func(ru registry.Ruling) {
		if ru.Kind == registry.RulingAllowLookalike {
			keys[ru.Name.Key()] = true
		}
	})
	return keys, err
}

// EmptyRegistry returns an Enter like that of DryRun, for an empty registry under
// p.
func EmptyRegistry(p *registry.Policy) Enter {
	seen := newSights(p)
	return func(_ context.Context, applications []registry.Application) ([]registry.Decision, error) {
		decisions := make([]registry.Decision, len(applications))
		for i, a := range applications {
			if decisions[i] = p.Decide(a.Name); decisions[i].Code == "" {
				decisions[i] = seen.decide(decisions[i].Name, a.LookalikeExempt, false)
			}
		}
		return decisions, nil
	}
}

// sights are the names that were seen, by lookalike key; nil if the policy allows
// lookalikes.
type sights map[string]registry.Name

func newSights(p *registry.Policy) sights {
	if p.AllowsLookalikes() {
		return nil
	}
	return make(sights)
}

// decide refuses n if an earlier name looks like it. exempt lets n look like
// others, and others like n. permitted lets n look like others, and reserves its
// looks if it is the first.
func (s sights) decide(n registry.Name, exempt, permitted bool) registry.Decision {
	d := registry.Decision{Name: n}
	if s == nil || exempt {
		return d
	}
	key := n.LookalikeKey()
	earlier, ok := s[key]
	if !ok {
		s[key] = n
	} else if !permitted {
		d.Code, d.Rival = registry.CodeSimilar, &registry.Pet{Name: earlier}
	}
	return d
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
	refused, err := im.register(ctx, rows)
	if err != nil {
		return err
	}
	for _, row := range rows {
		im.summary.Rows++
		im.summary.Line = row.Line
		if why := im.refusal(row, refused); why != nil {
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

// register asks for every name that no pet of the file has yet, once a batch, and
// returns the decisions that refuse one, by key. Once begun it is carried through,
// though ctx ends.
func (im *Importer) register(ctx context.Context, rows []Row) (map[string]registry.Decision, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	asked := make(map[string]bool)
	var applications []registry.Application
	var first []Row
	for _, row := range rows {
		key := row.Decision.Name.Key()
		if _, ok := im.ours[key]; row.Decision.Code != "" || ok || asked[key] {
			continue
		}
		asked[key] = true
		applications = append(applications, row.Application)
		first = append(first, row)
	}
	if len(applications) == 0 {
		return nil, nil
	}
	decisions, err := im.Enter(ctx, applications)
	if err != nil {
		return nil, err
	}
	refused := make(map[string]registry.Decision)
	for i, d := range decisions {
		name := first[i].Decision.Name
		if d.Code == "" {
			im.ours[name.Key()] = origin{first[i].Line, name.String()}
		} else {
			refused[name.Key()] = d
		}
	}
	return refused, nil
}

// refusal says why row is refused; nil means that it is registered.
func (im *Importer) refusal(row Row, refused map[string]registry.Decision) *Refusal {
	if row.Decision.Code != "" {
		return newRefusal(row.Decision)
	}
	key := row.Decision.Name.Key()
	if o, ok := im.ours[key]; ok {
		if o.line == row.Line {
			return nil
		}
		return &Refusal{registry.CodeTaken, fmt.Sprintf("taken by line %d of this file, “%s”", o.line, o.name)}
	}
	d := refused[key]
	if d.Code == registry.CodeSimilar && d.Rival != nil {
		if o, ok := im.ours[d.Rival.Name.Key()]; ok {
			return &Refusal{d.Code, fmt.Sprintf("too similar to line %d of this file, “%s”", o.line, o.name)}
		}
	}
	if d.Code == registry.CodeTaken && d.Rival != nil && samePet(row, *d.Rival) {
		im.ours[key] = origin{row.Line, row.Decision.Name.String()}
		return &Refusal{CodeAlreadyRegistered, "already registered"}
	}
	return newRefusal(d)
}

// samePet reports whether holder is the pet of row. A row without a date leaves
// open when.
func samePet(row Row, holder registry.Pet) bool {
	if row.Decision.Pet == nil { // only its name was judged
		return false
	}
	pet := *row.Decision.Pet
	if row.Application.RegisteredAt.IsZero() {
		pet.RegisteredAt = holder.RegisteredAt
	}
	return pet.Same(holder)
}
