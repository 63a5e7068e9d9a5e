// Package policyfile reads naming policies from YAML files.
package policyfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"nametag/internal/registry"
)

// MaxSize is the greatest size of a policy file, in bytes.
const MaxSize = 1 << 20

// maxProblems is how many problems of a file are reported.
const maxProblems = 20

// A Problem is a mistake in a policy file.
type Problem struct {
	File    string
	Line    int // from 1
	Message string
}

// Error describes the problem like a compiler: "policy.yaml:7: …".
func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message) }

// Load returns the preset with the name ref, or reads the policy file with the path ref. The path of a file that has
// the name of a preset needs a slash, such as ./open. The error is that of Parse if the content of the file is wrong.
func Load(ref string) (*registry.Policy, error) {
	presets, names := presetsByName()
	if rules, ok := presets[ref]; ok {
		if info, err := os.Stat(ref); err == nil && info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is both a preset and a file: write ./%[1]s for the file, or rename it", ref)
		}
		return registry.NewPolicy(rules)
	}
	f, err := os.Open(ref)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(ref, `./\`) {
		return nil, fmt.Errorf("there is no preset and no file called %q; the presets are %s", ref, names)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(ref, data)
}

// presetsByName returns the presets, and their names for messages.
func presetsByName() (byName map[string]registry.Rules, names string) {
	byName = make(map[string]registry.Rules)
	for _, r := range registry.Presets() {
		byName[r.Name] = r
		names += ", " + r.Name
	}
	return byName, names[len(", "):]
}

// Parse parses the content of the policy file with this path. The path is part of errors, and names a policy that the
// content does not name. The error joins a *Problem for each mistake, or for the first of many, sorted by line.
func Parse(path string, data []byte) (*registry.Policy, error) {
	p := parser{file: path, lines: make(map[string]int), malformed: make(map[string]bool)}
	policy := p.parse(data)
	if len(p.problems) == 0 {
		return policy, nil
	}
	slices.SortStableFunc(p.problems, func(a, b *Problem) int { return cmp.Compare(a.Line, b.Line) })
	var all []error
	for _, problem := range p.problems[:min(len(p.problems), maxProblems)] {
		all = append(all, problem)
	}
	if more := len(p.problems) - len(all); more > 0 {
		all = append(all, fmt.Errorf("%s: and %d more", path, more))
	}
	return nil, errors.Join(all...)
}

// A parser parses one file. It identifies rules by their paths, which are those of registry.RuleError after a dot:
// ".length.max", and "" for the whole file.
type parser struct {
	file      string
	lines     map[string]int  // where the file has the rules
	malformed map[string]bool // the rules that do not have the right form
	problems  []*Problem
}

// report adds a problem with the rule at path.
func (p *parser) report(line int, path, format string, args ...any) {
	title := strings.TrimLeft(itemNumber.ReplaceAllString(path, "")+": ", ".: ")
	p.problems = append(p.problems, &Problem{p.file, max(line, 1), title + fmt.Sprintf(format, args...)})
}

var itemNumber = regexp.MustCompile(`\.[0-9]+`)

// policyName matches the names of policies, which are part of the journal.
var policyName = regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,39}$`)

// parse returns the policy of the file, unless there are problems. It judges all rules, even if some are malformed.
func (p *parser) parse(data []byte) *registry.Policy {
	root := p.root(data)
	if root == nil {
		return nil
	}
	head := struct{ Extends string }{"open"}
	_ = root.Decode(&head) // read reports the errors
	presets, _ := presetsByName()
	rules := presets[head.Extends]
	rules.Name = strings.TrimSuffix(filepath.Base(p.file), filepath.Ext(p.file))
	p.read("", root, schema(&rules))
	if p.lines[".name"] == 0 && !policyName.MatchString(rules.Name) {
		p.report(1, "", "%q is not a valid name for a policy; add one, such as “name: north-kennels”", rules.Name)
	}
	policy, err := registry.NewPolicy(rules)
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, err := range joined.Unwrap() {
			if e, ok := errors.AsType[*registry.RuleError](err); ok {
				p.judge(e)
			}
		}
	}
	return policy
}

