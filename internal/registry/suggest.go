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

// Suggest is Check for one name, and adds names that could be had instead of one
// that can't. They are made of the name, and of the colour and the category if
// these are given; a book that has not changed gives the same ones again.
//
// The book is asked about the name and the likeliest suggestions at once, so
// that the answer takes hardly longer than one without.
func (r *Registry) Suggest(ctx context.Context, a Application) (Verdict, error) {
	name, err := r.policy.ParseName(a.Name)
	refusal, _ := err.(*Error)
	at := r.moment()
	switch {
	case name.key == "":
		return judged(name, refusal), nil
	case refusal != nil:
		return r.suggest(ctx, at, name, a, judged(name, refusal))
	}
	o, asOf, ok := r.glance(at, name)
	if !ok {
		return r.suggest(ctx, at, name, a, Verdict{})
	}
	v := r.verdict(name, o).dated(at, asOf)
	if v.Status == Similar { // it must be said whose name it looks like
		verdicts := []Verdict{v}
		r.Explain(ctx, verdicts)
		v = verdicts[0]
	}
	if v.Status == Available {
		return v, nil
	}
	return r.suggest(ctx, at, name, a, v)
}

// suggest returns v, the verdict on name at a moment, with suggestions. The zero
// Verdict is one that is not known yet.
func (r *Registry) suggest(ctx context.Context, at time.Time, name Name, a Application, v Verdict) (Verdict, error) {
	base := name
	if v.Status == Similar && v.Holder != nil { // nobody is helped to names that pass for others
		base = v.Holder.Name
	}
	atOnce := maxSuggestions
	if v.Status == "" { // the book is to be asked: all in one question, if possible
		atOnce = 2 * maxSuggestions
	}
	seen, names := []string{name.LookalikeKey()}, make([]Name, 0, atOnce)
	variations := r.variationsOf(base, a)
	for text := range variations.each {
		n, err := r.policy.ParseName(text)
		if err != nil {
			continue
		}
		key := n.LookalikeKey()
		if slices.Contains(seen, key) {
			continue
		}
		seen = append(seen, key)
		if names = append(names, n); len(names) < atOnce {
			continue
		}
		isAboutName := v.Status == ""
		if err := r.ask(ctx, at, &v, name, names); err != nil {
			return Verdict{}, err
		}
		if isAboutName && v.Status == Similar {
			v.Suggestions = nil // they are of the spelling that passes for another
			return r.suggest(ctx, at, name, a, v)
		}
		if v.Status == Available || len(v.Suggestions) == maxSuggestions {
			return v, nil
		}
		names = names[:0]
	}
	err := r.ask(ctx, at, &v, name, names)
	return v, err
}

// ask adds those of the names that are to be had to v's suggestions. If there is
// no verdict on name yet, v is that, too.
func (r *Registry) ask(ctx context.Context, at time.Time, v *Verdict, name Name, names []Name) error {
	asked := names
	if v.Status == "" {
		asked = append([]Name{name}, names...)
	}
	obstacles, asOf, err := r.look(ctx, at, asked)
	if err != nil {
		return err
	}
	for i, o := range obstacles {
		if asked[i] != name {
			r.propose(v, asked[i], o)
		} else if *v = r.verdict(name, o).dated(at, asOf); v.Status == Available {
			return nil
		}
	}
	return nil
}

// propose adds name, in whose way o is, to v's suggestions if it is to be had.
func (r *Registry) propose(v *Verdict, name Name, o Obstacle) {
	if len(v.Suggestions) == maxSuggestions || r.obstacleError(name, o) != nil {
		return
	}
	if v.Suggestions == nil {
		v.Suggestions = make([]Name, 0, maxSuggestions)
	}
	v.Suggestions = append(v.Suggestions, name)
}

// helpful returns suggestions for whoever was refused with e. There are none
// when the book can't be asked: the refusal is what matters.
func (r *Registry) helpful(ctx context.Context, e *Error, a Application) []Name {
	isAboutName := e.Code == CodeTaken || e.Code == CodeSimilar || e.Code == CodeReserved ||
		e.Code == CodeInvalid && slices.ContainsFunc(e.Fields, func(f *Error) bool { return f.Field == FieldName })
	name, err := ParseName(a.Name)
	if !isAboutName || err != nil {
		return nil
	}
	v, err := r.suggest(ctx, r.moment(), name, a, judged(name, e))
	if err != nil {
		return nil
	}
	return v.Suggestions
}

// variations are what can be made of a name.
type variations struct {
	base  string
	first [3]string // the best: with the colour, a numeral and the category; "" for none
	turn  int       // with which word the others begin, so that not everybody gets the same star
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

// The words that make a name another one.
var (
	surnames = []string{"Star", "Moon", "Joy", "Sky", "Sunshine", "River", "Rose", "Bear", "Pepper", "Honey", "Clover", "Storm", "Maple", "Comet", "Pearl"}
	epithets = []string{"Little", "Lucky", "Happy", "Sunny", "Dear", "Brave"}
)

var numerals = []string{"II", "III", "IV", "V"}

// numbered returns base as the second of its name, or as the next if it has a
// numeral; ok is false after the last numeral.
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

// titled returns s with a capital at each word.
func titled(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		first := []rune(w)
		first[0] = unicode.ToTitle(first[0])
		words[i] = string(first)
	}
	return strings.Join(words, " ")
}
