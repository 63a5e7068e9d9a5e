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

// farewell says that the pet that had this name last left the registry; "" if no
// pet ever had it.
func farewell(events []registry.Event, name registry.Name) string {
	for _, e := range slices.Backward(events) {
		pet := e.Before.Pet
		switch {
		case pet == nil || pet.NameKey != name.Key():
		case e.Action == registry.ActionReleased:
			return fmt.Sprintf("The pet that was registered as “%s” was released on %s.", pet.Name, wording.Day(e.At))
		case e.Action == registry.ActionRenamed:
			return fmt.Sprintf("The pet that was registered as “%s” was renamed on %s, and released later.", pet.Name, wording.Day(e.At))
		}
	}
	return ""
}

// A milestone is one line of a pet's history, as everybody may read it. Who
// changed something, and why, is not for everybody.
type milestone struct {
	What   string
	Former string // the name that the pet had before, with which the line ends; or ""
	At     time.Time
}

// milestones returns the history of a pet, whose events these are.
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