// root returns the root of the only YAML document, or nil.
func (p *parser) root(data []byte) *yaml.Node {
	if len(data) > MaxSize {
		p.report(1, "", "the file is longer than %d KiB", MaxSize>>10)
		return nil
	}
	// The library refuses such characters too, but does not tell the line.
	if i := strings.IndexFunc(string(data), isNotText); i >= 0 {
		p.report(1+strings.Count(string(data[:i]), "\n"), "", "this line is not plain text; save the file in UTF-8")
		return nil
	}
	var documents []yaml.Node
	err := yaml.Load(data, &documents, yaml.WithAllDocuments())
	switch {
	case err != nil:
		e := &yaml.LoadError{Message: err.Error()}
		errors.As(err, &e)
		p.report(e.Mark.Line, "", "this is not YAML: %s", strings.TrimSpace(e.Message+" "+e.ContextMsg))
	case len(documents) == 0 || documents[0].Content[0].ShortTag() == "!!null":
		p.report(1, "", "the file has no rules; write some, such as “extends: open”")
	case len(documents) > 1:
		p.report(documents[1].Line, "", "a second document begins here; a policy file has only one")
	default:
		return documents[0].Content[0]
	}
	return nil
}

func isNotText(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
}

// read reads the rule at path, whose value is n, and the rules within it.
func (p *parser) read(path string, n *yaml.Node, r rule) {
	p.lines[path] = max(n.Line, 1)
	if ok := r.set == nil || r.set(n); !ok || n.Kind != r.kind {
		p.malformed[path] = true
		p.report(n.Line, path, "give %s, not %s", r.want, show(n))
		return
	}
	switch r.kind {
	case yaml.SequenceNode:
		for _, value := range n.Content {
			i, item := r.item()
			p.read(path+"."+strconv.Itoa(i), value, item)
		}
	case yaml.MappingNode:
		for pair := range slices.Chunk(n.Content, 2) {
			p.readMember(path, pair[0], pair[1], r.members)
		}
	}
}

func (p *parser) readMember(path string, key, value *yaml.Node, members []rule) {
	var keys []string
	for _, r := range members {
		keys = append(keys, r.key)
	}
	i := slices.Index(keys, key.Value)
	member := path + "." + key.Value
	switch {
	case key.Kind != yaml.ScalarNode:
		p.report(key.Line, path, "give a rule, not %s", show(key))
	case i < 0:
		p.report(key.Line, path, "there is no rule %s; the rules are %s", show(key), strings.Join(keys, ", "))
	case p.lines[member] > 0:
		p.report(key.Line, member, "line %d has this rule already; remove one of the two", p.lines[member])
	default:
		p.read(member, value, members[i])
	}
}

// judge reports what is wrong with a rule, unless the rule is malformed anyway.
func (p *parser) judge(e *registry.RuleError) {
	path := "." + e.Rule
	for path != "" && p.lines[path] == 0 {
		path = path[:strings.LastIndex(path, ".")]
	}
	if path == "" { // the preset's rule contradicts the file's length
		path = ".length"
	}
	if !p.malformed[path] {
		p.report(p.lines[path], "."+e.Rule, "%s", e.Message)
	}
}

// show describes a wrong value.
func show(n *yaml.Node) string {
	switch text := fmt.Sprintf("%.60q", n.Value); {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.ShortTag() == "!!str":
		return text
	default: // such as 7, which is not "7", or nothing
		return cmp.Or(strings.Trim(text, `"`), "nothing")
	}
}

// A rule describes a value in a policy file.
type rule struct {
	key     string
	want    string // the right form, for messages
	kind    yaml.Kind
	members []rule                 // of a mapping
	item    func() (i int, r rule) // returns the number and the rule of the next item of a sequence

	// set stores the value and reports whether its form is right. In place of a wrong value, it stores one that
	// contradicts no other rule. nil accepts every value.
	set func(*yaml.Node) bool
}

