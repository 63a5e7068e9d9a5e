package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"nametag/internal/policyfile"
	"nametag/internal/registry"
	"nametag/internal/transfer"
)

// policyFlags say which names the registry gives.
type policyFlags struct {
	Policy policy `placeholder:"PRESET-OR-FILE" help:"Which names are given: a preset (see “nametag policy list”) or the path of a YAML file. Without it, all but those that look like others."`
}

// policy returns the policy that is meant.
func (f policyFlags) policy() *registry.Policy {
	if f.Policy.Policy == nil {
		return registry.Open
	}
	return f.Policy.Policy
}

// A policy is what a preset's name or a file's path leads to.
type policy struct{ *registry.Policy }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *policy) UnmarshalText(text []byte) (err error) {
	p.Policy, err = policyfile.Load(string(text))
	return err
}

// countMisfits tells how many pets of the book have names that would not be
// given to them today. It reads the whole book.
func countMisfits(ctx context.Context, log *slog.Logger, reg *registry.Registry) {
	version := reg.Policy().Version()
	switch misfits, pets, err := reg.CountMisfits(ctx); {
	case ctx.Err() != nil:
	case err != nil:
		log.Warn("the pets in the book that break the policy can't be counted", "policy", version, "error", err)
	case misfits > 0:
		log.Info("pets in the book break the policy; they keep their names", "pets", pets, "misfits", misfits, "policy", version,
			"names", "nametag export | nametag policy try POLICY -")
	default:
		log.Debug("no pet in the book breaks the policy", "pets", pets, "policy", version)
	}
}

type policyCmd struct {
	Check policyCheckCmd `cmd:"" help:"Say what a policy's file means, or what is wrong with it."`
	List  policyListCmd  `cmd:"" help:"List the presets, which can be used as they are or extended by a file."`
	Try   policyTryCmd   `cmd:"" help:"Say which names of a CSV file a policy would refuse, without a database."`
}

type policyCheckCmd struct {
	File string `arg:"" help:"The path of a policy's YAML file, or the name of a preset."`
}

// Help implements kong.HelpProvider.
func (policyCheckCmd) Help() string {
	return `Prints the rules in words, and the version by which the journal will call them. What is wrong with the file is said with its line.

Examples:

    nametag policy check north-kennels.yaml
    nametag policy check kennel-club`
}

// Run implements the command.
func (c policyCheckCmd) Run(p Process) error {
	pol, err := policyfile.Load(c.File)
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.Stdout, explainPolicy(pol))
	return err
}

type policyListCmd struct{}

// Run implements the command.
func (policyListCmd) Run(p Process) error {
	w := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range registry.Presets() {
		words := []string{joined(r.Categories) + " only", lengthInWords(r.Length), wordsInWords(r.Words), charactersInWords(r.Characters)}
		fmt.Fprintf(w, "%s\t%s\n", r.Name, strings.Join(words, "; "))
	}
	return w.Flush()
}

type policyTryCmd struct {
	Policy policy `arg:"" placeholder:"POLICY" help:"The path of a policy's YAML file, or the name of a preset."`
	namesFile
}

// Help implements kong.HelpProvider.
func (policyTryCmd) Help() string {
	return `Prints the names that would be refused, as CSV with the columns line, name, code and reason, and a summary on standard error. Names are judged in the order of the file, so a name may also be in the way of a later one. Of the columns only that of the names is needed.

The exit code is 0 when every name was judged, whether or not it was refused.

Examples:

    nametag policy try north-kennels.yaml names.csv
    nametag policy try kennel-club --name-column "Called" old-book.csv > refused.csv`
}

// Run implements the command.
func (c policyTryCmd) Run(ctx context.Context, p Process) error {
	in, err := c.input(p)
	if err != nil {
		return err
	}
	defer in.Close()
	meter := newMeter(in, p.Stderr)
	rows, err := transfer.NewNames(meter, transfer.Format{
		Delimiter: rune(c.Delimiter),
		Columns:   transfer.Columns{Name: c.NameColumn},
		Policy:    c.Policy.Policy,
	})
	if err != nil {
		return c.describe(err)
	}
	report, err := transfer.NewReport(p.Stdout)
	if err != nil {
		return fmt.Errorf("writing the refused names: %w", err)
	}
	begin := time.Now()
	importer := transfer.Importer{Rows: rows, Enter: transfer.EmptyBook(c.Policy.Policy), Report: report, Progress: meter.show}
	sum, err := importer.Run(ctx)
	meter.finish()
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return summarize(p.Stderr, sum, time.Since(begin), "would be given by "+c.Policy.Version(), "refused")
}

// explainPolicy describes what p says, in words.
func explainPolicy(p *registry.Policy) string {
	var b strings.Builder
	r := p.Rules()
	fmt.Fprintf(&b, "%s (version %s)\n\n", r.Name, p.Version())
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(what, words string) { fmt.Fprintf(w, "%s\t%s\n", what, words) }
	line("length", lengthInWords(r.Length))
	line("characters", charactersInWords(r.Characters))
	line("words", wordsInWords(r.Words))
	line("forbidden words", orNone(strings.Join(r.Forbidden, ", ")))
	if len(r.Reserved) == 0 {
		line("reserved names", "none")
	}
	for i, res := range p.ReservedNames() {
		line(map[bool]string{true: "reserved names"}[i == 0], fmt.Sprintf("%s: %s", res.Name, res.Reason))
	}
	line("categories", joined(r.Categories))
	line("lookalikes", map[bool]string{true: "allowed", false: "refused: a name that looks like another, or like a reserved one, is not given"}[r.AllowLookalikes])
	line("quarantine", quarantineInWords(r.Quarantine))
	w.Flush() // a Builder takes everything
	return b.String()
}

func lengthInWords(r registry.LengthRule) string {
	unit := "characters, spaces and signs included"
	if r.LettersOnly {
		unit = "letters and digits, spaces and signs not counted"
	}
	if r.Max == 0 {
		r.Max = registry.MaxNameLength
	}
	return fmt.Sprintf("%d to %d %s", max(r.Min, 1), r.Max, unit)
}

func wordsInWords(r registry.WordRule) string {
	switch {
	case r.Min <= 1 && r.Max == 0:
		return "any number of words"
	case r.Max == 0:
		return fmt.Sprintf("%d words or more", r.Min)
	case r.Min <= 1:
		return fmt.Sprintf("at most %s", counted(r.Max, "word"))
	case r.Min == r.Max:
		return fmt.Sprintf("%d words", r.Min)
	default:
		return fmt.Sprintf("%d to %d words", r.Min, r.Max)
	}
}

func charactersInWords(characters string) string {
	if characters == "" {
		return "letters, digits and signs of any script"
	}
	return characters + " and spaces; letters in both cases"
}

func quarantineInWords(d time.Duration) string {
	if d == 0 {
		return "none: a name that was given up is free at once"
	}
	return fmt.Sprintf("%s after a name was given up", counted(int(d/(24*time.Hour)), "day"))
}

func joined(categories []registry.Category) string {
	var words []string
	for _, c := range categories {
		words = append(words, string(c))
	}
	return strings.Join(words, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// counted writes a number of things in words: "1 word", "2,000 words".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}
