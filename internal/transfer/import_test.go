package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"nametag/internal/registry"
)

// thousandsOf returns a file of n batches of pets.
func thousandsOf(t *testing.T, n int) *Rows {
	t.Helper()
	var text strings.Builder
	text.WriteString("name,category,color\n")
	for i := range n * batchSize {
		fmt.Fprintf(&text, "Pet %d,dog,red\n", i)
	}
	rows, err := NewRows(strings.NewReader(text.String()), Format{})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func report(t *testing.T, w *bytes.Buffer) *Report {
	t.Helper()
	r, err := NewReport(w)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// takenBy returns the decision that an unknown pet has the name of a.
func takenBy(a registry.Application) registry.Decision {
	d := registry.Open.Decide(a.Name)
	d.Code = registry.CodeTaken
	return d
}

func TestAFailingRegistryStopsTheImport(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is full")
	calls := 0
	enter := func(ctx context.Context, a []registry.Application) ([]registry.Decision, error) {
		if calls++; calls == 3 {
			return nil, broken
		}
		outcomes := make([]registry.Decision, len(a))
		outcomes[0] = takenBy(a[0])
		return outcomes, nil
	}
	var to bytes.Buffer
	im := Importer{Rows: thousandsOf(t, 4), Enter: enter, Report: report(t, &to)}
	sum, err := im.Run(t.Context())
	if !errors.Is(err, broken) {
		t.Errorf("Run: %v, want the registry's error", err)
	}
	if sum.Rows != 2000 || sum.Registered != 1998 || sum.Line != 2001 || sum.Refused[registry.CodeTaken] != 2 {
		t.Errorf("the summary is %+v, want that of two batches", sum)
	}
	if want := "line,name,code,reason\n2,Pet 0,taken,“Pet 0” is taken.\n1002,Pet 1000,taken,“Pet 1000” is taken.\n"; to.String() != want {
		t.Errorf("the report is %q, want %q", &to, want)
	}
}

func TestAnImportStopsBetweenBatches(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	enter := func(ctx context.Context, a []registry.Application) ([]registry.Decision, error) {
		stop()
		return make([]registry.Decision, len(a)), ctx.Err()
	}
	var to bytes.Buffer
	progress := 0
	im := Importer{Rows: thousandsOf(t, 3), Enter: enter, Report: report(t, &to), Progress: func(Summary) { progress++ }}
	sum, err := im.Run(ctx)
	if !errors.Is(err, context.Canceled) || sum.Registered != 1000 || progress != 1 {
		t.Errorf("Run: %v, %+v and %d reports of progress, want the batch that had begun and no more", err, sum, progress)
	}
}

// Another process may change the registry during an import: a name that was taken is asked for again in a later batch,
// unless a pet of this file has it.
func TestNamesOfOthersAreAskedForAgain(t *testing.T) {
	text := "name,category,color\nRex,dog,red\nBella,dog,red\n" + strings.Repeat("bad\n", batchSize) + "rex,dog,red\nbella,dog,red\n"
	rows, err := NewRows(strings.NewReader(text), Format{})
	if err != nil {
		t.Fatal(err)
	}
	var asked [][]string
	enter := func(_ context.Context, a []registry.Application) ([]registry.Decision, error) {
		var names []string
		outcomes := make([]registry.Decision, len(a))
		for i := range a {
			names = append(names, a[i].Name)
			if a[i].Name == "Rex" {
				outcomes[i] = takenBy(a[i])
			}
		}
		asked = append(asked, names)
		return outcomes, nil
	}
	var to bytes.Buffer
	im := Importer{Rows: rows, Enter: enter, Report: report(t, &to)}
	sum, err := im.Run(t.Context())
	if err != nil || sum.Registered != 2 {
		t.Errorf("Run: %+v, %v", sum, err)
	}
	if got := fmt.Sprint(asked); got != "[[Rex Bella] [rex]]" {
		t.Errorf("the registry was asked about %s", got)
	}
	if !strings.HasSuffix(to.String(), "1005,bella,taken,\"taken by line 3 of this file, “Bella”\"\n") {
		t.Errorf("the report ends with %q", to.String()[to.Len()-200:])
	}
}

// Every row is judged by its own let_pass, also after a refused row of the same name.
func TestEveryRowIsJudgedByItself(t *testing.T) {
	rows, err := NewRows(strings.NewReader("name,category,color,let_pass\nRex,dog,red,\nR.ex,dog,red,false\nR.ex,dog,red,true\nR-ex,dog,red,\n"), Format{})
	if err != nil {
		t.Fatal(err)
	}
	var to bytes.Buffer
	im := Importer{Rows: rows, Enter: EmptyRegistry(registry.Open), Report: report(t, &to)}
	if sum, err := im.Run(t.Context()); err != nil || sum.Registered != 2 {
		t.Errorf("Run: %+v, %v", sum, err)
	}
	want := "line,name,code,reason\n3,R.ex,similar,\"too similar to line 2 of this file, “Rex”\"\n5,R-ex,similar,\"too similar to line 2 of this file, “Rex”\"\n"
	if to.String() != want {
		t.Errorf("the report is %q, want %q", &to, want)
	}
}
