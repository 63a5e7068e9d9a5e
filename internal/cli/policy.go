package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"nametag/internal/policyfile"
	"nametag/internal/registry"
	"nametag/internal/transfer"
	"nametag/internal/wording"
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

// countViolations tells how many pets of the book have names that would not be
// given to them today. It reads the whole book.
func countViolations(ctx context.Context, log *slog.Logger, reg *registry.Registry) {
	version := reg.Policy().Version()
	switch violations, pets, err := reg.CountViolations(ctx); {
	case ctx.Err() != nil:
	case err != nil:
		log.Warn("the pets in the book that break the policy can't be counted", "policy", version, "error", err)
	case violations > 0:
		log.Info("pets in the book break the policy; they keep their names", "pets", pets, "violations", violations, "policy", version,
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
		rules := []string{"For " + registry.OneOf(r.Categories), wording.Length(r), wording.Words(r), wording.Characters(r)}
		rules = slices.DeleteFunc(rules, func(rule string) bool { return rule == "" })
		fmt.Fprintf(w, "%s\t%s\n", r.Name, strings.Join(rules, "; "))
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
	importer := transfer.Importer{Rows: rows, Enter: transfer.EmptyRegistry(c.Policy.Policy), Report: report, Progress: meter.show}
	sum, err := importer.Run(ctx)
	meter.finish()
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, described(err))
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
	line("length", wording.Length(r))
	line("characters", cmp.Or(wording.Characters(r), "Letters, digits and punctuation of any script"))
	line("words", cmp.Or(wording.Words(r), "Any number"))
	line("forbidden words", cmp.Or(strings.Join(r.Forbidden, ", "), "None"))
	if len(r.Reserved) == 0 {
		line("reserved names", "None")
	}
	for i, res := range p.ReservedNames() {
		line(map[bool]string{true: "reserved names"}[i == 0], fmt.Sprintf("%s: %s", res.Name, res.Reason))
	}
	line("categories", joined(r.Categories))
	line("lookalikes", wording.Lookalikes(r))
	line("quarantine", wording.Quarantine(r))
	w.Flush() // a Builder takes everything
	return b.String()
}

func joined(categories []registry.Category) string {
	var words []string
	for _, c := range categories {
		words = append(words, string(c))
	}
	return strings.Join(words, ", ")
}

// counted writes a number of things in words: "1 word", "2,000 words".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}
