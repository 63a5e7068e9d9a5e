package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Rules are a registrar's choices: which names are allowed, for which categories, and when a name that was given up is
// free again. The zero value of each rule is the most liberal one. NewPolicy makes a Policy of them.
type Rules struct {
	Name       string // the policy's name
	Length     LengthRule
	Characters string // the characters that names may have, besides spaces, such as "A-Z 0-9 ' -"; "" for all that ParseName allows
	Words      WordRule
	Forbidden  []string   // words that names must not contain
	Reserved   []Reserved // names that no pet gets
	Categories []Category // nil for the default Categories

	// AllowLookalikes allows names that look like others.
	AllowLookalikes bool

	// Quarantine is how long a name is reserved after a pet gave it up.
	Quarantine time.Duration
}

// A LengthRule bounds the length of a name in its display form.
type LengthRule struct {
	Min, Max int // 0 for the bound of ParseName

	// LettersOnly counts only letters and digits, not spaces and punctuation.
	LettersOnly bool
}

// A WordRule bounds the number of words of a name, separated by spaces.
type WordRule struct {
	Min, Max int // 0 for no bound
}

// Reserved is a name that no pet gets, in any spelling.
type Reserved struct {
	Name   string
	Reason string // shown to people
}

// A RuleError says which rule is invalid or contradicts another.
type RuleError struct {
	Rule    string // its path in a policy file, such as "length.max" or "reserved.2.name"
	Message string
}

// Error describes e.
func (e *RuleError) Error() string { return e.Rule + ": " + e.Message }

// A Policy judges names by Rules. It is immutable: several goroutines may use it at once.
type Policy struct {
	rules      Rules
	version    string
	characters func(rune) bool   // nil for all
	forbidden  map[string]string // a word's key → the word
	disguised  map[string]string // the lookalike key of a forbidden word → the word
	reserved   map[string]Ruling
	lookalikes map[string]Ruling // lookalike key → the reserved name; empty if lookalikes are allowed
}

// Open is the default policy: every name that ParseName allows, for cats and dogs, but no lookalikes.
var Open = mustPolicy(Rules{Name: "open", Quarantine: defaultQuarantine})

// defaultQuarantine is the quarantine of the presets.
const defaultQuarantine = 90 * 24 * time.Hour

// Presets returns the rules of real registries, to be used as they are or extended. The names in parentheses are those
// of the bodies whose published rules they follow.
//
//   - open: every name that ParseName allows
//   - thoroughbred: 18 characters, including spaces and punctuation (The Jockey Club)
//   - kennel-club: two words or more, 24 letters (The Kennel Club)
//   - cfa-cat: 35 characters (The Cat Fanciers' Association)
//   - akc: 50 characters, of A to Z (American Kennel Club)
func Presets() []Rules {
	return []Rules{
		Open.Rules(),
		{Name: "thoroughbred", Length: LengthRule{Max: 18}, Categories: []Category{"horse"}, Quarantine: defaultQuarantine},
		{Name: "kennel-club", Length: LengthRule{Max: 24, LettersOnly: true}, Words: WordRule{Min: 2}, Categories: []Category{Dog}, Quarantine: defaultQuarantine},
		{Name: "cfa-cat", Length: LengthRule{Max: 35}, Categories: []Category{Cat}, Quarantine: defaultQuarantine},
		{Name: "akc", Length: LengthRule{Max: 50}, Characters: "A-Z ' -", Categories: []Category{Dog}, Quarantine: defaultQuarantine},
	}
}

func mustPolicy(r Rules) *Policy {
	p, err := NewPolicy(r)
	if err != nil {
		panic(err)
	}
	return p
}

// NewPolicy makes a Policy. The error joins a *RuleError for each rule that is invalid or contradicts another.
func NewPolicy(r Rules) (*Policy, error) {
	r = r.clone()
	if len(r.Categories) == 0 {
		r.Categories = Categories()
	}
	p := &Policy{
		rules:      r,
		forbidden:  make(map[string]string),
		disguised:  make(map[string]string),
		reserved:   make(map[string]Ruling),
		lookalikes: make(map[string]Ruling),
	}
	faults := slices.Concat(r.checkBounds(), checkCategories(r.Categories), p.limit(r.Characters), p.forbid(r.Forbidden), p.reserve(r.Reserved))
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	p.version = r.version()
	return p, nil
}

// ruleErrors are *RuleErrors.
type ruleErrors []error

func (e *ruleErrors) add(rule, format string, args ...any) {
	*e = append(*e, &RuleError{rule, fmt.Sprintf(format, args...)})
}

