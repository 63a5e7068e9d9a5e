package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

// movedForNow is the status that redirects from a former name, or from another spelling, to a pet's address. It is
// temporary because a former name can be registered again: a browser that had cached a permanent redirect would not
// find that pet.
const movedForNow = http.StatusFound

// find returns the pet that has the name asked, or had it before it was renamed. The error is a *registry.Error with
// CodeNotFound also for the name of a released pet: 404 and not 410, because the name can be registered again.
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
	if text := whatBecameOf(events, name); text != "" {
		return pet, false, webError(registry.CodeNotFound, "%s", text)
	}
	return pet, false, err
}

// whatBecameOf says how the last pet with this name left the registry. It returns "" if no pet ever had the name.
func whatBecameOf(events []registry.Event, name registry.Name) string {
	for _, e := range slices.Backward(events) {
		pet := e.Before.Pet
		switch {
		case pet == nil || pet.NameKey != name.Key():
		case e.Action == registry.ActionReleased:
			return fmt.Sprintf("The pet that was registered as “%s” was released on %s.", pet.Name, wording.Day(e.At))
		case e.Action == registry.ActionRenamed:
			return fmt.Sprintf("The pet that was registered as “%s” was renamed on %s, and released later.",
				pet.Name, wording.Day(e.At))
		}
	}
	return ""
}

// A milestone is one line of a pet's public history, which does not say who changed something, or why.
type milestone struct {
	What   string
	Former string // the former name with which the line ends, or ""
	At     time.Time
}

// milestones returns the public history of the pet that has these events.
func milestones(events []registry.Event) []milestone {
	var history []milestone
	for _, e := range events {
		what, former := wording.Event(e)
		registered := e.After.Pet.RegisteredAt
		if e.Before.Pet == nil && (e.Via != registry.ViaImport || registered.Before(e.At)) {
			history = append(history, milestone{What: "Registered", At: registered})
		}
		if what != "" && (e.Before.Pet != nil || e.Via == registry.ViaImport) {
			history = append(history, milestone{what, former, e.At})
		}
	}
	return history
}
