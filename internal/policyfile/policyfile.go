// Package policyfile reads the naming policies of registries from YAML files.
package policyfile

import (
	"bytes"
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

// MaxSize is how long a policy's file may be, in bytes.
const MaxSize = 1 << 20

// maxProblems is how many problems of a file are told of.
const maxProblems = 20

// An Error lists what is wrong with a policy's file.
type Error struct {
	File     string
	Problems []Problem // by their lines; at least one
}

// A Problem is one thing that is wrong.
type Problem struct {
	Line    int // from 1
	Message string
}

// Error lists the problems one a line, in the form of compilers:
// "policy.yaml:7: …".
func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, fmt.Sprintf("%s:%d: %s", e.File, p.Line, p.Message))
	}
	if n := len(lines); n > maxProblems {
		lines = append(lines[:maxProblems], fmt.Sprintf("%s: and %d more", e.File, n-maxProblems))
	}
	return strings.Join(lines, "\n")
}

// Load returns the preset called ref, or reads the file at this path. A file
// that is called like a preset must be named by a path with a slash, such as
// ./open. The error is an *Error if it is about what the file has.
func Load(ref string) (*registry.Policy, error) {
	if rules, ok := preset(ref); ok {
		if info, err := os.Stat(ref); err == nil && info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is a preset, and there is a file called so as well: write ./%s for the file, or rename it to have the preset", ref, ref)
		}
		return registry.NewPolicy(rules)
	}
	f, err := os.Open(ref)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(ref, `./\`) {
		return nil, fmt.Errorf("there is neither a preset nor a file called %q; the presets are %s", ref, presetNames())
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

func preset(name string) (registry.Rules, bool) {
	all := registry.Presets()
	i := slices.IndexFunc(all, func(r registry.Rules) bool { return r.Name == name })
	if i < 0 {
		return registry.Rules{}, false
	}
	return all[i], true
}

func presetNames() string {
	var names []string
	for _, r := range registry.Presets() {
		names = append(names, r.Name)
	}
	return inSentence(names)
}

// inSentence lists two words or more.
func inSentence(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// Parse reads the content of a policy's file. name is that of the file: it
// stands in errors, and without its extension it is what the policy is called
// that has no name of its own. The error is an *Error.
func Parse(name string, data []byte) (*registry.Policy, error) {
	f := &file{lines: make(map[string]int)}
	policy := f.parse(name, data)
	if len(f.problems) > 0 {
		slices.SortStableFunc(f.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &Error{name, f.problems}
	}
	return policy, nil
}

// A file is what was read so far.
type file struct {
	rules    registry.Rules // those of the preset at first
	lines    map[string]int // where the rules stand, by their paths; list items aside
	problems []Problem

	forbidden, categories []item
	reserved              []item
}

// An item of a list.
type item struct {
	text string // a word, or a name
	line int

	reason     string // why a name is reserved
	reasonLine int
}

func (f *file) fault(line int, format string, args ...any) {
	f.problems = append(f.problems, Problem{line, fmt.Sprintf(format, args...)})
}

// parse returns the policy that data describes, unless there are problems. What
// can't be read is left out, so that the rest is judged all the same.
func (f *file) parse(name string, data []byte) *registry.Policy {
	if len(data) > MaxSize {
		f.fault(1, "the file is longer than %d KiB, which no policy needs", MaxSize>>10)
		return nil
	}
	if line, what := notText(data); what != "" {
		f.fault(line, "there is %s; save the file as plain text in UTF-8", what)
		return nil
	}
	root := f.root(data)
	if root == nil {
		return nil
	}
	f.rules, _ = preset(registry.Open.Rules().Name)
	f.rules.Name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	f.read(root)
	if !policyName.MatchString(f.rules.Name) && f.lines["name"] == 0 {
		f.fault(1, "the policy can't be called %q after its file; give it a name of letters, digits and - . _, such as name: north-kennels", f.rules.Name)
	}
	policy, err := registry.NewPolicy(f.all())
	for _, e := range ruleErrors(err) {
		f.blame(e)
	}
	return policy
}

// ruleErrors returns what NewPolicy has joined.
func ruleErrors(err error) (all []*registry.RuleError) {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return nil
	}
	for _, err := range joined.Unwrap() {
		all = append(all, err.(*registry.RuleError)) //nolint:errorlint // NewPolicy joins no others
	}
	return all
}

// notText says which line has something that no text file has.
func notText(data []byte) (line int, what string) {
	line = 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return line, "a byte that is not UTF-8"
		case r == '\n':
			line++
		case unicode.IsControl(r) && r != '\t' && r != '\r':
			return line, fmt.Sprintf("a control character (%U)", r)
		}
		data = data[size:]
	}
	return line, ""
}

// root returns the root of the only document.
func (f *file) root(data []byte) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	var first, second yaml.Node
	if err == nil {
		err = loader.Load(&first)
	}
	if errors.Is(err, io.EOF) || err == nil && first.Content[0].ShortTag() == "!!null" {
		f.fault(1, "there are no rules; give some, such as “extends: open”")
		return nil
	}
	if err == nil {
		if err = loader.Load(&second); errors.Is(err, io.EOF) {
			return first.Content[0]
		}
	}
	if err == nil {
		f.fault(second.Line, "a second document begins; a policy's file has one")
		return nil
	}
	line, message := 1, err.Error()
	if lerr, ok := errors.AsType[*yaml.LoadError](err); ok {
		line, message = max(lerr.Mark.Line, 1), lerr.Message
		if lerr.ContextMsg != "" {
			message += " " + lerr.ContextMsg
		}
	}
	f.fault(line, "this is not YAML: %s", message)
	return nil
}

// What the rules want, for messages.
const (
	wantRules      = "rules such as “extends: kennel-club”"
	wantCharacters = "characters and ranges of them, such as \"A-Z 0-9 ' -\", or any"
	wantReserved   = "a name and a reason, such as {name: King, reason: Kept for the club.}"
)

// policyName matches what a policy may be called. It stands in the journal.
var policyName = regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,39}$`)