func (r Rules) checkBounds() (faults ruleErrors) {
	for _, b := range []struct {
		rule  string
		value int
	}{{"length.min", r.Length.Min}, {"length.max", r.Length.Max}, {"words.min", r.Words.Min}, {"words.max", r.Words.Max}} {
		if b.value < 0 || b.value > MaxNameLength {
			faults.add(b.rule, "%d is not from 1 to %d, the greatest length of a name", b.value, MaxNameLength)
		}
	}
	switch {
	case r.Quarantine < 0:
		faults.add("quarantine", "it must not be negative")
	case r.Quarantine > 100*365*24*time.Hour:
		faults.add("quarantine", "it must not be more than 100 years")
	}
	return append(faults, r.checkClashes()...)
}

// checkClashes finds bounds that allow no name.
func (r Rules) checkClashes() (faults ruleErrors) {
	if r.Length.Max > 0 && r.Length.Min > r.Length.Max {
		faults.add("length.min", "%d is more than length.max, %d: no name could be registered", r.Length.Min, r.Length.Max)
	}
	if r.Words.Max > 0 && r.Words.Min > r.Words.Max {
		faults.add("words.min", "%d is more than words.max, %d: no name could be registered", r.Words.Min, r.Words.Max)
	}
	if r.Words.Min > r.mostWords() {
		faults.add("words.min", "%d words do not fit into length.max, %d", r.Words.Min, r.longest())
	}
	return faults
}

// longest is the greatest length of a name, in characters or letters.
func (r Rules) longest() int {
	if r.Length.Max > 0 {
		return r.Length.Max
	}
	return MaxNameLength
}

// mostWords is the number of one-letter words in the longest name.
func (r Rules) mostWords() int {
	if r.Length.LettersOnly {
		return min(r.longest(), (MaxNameLength+1)/2)
	}
	return (r.longest() + 1) / 2
}

func checkCategories(categories []Category) (faults ruleErrors) {
	seen := make(map[Category]bool)
	for i, c := range categories {
		rule := fmt.Sprintf("categories.%d", i)
		switch {
		case !isCategory(string(c)):
			faults.add(rule, "%q is not a word of 1 to %d lower-case letters from a to z, such as cat", c, maxCategoryLength)
		case seen[c]:
			faults.add(rule, "%s is listed already", c)
		case seen[c+"s"] || strings.HasSuffix(string(c), "s") && seen[c[:len(c)-1]]:
			faults.add(rule, "%s is listed already, in the singular or the plural; forms accept either for one category", c)
		default:
			seen[c] = true
		}
	}
	return faults
}

// isCategory reports whether a policy could have s as a category.
func isCategory(s string) bool {
	return s != "" && len(s) <= maxCategoryLength && !strings.ContainsFunc(s, func(r rune) bool { return r < 'a' || r > 'z' })
}

// parseCharacters parses a list of characters and ranges, separated by spaces. A letter allows both its cases. unknown
// are the items that are neither a character nor a range.
func parseCharacters(list string) (allowed func(rune) bool, unknown []string) {
	type span struct{ low, high rune }
	var spans []span
	for item := range strings.FieldsSeq(list) {
		runes := []rune(item)
		switch {
		case len(runes) == 1:
			spans = append(spans, span{runes[0], runes[0]})
		case len(runes) == 3 && runes[1] == '-' && runes[0] <= runes[2]:
			spans = append(spans, span{runes[0], runes[2]})
		default:
			unknown = append(unknown, item)
		}
	}
	within := func(r rune) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return s.low <= r && r <= s.high })
	}
	return func(r rune) bool {
		return r == ' ' || within(r) || within(otherCase(r))
	}, unknown
}

// otherCase returns the upper case of a lower-case letter and the lower case of an upper-case letter, or r itself if it
// has no other case. The mapping must lead back to r: the dotless ı has the upper case I, but is not one of A to Z.
func otherCase(r rune) rune {
	for _, other := range [...]rune{unicode.ToLower(r), unicode.ToUpper(r)} {
		if other != r && (strings.ContainsRune(oneWay, r) || unicode.ToLower(other) == r || unicode.ToUpper(other) == r) {
			return other
		}
	}
	return r
}

// oneWay are ordinary letters whose other case does not lead back to them: the final sigma and the capital ß.
const oneWay = "ςẞ"

// limit limits names to a list of characters, unless it is empty.
func (p *Policy) limit(characters string) (faults ruleErrors) {
	if characters == "" {
		return nil
	}
	allowed, unknown := parseCharacters(characters)
	for _, item := range unknown {
		faults.add("characters", "%q is neither a character nor a range such as A-Z; separate them by spaces", item)
	}
	p.characters = allowed
	return faults
}

func (p *Policy) forbid(words []string) (faults ruleErrors) {
	for i, word := range words {
		rule := fmt.Sprintf("forbidden.%d", i)
		name, err := ParseName(word)
		switch {
		case err != nil:
			faults.add(rule, "%q cannot be part of a name anyway: %s", word, errorMessage(err))
		case strings.Contains(name.key, " "):
			faults.add(rule, "%q is more than one word; forbid one word of it, or reserve the name", word)
		default:
			p.forbidden[name.key] = name.display
			p.disguised[name.LookalikeKey()] = name.display
		}
	}
	return faults
}

func (p *Policy) reserve(list []Reserved) (faults ruleErrors) {
	for i, res := range list {
		rule := func(member string) string { return fmt.Sprintf("reserved.%d.%s", i, member) }
		reason, err := ParseReason(res.Reason)
		if err != nil {
			faults.add(rule("reason"), "%s", errorMessage(err))
		}
		name, err := ParseName(res.Name)
		if err != nil {
			faults.add(rule("name"), "%q is not a valid name: %s", res.Name, errorMessage(err))
			continue
		}
		if earlier, ok := p.reserved[name.key]; ok {
			faults.add(rule("name"), "“%s” is reserved already, as “%s”", name, earlier.Name)
			continue
		}
		ruling := Ruling{Kind: RulingReserved, Name: name, Reason: reason}
		p.reserved[name.key] = ruling
		if !p.rules.AllowLookalikes {
			p.lookalikes[name.LookalikeKey()] = ruling
		}
	}
	return faults
}

// version tells policies apart by their rules.
func (r Rules) version() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // such values always marshal
	}
	sum := sha256.Sum256(text)
	return r.Name + "-" + hex.EncodeToString(sum[:4])
}

// Rules returns a copy of the rules that p judges by.
func (p *Policy) Rules() Rules { return p.rules.clone() }

// clone returns a copy of r that shares nothing with it.
func (r Rules) clone() Rules {
	r.Forbidden, r.Reserved, r.Categories = slices.Clone(r.Forbidden), slices.Clone(r.Reserved), slices.Clone(r.Categories)
	return r
}

// Version returns what the journal calls p: its name and a hash of its rules.
func (p *Policy) Version() string { return p.version }

// Categories returns the categories of p in the order in which forms offer them.
func (p *Policy) Categories() []Category { return slices.Clone(p.rules.Categories) }

// Decide parses a name and judges it. The Decision has a Name also if p refuses it, unless the text is not a valid
// name. Its Code is CodeInvalid, CodeReserved or empty.
func (p *Policy) Decide(text string) Decision {
	name, err := ParseName(text)
	if err != nil {
		var d Decision
		d.addError(err)
		return d
	}
	return p.Judge(name)
}

// AllowsLookalikes reports whether names may look like others.
func (p *Policy) AllowsLookalikes() bool { return p.rules.AllowLookalikes }

// Judge decides whether p allows a name, whatever the registry has. The Code is CodeInvalid, CodeReserved or empty, and
// the Rule says which rule refuses it. With CodeInvalid, the *Error has CodeTooShort, CodeTooLong or CodeNotAllowed.
func (p *Policy) Judge(n Name) Decision {
	d := Decision{Name: n}
	rule, err := p.judgeLength(n)
	if err == nil {
		rule, err = p.judgeWords(n)
	}
	if err == nil {
		rule, err = p.judgeCharacters(n)
	}
	if err != nil {
		d.Rule = rule
		d.addError(err)
		return d
	}
	ruling, reserved := p.reserved[n.key]
	if !reserved && len(p.lookalikes) > 0 {
		ruling, reserved = p.lookalikes[n.LookalikeKey()]
	}
	if reserved {
		d.Code, d.Rule, d.Ruling = CodeReserved, RuleReserved, new(ruling)
	}
	return d
}

func (p *Policy) judgeLength(n Name) (rule string, err error) {
	bounds, unit := p.rules.Length, "characters"
	length := utf8.RuneCountInString(n.display)
	if bounds.LettersOnly {
		unit, length = "letters", 0
		for _, r := range n.display {
			if unicode.IsLetter(r) || unicode.IsNumber(r) {
				length++
			}
		}
	}
	switch {
	case bounds.Max > 0 && length > bounds.Max:
		return RuleLengthMax, fieldError(FieldName, CodeTooLong, "The name has %d %s; this registry allows %d. Please shorten it by %d.",
			length, unit, bounds.Max, length-bounds.Max)
	case length < bounds.Min:
		return RuleLengthMin, fieldError(FieldName, CodeTooShort, "The name has %d %s; this registry requires %d. Please make it longer by %d.",
			length, unit, bounds.Min, bounds.Min-length)
	}
	return "", nil
}

