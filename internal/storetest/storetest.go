// Package storetest holds every promise that nametag.Store makes against a
// store: each store's own tests run it.
package storetest

import (
	"testing"

	"nametag"
)

// An Open returns a new, empty store, which the suite does not close: the
// function does, when the test ends.
type Open func(t testing.TB) nametag.Store

// Run tests the stores that open returns.
func Run(t *testing.T, open Open) {
	for _, group := range []struct {
		name  string
		tests map[string]func(*testing.T, nametag.Store)
	}{
		{"Insert", insertTests},
		{"Race", raceTests},
		{"IdempotencyKey", keyTests},
		{"Find", findTests},
		{"List", listTests},
		{"Life", lifeTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) { test(t, open(t)) })
			}
		})
	}
	t.Run("AgreesWithTheModel", func(t *testing.T) { agreesWithModel(t, open(t)) })
}
