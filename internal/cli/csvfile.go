package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/schollz/progressbar/v3"

	"nametag/internal/registry"
	"nametag/internal/transfer"
)

// A namesFile is a CSV file with names.
type namesFile struct {
	File       string `arg:"" help:"The CSV file (UTF-8, with a header line), or - for standard input."`
	Delimiter  rune   `type:"delimiter" default:"," placeholder:"CHARACTER" help:"The character between columns, or tab; a comma by default."`
	NameColumn string `placeholder:"HEADER" help:"The column with the names; by default name, pet_name or animals_name."`
}

// An input is a CSV file whose header was read. On a terminal, a bar shows the progress.
type input struct {
	progressbar.Reader
	file io.Reader
	bar  *progressbar.ProgressBar
	rows *transfer.Rows
}

// openCSV opens the file and reads its header with newRows.
func (f namesFile) openCSV(
	p Process, format transfer.Format, newRows func(io.Reader, transfer.Format) (*transfer.Rows, error),
) (in *input, err error) {
	file := p.Stdin
	if f.File != "-" {
		if file, err = os.Open(f.File); err != nil {
			return nil, err
		}
	}
	size := int64(-1)
	if f, ok := file.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	bar := newBar(p.Stderr, size, progressbar.OptionShowBytes(true))
	in = &input{Reader: progressbar.NewReader(file, bar), file: file, bar: bar}
	format.Delimiter, format.Columns.Name = f.Delimiter, f.NameColumn
	if in.rows, err = newRows(in, format); err == nil {
		return in, nil
	}
	in.Close()
	if missing, ok := errors.AsType[*transfer.MissingColumnError](err); ok {
		return nil, usagef("%s: %w; set --%s-column to the right header, or --delimiter to the character between columns",
			f.File, err, missing.Column)
	}
	return nil, fmt.Errorf("%s: %w", f.File, described(err))
}

// newBar returns a progress bar on w, or an invisible one if w is no terminal. A size of -1 is unknown.
func newBar(w io.Writer, size int64, options ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(size, append(options,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetVisibility(isTerminal(w)),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)...)
}

// outcomes are words for a summary.
type outcomes struct {
	accepted, refused string
	stopped           string // what to do after an error
}

// run passes the rows of in to enter, writes the refused ones to report, and prints a summary to w.
func (f namesFile) run(
	ctx context.Context, in *input, enter transfer.Enter, report, w io.Writer, words outcomes,
) error {
	refused, err := transfer.NewReport(report)
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	importer := transfer.Importer{Rows: in.rows, Enter: enter, Report: refused, Progress: func(sum transfer.Summary) {
		in.bar.Describe(english.Plural(sum.Rows, "row", ""))
	}}
	begin := time.Now()
	sum, err := importer.Run(ctx)
	_ = in.bar.Finish()
	printErr := summarize(w, sum, time.Since(begin), words)
	if err != nil {
		line := max(sum.Line, 1) // the header
		return fmt.Errorf("stopped after line %d of %s: %w%s", line, f.File, described(err), words.stopped)
	}
	return printErr
}

// codeWords describes the codes of refused rows.
var codeWords = map[registry.Code]string{
	registry.CodeEmpty:             "a field is empty",
	registry.CodeTooLong:           "a field is too long",
	registry.CodeTooShort:          "a name is too short",
	registry.CodeNotAllowed:        "a field has characters or a word that is not allowed",
	registry.CodeUnknownCategory:   "not a category of this registry",
	registry.CodeTaken:             "another pet has the name",
	registry.CodeSimilar:           "the name is too similar to another pet's",
	registry.CodeReserved:          "the name, or one that is too similar, is reserved",
	transfer.CodeAlreadyRegistered: "this pet is already registered",
	transfer.CodeBadRow:            "the row is not well-formed CSV",
	transfer.CodeBadDate:           "the date is invalid",
	transfer.CodeBadLetPass:        "let_pass is neither true nor false",
}

// summarize prints how many rows of a file were accepted and refused, and why.
func summarize(w io.Writer, sum transfer.Summary, took time.Duration, words outcomes) error {
	refused := 0
	for _, n := range sum.Refused {
		refused += n
	}
	var b strings.Builder
	line := func(n int, format string, args ...any) {
		fmt.Fprintf(&b, "%*s  %s\n", len(thousands(sum.Rows)), thousands(n), fmt.Sprintf(format, args...))
	}
	speed := int(float64(sum.Rows) / took.Seconds())
	line(sum.Rows, "rows read in %.1f s, %s rows/s", took.Seconds(), thousands(speed))
	line(sum.Registered, "%s", words.accepted)
	line(refused, "%s", words.refused)
	codes := slices.SortedFunc(maps.Keys(sum.Refused), func(x, y registry.Code) int {
		return cmp.Or(cmp.Compare(sum.Refused[y], sum.Refused[x]), cmp.Compare(x, y))
	})
	for _, code := range codes {
		line(sum.Refused[code], "  %-18s  %s", code, codeWords[code])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// thousands writes n with commas: 52,122.
func thousands(n int) string { return humanize.Comma(int64(n)) }