func (p *Policy) judgeWords(n Name) (rule string, err error) {
	bounds := p.rules.Words
	count := strings.Count(n.display, " ") + 1
	switch {
	case count < bounds.Min:
		return RuleWordsMin, fieldError(FieldName, CodeTooShort, "This registry requires names of at least %d words, separated by spaces.", bounds.Min)
	case bounds.Max > 0 && count > bounds.Max:
		return RuleWordsMax, fieldError(FieldName, CodeTooLong, "The name has %d words; this registry allows %d.", count, bounds.Max)
	}
	if len(p.forbidden) == 0 {
		return "", nil
	}
	if word, ok := p.forbiddenWord(n); ok {
		return RuleForbidden, fieldError(FieldName, CodeNotAllowed, "This registry does not allow the word “%s” in names. Please try another name.", word)
	}
	return "", nil
}

func (p *Policy) judgeCharacters(n Name) (rule string, err error) {
	if p.characters == nil {
		return "", nil
	}
	for _, r := range n.display {
		if !p.characters(r) {
			return RuleCharacters, fieldError(FieldName, CodeNotAllowed,
				"The name contains %s; this registry allows only %s. Please remove it.", describeRune(r), p.rules.Characters)
		}
	}
	return "", nil
}

// forbiddenWord returns the word of n that p forbids, as the policy writes it.
func (p *Policy) forbiddenWord(n Name) (word string, found bool) {
	for word := range wordsOf(n.key) {
		if shown, ok := p.forbidden[word]; ok {
			return shown, true
		}
	}
	for word := range wordsOf(n.display) {
		if shown, ok := p.disguisedWord(word); ok {
			return shown, true
		}
	}
	return "", false
}

// wordsOf returns the words of text, separated by spaces, and the parts of each, separated by punctuation.
func wordsOf(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(text, " ") {
			if !yield(word) {
				return
			}
			for part := range strings.FieldsFuncSeq(word, isNoLetter) {
				if !yield(part) {
					return
				}
			}
		}
	}
}

// disguisedWord returns the forbidden word that a word in its display form looks
// like: "Chаmpion" with a Cyrillic а, "Champi0n", "C-hampion".
func (p *Policy) disguisedWord(word string) (forbidden string, found bool) {
	if isOrdinary(word) {
		return "", false
	}
	forbidden, found = p.disguised[lookalikeKey(word)]
	return forbidden, found
}

// isOrdinary reports whether a word that looks like another is an ordinary word: "Burn" is not "bum", "He'll" is not
// "hell" and "100" is not "loo". Among the letters a to z, only a capital I in place of an l is a disguise ("BIack").
func isOrdinary(word string) bool {
	switch {
	case !strings.ContainsFunc(word, unicode.IsLetter):
		return true
	case strings.ContainsFunc(word, func(r rune) bool { return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z') }):
		return contraction.MatchString(word)
	}
	return lookalikeKey(strings.ToLower(word)) == lookalikeKey(word)
}

// contraction matches a word that is contracted with another.
var contraction = regexp.MustCompile(`(?i)^[a-z]+['’´` + "`" + `](d|ll|m|re|s|t|ve)$`)

func isNoLetter(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
}

// ParseCategory parses one of p's categories, in any case, in the singular ("cat")
// or, as the first version of the registry had it, in the plural ("Cats"). The
// error is an *Error for FieldCategory with CodeEmpty or CodeUnknownCategory.
func (p *Policy) ParseCategory(s string) (Category, error) {
	return parseCategory(s, p.rules.Categories)
}

// ParseCategoryToFind is ParseCategory for a search: it allows any word that could
// be a category, since the registry may have pets of categories that the policy no
// longer has.
func (p *Policy) ParseCategoryToFind(s string) (Category, error) {
	c, err := p.ParseCategory(s)
	if word := strings.ToLower(collapseSpace(s)); err != nil && isCategory(word) {
		return Category(word), nil
	}
	return c, err
}

// ReservedNames returns the names that p reserves, sorted by comparison key.
func (p *Policy) ReservedNames() []Reserved {
	var list []Reserved
	for _, key := range slices.Sorted(maps.Keys(p.reserved)) {
		list = append(list, Reserved{p.reserved[key].Name.display, p.reserved[key].Reason})
	}
	return list
}
