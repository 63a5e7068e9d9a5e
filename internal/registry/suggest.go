package registry

import (
	"context"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode"
)

// maxSuggestions is how many names are suggested in place of one.
const maxSuggestions = 3

// Suggest is Check for the name of a, and adds names that are available if that
// one is refused. They are made of the name, and of the colour and the category
// if these are given; a registry that has not changed gives the same ones again.
func (r *Registry) Suggest(ctx context.Context, a Application) (Decision, error) {
	d := r.policy.Decide(a.Name)
	at := r.moment()
	if d.Code == "" {
		decisions, err := r.lookup(ctx, at, d.Name)
		if err != nil {
			return Decision{}, err
		}
		if decisions[0].Code == CodeSimilar { // the answer must say which name it is similar to
			r.Explain(ctx, decisions)
		}
		d = decisions[0]
	}
	if !d.concernsName() {
		return d, nil
	}
	// The refusal is what matters: without suggestions it is still true.
	d.Suggestions, _ = r.suggestions(ctx, at, d, a)
	return d, nil
}

// concernsName reports whether d refuses a valid name, so that another name may help.
func (d Decision) concernsName() bool {
	isAboutName := func(e *Error) bool { return e.Field == FieldName }
	refused := d.Code == CodeTaken || d.Code == CodeSimilar || d.Ruling != nil || d.Code == CodeReserved || slices.ContainsFunc(d.Errors, isAboutName)
	return refused && d.Name.key != ""
}

// suggestions returns names that are available in place of the one that d refuses.
func (r *Registry) suggestions(ctx context.Context, at time.Time, d Decision, a Application) ([]Name, error) {
	base := d.Name
	if d.Code == CodeSimilar && d.Rival != nil { // suggestions must not look like the rival either
		base = d.Rival.Name
	}
	suggestions := make([]Name, 0, maxSuggestions)
	seen := append(make([]string, 0, 1+maxSuggestions), d.Name.LookalikeKey())
	ask := make([]Name, 0, maxSuggestions)
	add := func() error {
		decisions, err := r.lookup(ctx, at, ask...)
		ask = ask[:0]
		for _, d := range decisions {
			if d.Code == "" && len(suggestions) < maxSuggestions {
				suggestions = append(suggestions, d.Name)
			}
		}
		return err
	}
	variations := r.variationsOf(base, a)
	for text := range variations.each {
		v := r.policy.Decide(text)
		if v.Code != "" {
			continue
		}
		if key := v.Name.LookalikeKey(); !slices.Contains(seen, key) {
			seen = append(seen, key)
			ask = append(ask, v.Name)
		}
		if len(ask) < maxSuggestions {
			continue
		}
		if err := add(); err != nil || len(suggestions) == maxSuggestions {
			return suggestions, err
		}
	}
	err := add()
	return suggestions, err
}

// variations are the names that can be made of a name.
type variations struct {
	base  string
	first [3]string // the best first: with the colour, a numeral and the category; "" for none
	turn  int       // the word that the others begin with, so that suggestions differ from name to name
}

func (r *Registry) variationsOf(name Name, a Application) variations {
	v := variations{base: name.display}
	if a.FavoriteColor != "" {
		if color, err := ParseColor(a.FavoriteColor); err == nil && len(strings.Fields(string(color))) <= 2 {
			v.first[0] = v.base + " " + titled(string(color))
		}
	}
	if text, ok := numbered(v.base); ok {
		v.first[1] = text
	}
	if a.Category != "" {
		if category, err := r.policy.ParseCategory(a.Category); err == nil {
			v.first[2] = v.base + " the " + category.Title()
		}
	}
	h := fnv.New32a()
	h.Write([]byte(name.key))
	v.turn = int(h.Sum32() % uint32(len(surnames)))
	return v
}

// each yields them, the best first.
func (v *variations) each(yield func(string) bool) {
	for _, text := range v.first {
		if text != "" && !yield(text) {
			return
		}
	}
	for i := range surnames {
		word := surnames[(v.turn+i)%len(surnames)]
		if !yield(v.base + " " + word) {
			return
		}
		if i < len(epithets) && !yield(epithets[(v.turn+i)%len(epithets)]+" "+v.base) {
			return
		}
	}
	for _, word := range surnames { // for policies that want few letters, or many words
		if !yield(v.base+strings.ToLower(word)) || !yield(v.base+" of the "+word) {
			return
		}
	}
}

// The words that make another name of one.
var (
	surnames = []string{"Star", "Moon", "Joy", "Sky", "Sunshine", "River", "Rose", "Bear", "Pepper", "Honey", "Clover", "Storm", "Maple", "Comet", "Pearl"}
	epithets = []string{"Little", "Lucky", "Happy", "Sunny", "Dear", "Brave"}
)

var numerals = []string{"II", "III", "IV", "V"}

// numbered returns base with the numeral II, or with the next numeral if it has
// one; ok is false after the last numeral.
func numbered(base string) (text string, ok bool) {
	for i, n := range numerals {
		before, found := strings.CutSuffix(base, " "+n)
		switch {
		case !found:
		case i+1 == len(numerals):
			return "", false
		default:
			return before + " " + numerals[i+1], true
		}
	}
	return base + " " + numerals[0], true
}

// titled returns s with a capital first letter in each word.
func titled(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		first := []rune(w)
		first[0] = unicode.ToTitle(first[0])
		words[i] = string(first)
	}
	return strings.Join(words, " ")
}
