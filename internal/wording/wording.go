// Package wording puts decisions, histories and policies into words. Pages, commands and reports share it, and each
// adds only its own advice.
package wording

import (
	"fmt"
	"strings"
	"time"

	"nametag/internal/registry"
)

// Day formats the day of t, in UTC, for a sentence.
func Day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// Reason says in a sentence why a name is refused; "" if it is not.
func Reason(d registry.Decision) string {
	switch d.Code {
	case registry.CodeInvalid:
		return invalid(d)
	case registry.CodeTaken:
		return taken(d)
	case registry.CodeSimilar:
		return similar(d)
	case registry.CodeReserved:
		return reserved(d)
	case registry.CodeKeyReused:
		return "This idempotency key was used for another registration."
	default:
		return ""
	}
}

// Reasons says why an application is refused, in a sentence for each field that is invalid, or in that of Reason.
func Reasons(d registry.Decision) []string {
	if d.Code != registry.CodeInvalid {
		return []string{Reason(d)}
	}
	var all []string
	if d.Ruling != nil { // on the name, which is valid
		all = append(all, reserved(d))
	}
	for _, e := range d.Errors {
		all = append(all, e.Message)
	}
	return all
}

func invalid(d registry.Decision) string {
	reasons := Reasons(d)
	if len(reasons) == 1 {
		return reasons[0]
	}
	return fmt.Sprintf("%d fields are invalid.", len(reasons))
}

func taken(d registry.Decision) string {
	pet := d.Rival
	if pet == nil {
		return "“" + d.Name.String() + "” is taken."
	}
	what := "it"
	if pet.Name.String() != d.Name.String() {
		what = fmt.Sprintf("“%s”", pet.Name)
	}
	return fmt.Sprintf("“%s” is taken: %s has had %s since %s.",
		d.Name, pet.Category.WithArticle(), what, Day(pet.RegisteredAt))
}

func similar(d registry.Decision) string {
	pet := d.Rival
	if pet == nil {
		return fmt.Sprintf("“%s” is too similar to a name that is taken.", d.Name)
	}
	return fmt.Sprintf("“%s” is too similar to “%s”, which %s has had since %s.",
		d.Name, pet.Name, pet.Category.WithArticle(), Day(pet.RegisteredAt))
}

func reserved(d registry.Decision) string {
	r := d.Ruling
	if r == nil {
		return fmt.Sprintf("“%s” is reserved.", d.Name)
	}
	subject := fmt.Sprintf("“%s”", d.Name)
	if r.Name.Key() != d.Name.Key() {
		subject += fmt.Sprintf(" is too similar to “%s”, which", r.Name)
	}
	if r.Kind == registry.RulingQuarantine {
		// "After" and not "on": the name becomes free at the time of day at which it was given up.
		return fmt.Sprintf("%s was given up by its pet and is free again after %s.", subject, Day(r.Until))
	}
	return fmt.Sprintf("%s is reserved: %s.", subject, strings.TrimSuffix(r.Reason, "."))
}

// Kind describes a name with a ruling of this kind.
func Kind(k registry.RulingKind) string {
	switch k {
	case registry.RulingQuarantine:
		return "in quarantine"
	case registry.RulingAllowLookalike:
		return "allowed as a lookalike"
	default:
		return string(k)
	}
}