// read reads all rules.
func (f *file) read(root *yaml.Node) {
	r := &f.rules
	f.mapping("", root, wantRules,
		member{"extends", f.extend}, // the first, for the others change what it sets
		member{"name", func(n *yaml.Node) {
			if f.text("name", n, &r.Name) && !policyName.MatchString(r.Name) {
				f.wants("name", n, "at most 40 letters, digits and - . _, a letter or a digit first, such as north-kennels")
			}
		}},
		member{"length", func(n *yaml.Node) {
			f.mapping("length", n, "bounds such as {min: 2, max: 24, count: letters}",
				member{"min", f.bound("length.min", &r.Length.Min)},
				member{"max", f.bound("length.max", &r.Length.Max)},
				member{"count", f.choice("length.count", &r.Length.LettersOnly, "characters", "letters")})
		}},
		member{"characters", func(n *yaml.Node) {
			if f.text("characters", n, &r.Characters) && strings.TrimSpace(r.Characters) == "" {
				f.wants("characters", n, wantCharacters)
			} else if r.Characters == "any" {
				r.Characters = ""
			}
		}},
		member{"words", func(n *yaml.Node) {
			f.mapping("words", n, "bounds such as {min: 2, max: 5}",
				member{"min", f.bound("words.min", &r.Words.Min)},
				member{"max", f.bound("words.max", &r.Words.Max)})
		}},
		member{"forbidden", func(n *yaml.Node) { f.forbidden = f.words("forbidden", n, "[champion, best]") }},
		member{"reserved", f.reserve},
		member{"categories", func(n *yaml.Node) {
			if f.categories = f.words("categories", n, "[cat, dog]"); n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
				f.wants("categories", n, "at least one, such as [cat, dog]")
			}
		}},
		member{"lookalikes", f.choice("lookalikes", &r.AllowLookalikes, "refuse", "allow")},
		member{"quarantine", f.span("quarantine", &r.Quarantine)},
	)
}