// schema returns the rule of a whole file. It stores the file's rules in r, which has those of the preset.
func schema(r *registry.Rules) rule {
	presets, names := presetsByName()
	categories := words("categories", "a list of words, such as [cat, dog]", &r.Categories)
	categories.set = func(n *yaml.Node) bool {
		r.Categories = nil // in place of the preset's
		return len(n.Content) > 0
	}
	return mapping("", "rules such as “extends: kennel-club”",
		text("extends", "one of the presets "+names, new(string), func(s string) bool { return presets[s].Name != "" }),
		text("name", "at most 40 letters, digits and - . _, such as north-kennels", &r.Name, policyName.MatchString),
		mapping("length", "bounds such as {min: 2, max: 24, count: letters}",
			bound("min", &r.Length.Min),
			bound("max", &r.Length.Max),
			choice("count", &r.Length.LettersOnly, "characters", "letters")),
		text("characters", `characters and ranges, such as "A-Z 0-9 ' -", or any`, &r.Characters, func(s string) bool {
			if s == "any" {
				r.Characters = ""
			}
			return strings.TrimSpace(s) != ""
		}),
		mapping("words", "bounds such as {min: 2, max: 5}", bound("min", &r.Words.Min), bound("max", &r.Words.Max)),
		words("forbidden", "a list of words, such as [champion, best]", &r.Forbidden),
		list("reserved", "a list of names and reasons", &r.Reserved, func(item *registry.Reserved) rule {
			return mapping("", "a name and a reason, such as {name: King, reason: Kept for the club.}",
				text("name", `text, such as "King"`, &item.Name, nil),
				text("reason", `text, such as "Kept for the club."`, &item.Reason, nil))
		}),
		categories,
		choice("lookalikes", &r.AllowLookalikes, "refuse", "allow"),
		duration("quarantine", &r.Quarantine))
}

func mapping(key, want string, members ...rule) rule {
	return rule{key: key, want: want, kind: yaml.MappingNode, members: members}
}

// list appends the items to a list.
func list[T any](key, want string, to *[]T, item func(*T) rule) rule {
	return rule{key: key, want: want, kind: yaml.SequenceNode, item: func() (int, rule) {
		last := len(*to)
		*to = append(*to, *new(T))
		return last, item(&(*to)[last])
	}}
}

func words[T ~string](key, want string, to *[]T) rule {
	return list(key, want, to, func(word *T) rule { return text("", `text, such as "champion"`, word, nil) })
}

// text stores a text for which isRight reports true; nil accepts every text.
func text[T ~string](key, want string, to *T, isRight func(string) bool) rule {
	return rule{key: key, want: want, kind: yaml.ScalarNode, set: func(n *yaml.Node) bool {
		*to = T(n.Value)
		return (isRight == nil || isRight(n.Value)) && n.ShortTag() == "!!str"
	}}
}

// bound stores a number of characters or words, or 0 for none.
func bound(key string, to *int) rule {
	want := fmt.Sprintf("a whole number from 1 to %d, or none", registry.MaxNameLength)
	return rule{key: key, want: want, kind: yaml.ScalarNode, set: func(n *yaml.Node) bool {
		number, _ := strconv.Atoi(n.Value)
		ok := n.ShortTag() == "!!int" && n.Value == strconv.Itoa(number) && // not 010, which is 8
			1 <= number && number <= registry.MaxNameLength
		if *to = 0; ok {
			*to = number
		}
		return ok || n.Value == "none"
	}}
}

// choice stores which of two words the value is.
func choice(key string, to *bool, no, yes string) rule {
	return text(key, no+" or "+yes, new(string), func(s string) bool {
		*to = s != no
		return s == no || s == yes
	})
}

func duration(key string, to *time.Duration) rule {
	const longest = 100 * 365
	const want = "a duration of at most 100 years, such as 90 days, 12 weeks or 2 years, or none"
	return text(key, want, new(string), func(s string) bool {
		digits, unit, _ := strings.Cut(s, " ")
		number, err := strconv.ParseUint(digits, 10, 16)
		length, ok := map[string]uint64{"day": 1, "week": 7, "year": 365}[strings.TrimSuffix(unit, "s")]
		*to = time.Duration(min(number*length, longest)) * 24 * time.Hour
		return s == "none" || err == nil && ok && number*length <= longest
	})
}
