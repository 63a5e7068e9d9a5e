package main

import (
	"strings"
	"testing"

	"nametag/internal/registry"
)

func TestNamesAreDistinctAlsoToTheEye(t *testing.T) {
	keys, lookalikes := map[string]uint64{}, map[string]uint64{}
	for _, start := range []uint64{0, freeNames, newNames, allNames - 50_000} {
		for n := start; n < start+50_000; n++ {
			text := nameOf(n)
			name, err := registry.ParseName(text)
			if err != nil {
				t.Fatalf("name %d, %q: %v", n, text, err)
			}
			if name.String() != text || name.Key() != strings.ToLower(text) || len(text) != nameLength {
				t.Fatalf("name %d, %q, is shown as %q and has the key %q", n, text, name, name.Key())
			}
			if other, found := keys[name.Key()]; found {
				t.Fatalf("names %d and %d are both %q", n, other, text)
			}
			if other, found := lookalikes[name.LookalikeKey()]; found {
				t.Fatalf("names %d (%q) and %d (%q) look alike", n, text, other, nameOf(other))
			}
			keys[name.Key()], lookalikes[name.LookalikeKey()] = n, n
		}
	}
}