func (f *file) extend(n *yaml.Node) {
	base, ok := preset(n.Value)
	if n.Kind != yaml.ScalarNode || !ok {
		f.wants("extends", n, "one of the presets "+presetNames())
		return
	}
	base.Name = f.rules.Name
	f.rules = base
}

func (f *file) reserve(n *yaml.Node) {
	for _, e := range f.list("reserved", n, "a list, each item "+wantReserved) {
		it, given, read := item{line: e.Line}, 0, 0
		text := func(path string, n *yaml.Node, to *string) {
			given++
			if f.text(path, n, to) {
				read++
			}
		}
		f.mapping("reserved", e, wantReserved,
			member{"name", func(n *yaml.Node) { text("reserved.name", n, &it.text) }},
			member{"reason", func(n *yaml.Node) {
				text("reserved.reason", n, &it.reason)
				it.reasonLine = n.Line
			}})
		if e.Kind == yaml.MappingNode && given < 2 {
			f.fault(e.Line, "reserved: give %s", wantReserved)
		}
		if read == 2 {
			f.reserved = append(f.reserved, it)
		}
	}
}

// A member is what a mapping may have under a key.
type member struct {
	key  string
	read func(*yaml.Node)
}

// mapping reads the members of n, in the order in which they are listed, and
// notes where they stand.
func (f *file) mapping(path string, n *yaml.Node, want string, members ...member) {
	if n.Kind != yaml.MappingNode {
		f.wants(path, n, want)
		return
	}
	prefix := ""
	if path != "" {
		prefix = path + "."
	}
	values := make(map[string]*yaml.Node)
	first := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		known := slices.ContainsFunc(members, func(m member) bool { return m.key == key.Value })
		switch earlier := first[key.Value]; {
		case key.Kind != yaml.ScalarNode || !known:
			f.fault(key.Line, "%s", unknown(path, key, members))
		case earlier > 0:
			f.fault(key.Line, "%s stands in line %d already; drop one of them", prefix+key.Value, earlier)
		default:
			first[key.Value], f.lines[prefix+key.Value] = key.Line, key.Line
			values[key.Value] = n.Content[i+1]
		}
	}
	for _, m := range members {
		if value := values[m.key]; value != nil {
			m.read(value)
		}
	}
}

// unknown says what there is instead of a key.
func unknown(path string, key *yaml.Node, members []member) string {
	var keys []string
	for _, m := range members {
		keys = append(keys, m.key)
	}
	if key.Kind != yaml.ScalarNode {
		return fmt.Sprintf("a key must be text, not %s; the rules are %s", shown(key), inSentence(keys))
	}
	if path == "" {
		return fmt.Sprintf("there is no rule %s; the rules are %s", shown(key), inSentence(keys))
	}
	return fmt.Sprintf("%s: there is no %s; there are %s", path, shown(key), inSentence(keys))
}

// list returns the items of n.
func (f *file) list(path string, n *yaml.Node, want string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		f.wants(path, n, want)
		return nil
	}
	return n.Content
}

func (f *file) words(path string, n *yaml.Node, example string) (items []item) {
	for _, e := range f.list(path, n, "a list of words, such as "+example) {
		it := item{line: e.Line}
		if f.text(path, e, &it.text) {
			items = append(items, it)
		}
	}
	return items
}

// text sets to to the text of n, and reports whether it is one.
func (f *file) text(path string, n *yaml.Node, to *string) bool {
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str":
		*to = n.Value
		return true
	case n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null":
		f.wants(path, n, fmt.Sprintf("text, in quotes: %q", n.Value))
	default:
		f.wants(path, n, "text")
	}
	return false
}

