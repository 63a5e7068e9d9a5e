package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"nametag/internal/policyfile"
	"nametag/internal/registry"
	"nametag/internal/transfer"
	"nametag/internal/wording"
)

// policyFlags say which names the registry allows.
type policyFlags struct {
	Policy *registry.Policy `placeholder:"PRESET-OR-FILE" help:"The naming rules: a preset (see “nametag policy list”) or the path of a YAML file. The default is the preset open."`
}

// policy returns the policy, or the default one.
func (f policyFlags) policy() *registry.Policy { return cmp.Or(f.Policy, registry.Open) }

type policyCmd struct {
	Check policyCheckCmd `cmd:"" help:"Explain the rules of a policy file, or list its errors."`
	List  policyListCmd  `cmd:"" help:"List the presets, which can be used as they are or extended by a file."`
	Try   policyTryCmd   `cmd:"" help:"List which names of a CSV file a policy would refuse, without a database."`
}

type policyCheckCmd struct {
	File string `arg:"" help:"The path of a policy's YAML file, or the name of a preset."`
}

func (policyCheckCmd) Help() string {
	return `Prints the rules in words and the version that the journal records. Errors name the line of the file.

Examples:

    nametag policy check north-kennels.yaml
    nametag policy check kennel-club`
}

func (c policyCheckCmd) Run(p Process) error {
	policy, err := policyfile.Load(c.File)
	if err != nil {
		return err
	}
	r := policy.Rules()
	fmt.Fprintf(p.Stdout, "%s (version %s)\n\n", r.Name, policy.Version())
	w := newTable(p.Stdout)
	line := func(rule, words string) { fmt.Fprintf(w, "%s\t%s\n", rule, words) }
	line("length", wording.Length(r))
	line("characters", cmp.Or(wording.Characters(r), "Letters, digits and punctuation of any script"))
	line("words", cmp.Or(wording.Words(r), "Any number"))
	line("forbidden words", cmp.Or(strings.Join(r.Forbidden, ", "), "None"))
	title := "reserved names"
	for _, res := range policy.ReservedNames() {
		line(title, fmt.Sprintf("%s: %s", res.Name, res.Reason))
		title = ""
	}
	if title != "" {
		line(title, "None")
	}
	line("categories", registry.OneOf(r.Categories))
	line("lookalikes", wording.Lookalikes(r))
	line("quarantine", wording.Quarantine(r))
	return w.Flush()
}

type policyListCmd struct{}

func (policyListCmd) Run(p Process) error {
	w := newTable(p.Stdout)
	for _, r := range registry.Presets() {
		rules := []string{
			"For " + registry.OneOf(r.Categories), wording.Length(r), wording.Words(r), wording.Characters(r),
		}
		rules = slices.DeleteFunc(rules, func(rule string) bool { return rule == "" })
		fmt.Fprintf(w, "%s\t%s\n", r.Name, strings.Join(rules, "; "))
	}
	return w.Flush()
}

type policyTryCmd struct {
	Policy *registry.Policy `arg:"" placeholder:"POLICY" help:"The path of a policy's YAML file, or the name of a preset."`
	namesFile
}

func (policyTryCmd) Help() string {
	return `Prints the names that would be refused as CSV, with the columns line, name, code and reason, and a summary
on standard error. Names are judged in the order of the file, so a name can be refused because of an earlier one. Only
the column with the names is needed.

The exit code is 0 when each name was judged, even if names were refused.

Examples:

    nametag policy try north-kennels.yaml names.csv
    nametag policy try kennel-club --name-column "Called" old-registry.csv > refused.csv`
}

func (c policyTryCmd) Run(ctx context.Context, p Process) error {
	in, err := c.openCSV(p, transfer.Format{Policy: c.Policy}, transfer.NewNames)
	if err != nil {
		return err
	}
	defer in.Close()
	words := outcomes{accepted: "would be allowed by " + c.Policy.Version(), refused: "refused"}
	return c.run(ctx, in, transfer.EmptyRegistry(c.Policy), p.Stdout, p.Stderr, words)
}
