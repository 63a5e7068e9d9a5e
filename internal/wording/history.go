package wording

import (
	"fmt"
	"strings"

	"nametag/internal/registry"
)

// Event says what an event did, in words for the public; "" if nothing changed or the event is one of a newer version.
// It does not tell what a correction replaced, since that may be what had to go. Of a rename, former is the former
// name, which ends the sentence.
func Event(e registry.Event) (what, former string) {
	before, after := e.Before.Pet, e.After.Pet
	switch {
	case e.Action == registry.ActionRegistered && after != nil:
		return "Registered", ""
	case e.Action == registry.ActionImported && after != nil:
		return "Imported from another registry", ""
	case e.Action == registry.ActionRenamed && before != nil && after != nil:
		return "Renamed from", before.Name
	case e.Action == registry.ActionCorrected && before != nil && after != nil:
		return corrected(*before, *after), ""
	case e.Action == registry.ActionReleased && before != nil:
		return "Released", ""
	case e.Action == registry.ActionReserved:
		return "Reserved", ""
	case e.Action == registry.ActionAllowLookalike:
		return "Allowed as a lookalike", ""
	case e.Action == registry.ActionUnreserved && e.Before.Ruling != nil:
		return "No longer " + Kind(e.Before.Ruling.Kind), ""
	default:
		return "", ""
	}
}

func corrected(before, after registry.PetState) string {
	color, category := before.FavoriteColor != after.FavoriteColor, before.Category != after.Category
	switch {
	case color && category:
		return "Favourite colour and category corrected"
	case color:
		return "Favourite colour corrected"
	case category:
		return "Category corrected"
	default:
		return ""
	}
}

// Details adds what only the registrar is told of an event; "" for nothing.
func Details(e registry.Event) string {
	before, after := e.Before.Pet, e.After.Pet
	var parts []string
	switch {
	case after != nil && before == nil:
		parts = append(parts, after.Category.WithArticle(), fmt.Sprintf("favourite colour %s", after.FavoriteColor))
		if e.Action == registry.ActionImported {
			parts = append(parts, "registered on "+Day(after.RegisteredAt))
		}
	case after != nil:
		if before.FavoriteColor != after.FavoriteColor {
			parts = append(parts,
				fmt.Sprintf("favourite colour %s instead of %s", after.FavoriteColor, before.FavoriteColor))
		}
		if before.Category != after.Category {
			parts = append(parts,
				fmt.Sprintf("%s instead of %s", after.Category.WithArticle(), before.Category.WithArticle()))
		}
		if e.Action == registry.ActionRekeyed && after.LookalikeExempt && !before.LookalikeExempt {
			parts = append(parts, "the name looks like that of an older pet")
		}
	}
	if r := e.After.Ruling; r != nil && r.Kind == registry.RulingQuarantine {
		parts = append(parts, fmt.Sprintf("“%s” is in quarantine until %s", r.Name, Day(r.Until)))
	}
	return strings.Join(parts, ", ")
}

// Source says through what an event came, who caused it and why.
func Source(e registry.Event) string {
	source, ok := map[registry.Via]string{
		registry.ViaWeb:       "on the site",
		registry.ViaAPI:       "through the API",
		registry.ViaImport:    "by an import",
		registry.ViaRegistrar: "by the registrar",
		registry.ViaMigration: "by a migration",
	}[e.Via]
	if !ok {
		source = "by " + string(e.Via)
	}
	if e.Who != "" {
		source += ", " + e.Who
	}
	if e.Reason != "" {
		source += ": " + e.Reason
	}
	return source
}