// bound returns what reads a number of characters or words into to.
func (f *file) bound(path string, to *int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		number, err := strconv.Atoi(n.Value)
		switch {
		case n.Kind == yaml.ScalarNode && n.Value == "none":
			*to = 0
		case n.ShortTag() != "!!int" || err != nil || number < 1 || number > registry.MaxNameLength || n.Value != strconv.Itoa(number):
			f.wants(path, n, fmt.Sprintf("a whole number from 1 to %d, or none", registry.MaxNameLength))
			*to = 0 // clashes with nothing
		default:
			*to = number
		}
	}
}

// choice returns what reads one of two words into to.
func (f *file) choice(path string, to *bool, no, yes string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Value != no && n.Value != yes {
			f.wants(path, n, no+" or "+yes)
			*to = true // the laxer one, which clashes with nothing
			return
		}
		*to = n.Value == yes
	}
}

// spans matches spans of time.
var spans = regexp.MustCompile(`^([0-9]{1,6}) (day|week|year)s?$`)

// span returns what reads a span of time into to.
func (f *file) span(path string, to *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		const day, longest = 24 * time.Hour, 100 * 365 // days
		m := spans.FindStringSubmatch(n.Value)
		if n.Value == "none" {
			m = []string{"", "0", "day"}
		}
		if n.Kind != yaml.ScalarNode || m == nil {
			f.wants(path, n, "a span of time such as 90 days, 12 weeks or 2 years, or none")
			return
		}
		days, _ := strconv.Atoi(m[1])
		days *= map[string]int{"day": 1, "week": 7, "year": 365}[m[2]]
		if days > longest {
			f.wants(path, n, "at most 100 years")
			return
		}
		*to = time.Duration(days) * day
	}
}

// wants says what should stand in the place of n.
func (f *file) wants(path string, n *yaml.Node, want string) {
	if path != "" {
		path += ": "
	}
	f.fault(max(n.Line, 1), "%sgive %s, not %s", path, want, shown(n))
}

// shown describes a node.
func shown(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.ShortTag() == "!!null":
		return "nothing"
	case utf8.RuneCountInString(n.Value) > 60:
		return "so long a text"
	default:
		return strconv.Quote(n.Value)
	}
}

// all returns the rules of the preset and those of the file together. A list of
// the file goes on where that of the preset ends; but its categories are all.
func (f *file) all() registry.Rules {
	r := f.rules
	r.Forbidden, r.Reserved = slices.Clone(r.Forbidden), slices.Clone(r.Reserved)
	for _, it := range f.forbidden {
		r.Forbidden = append(r.Forbidden, it.text)
	}
	for _, it := range f.reserved {
		r.Reserved = append(r.Reserved, registry.Reserved{Name: it.text, Reason: it.reason})
	}
	if len(f.categories) > 0 {
		r.Categories = nil
	}
	for _, it := range f.categories {
		r.Categories = append(r.Categories, registry.Category(it.text))
	}
	return r
}

// blame says where the rule stands that e is about.
func (f *file) blame(e *registry.RuleError) {
	rule, rest, _ := strings.Cut(e.Rule, ".")
	number, member, _ := strings.Cut(rest, ".")
	i, _ := strconv.Atoi(number)
	list := f.categories
	switch rule {
	case "forbidden":
		list, i = f.forbidden, i-len(f.rules.Forbidden)
	case "reserved":
		list, i = f.reserved, i-len(f.rules.Reserved)
	case "categories":
	default:
		f.fault(f.line(e.Rule), "%s: %s", e.Rule, e.Message)
		return
	}
	line := 1
	switch {
	case i < 0 || i >= len(list): // it is the preset's
	case member == "reason":
		line = list[i].reasonLine
	default:
		line = list[i].line
	}
	f.fault(line, "%s: %s", strings.TrimSuffix(rule+"."+member, "."), e.Message)
}

// line returns where a rule stands, or else what made it clash with one of the
// preset.
func (f *file) line(path string) int {
	rule, _, _ := strings.Cut(path, ".")
	for _, p := range []string{path, rule + ".max", "length.max", "words.min", "extends"} {
		if line := f.lines[p]; line > 0 {
			return line
		}
	}
	return 1
}
