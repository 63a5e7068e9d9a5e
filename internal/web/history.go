package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"nametag/internal/registry"
)

// movedForNow is the status that sends people on from a former name, or from
// another spelling, to the one address that a pet has. It is a temporary one,
// for a name that was given up may be registered again: what a browser keeps of
// a permanent redirect would hide the pet that has the name then.
const movedForNow = http.StatusFound

// find returns the pet that has the name asked for, or, if it was renamed, the
// pet that had it. The error is an *registry.Error with CodeNotFound also for a
// name whose pet left the book: 404, and not 410, for another may come.
func (s *site) find(ctx context.Context, asked string) (pet registry.Pet, renamed bool, err error) {
	pet, err = s.registry.Pet(ctx, asked)
	if registry.ErrorCode(err) != registry.CodeNotFound {
		return pet, false, err
	}
	name, nameErr := registry.ParseName(asked)
	if nameErr != nil {
		return pet, false, err
	}
	pet, successorErr := s.registry.Successor(ctx, asked)
	if registry.ErrorCode(successorErr) != registry.CodeNotFound {
		return pet, true, successorErr
	}
	events, historyErr := s.registry.History(ctx, name)
	if historyErr != nil {
		return pet, false, historyErr
	}
	if said := farewell(events, name); said != "" {
		return pet, false, webError(registry.CodeNotFound, "%s", said)
	}
	return pet, false, err
}

// farewell says that the pet that had this name last is not in the book any
// more; "" if none ever had it.
func farewell(events []registry.Event, name registry.Name) string {
	for _, e := range slices.Backward(events) {
		pet := e.Before.Pet
		switch {
		case pet == nil || pet.NameKey != name.Key():
		case e.Action == registry.ActionReleased:
			return fmt.Sprintf("The pet that was registered as “%s” left the book on %s.", pet.Name, day(e.At))
		case e.Action == registry.ActionRenamed:
			return fmt.Sprintf("The pet that was registered as “%s” was renamed on %s, and has left the book since.", pet.Name, day(e.At))
		}
	}
	return ""
}

// A milestone is one line of a pet's history, as everybody may read it.
type milestone struct {
	What   string
	Former string // the name that the pet had before, or ""
	At     time.Time
}

// milestones tells the history of the pet that has this name now: when it came,
// which names it had and when it was corrected. Who changed something, and why, is not for everybody;
// nor is what was decided on the name, or what pets that had it before did.
func milestones(events []registry.Event, name registry.Name) []milestone {
	var story []milestone
	key := name.Key()
	for _, e := range slices.Backward(events) {
		pet := e.After.Pet
		if pet == nil || pet.NameKey != key {
			continue
		}
		if e.Action == registry.ActionRenamed && e.Before.Pet != nil {
			story = append(story, milestone{"Renamed from", e.Before.Pet.Name, e.At})
			key = e.Before.Pet.NameKey
			continue
		}
		if e.Action == registry.ActionCorrected && e.Before.Pet != nil {
			if what := corrected(*e.Before.Pet, *pet); what != "" {
				story = append(story, milestone{What: what + " corrected", At: e.At})
			}
			continue
		}
		if e.Via == registry.ViaImport {
			story = append(story, milestone{What: "Brought over from an older book", At: e.At})
		}
		if e.Via != registry.ViaImport || pet.RegisteredAt.Before(e.At) {
			story = append(story, milestone{What: "Registered", At: pet.RegisteredAt})
		}
		break
	}
	slices.Reverse(story)
	return story
}

// corrected says what of a pet was corrected; "" for nothing. What it was before
// is not for everybody: it may be what had to go.
func corrected(before, after registry.PetState) string {
	color, category := before.FavoriteColor != after.FavoriteColor, before.Category != after.Category
	switch {
	case color && category:
		return "Favourite colour and category"
	case color:
		return "Favourite colour"
	case category:
		return "Category"
	default:
		return ""
	}
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }
