package registry_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"nametag/internal/registry"
)

// licences returns the name of each licence of Seattle's data that has one that can be registered, in its order.
func licences(t testing.TB) []registry.Name {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "seattle_pet_licenses.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "animals_name")
	var names []registry.Name
	for _, row := range rows[1:] {
		if name, err := registry.ParseName(row[column]); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// seattleNames returns the names of Seattle's pets in every spelling that the data has, in its order.
func seattleNames(t *testing.T) []registry.Name {
	t.Helper()
	var names []registry.Name
	seen := map[registry.Name]bool{}
	for _, name := range licences(t) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// The list in the decision is of all distinct names that share a lookalike key:
// a line for each key, in the order of the keys.
func TestSeattleLookalikes(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "decisions", "0009-lookalikes.md")
	document, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(document), "\n```text\n")
	list, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Errorf("%s has no list between ```text and ```", file)
	}

	pets := map[string]bool{}
	groups := map[string][]registry.Name{}
	for _, name := range seattleNames(t) {
		pets[name.Key()] = true
		key := name.LookalikeKey()
		if !slices.ContainsFunc(groups[key], func(n registry.Name) bool { return n.Key() == name.Key() }) {
			groups[key] = append(groups[key], name)
		}
	}
	var keys []string
	names := 0
	for key, group := range groups {
		if len(group) > 1 {
			keys = append(keys, key)
			names += len(group)
		}
	}
	slices.Sort(keys)
	var want strings.Builder
	for _, key := range keys {
		for i, name := range groups[key] {
			if i > 0 {
				want.WriteString(" | ")
			}
			want.WriteString(name.String())
		}
		want.WriteString("\n")
	}
	if list != want.String() {
		t.Errorf("the list in %s is not of what is merged. The right one:\n%s", file, &want)
	}
	summary := fmt.Sprintf("%d of Seattle's %d names, in %d groups", names, len(pets), len(keys))
	if !strings.Contains(strings.Join(strings.Fields(string(document)), " "), summary) {
		t.Errorf("%s does not say: %s", file, summary)
	}
}

// Names with equal comparison keys have equal lookalike keys, but for these.
func TestSeattleLookalikesInAnyCase(t *testing.T) {
	t.Parallel()
	exceptions := map[string]bool{}
	for _, s := range []string{
		"McInnis", "Eddie McIntyre", "MacIntosh", "MacIntosh Kelly", "MacIntyre", "Princess Ku'uIpo", "rockyII", // a capital after a small letter
		"TeIne", "lOUIS",
		"BIlly Bob", "DInah", "KItten", "LIlly", "LIttle Guy", "MIkki", "MIster Gaenji", "PIppin", // a capital too many
	} {
		exceptions[s] = true
	}
	title := cases.Title(language.Und)
	for _, name := range seattleNames(t) {
		checkLookalikeKey(t, name)
		differs := false
		for _, variant := range []string{strings.ToUpper(name.String()), strings.ToLower(name.String()), title.String(name.String())} {
			v, err := registry.ParseName(variant)
			if err != nil || v.Key() != name.Key() {
				t.Errorf("%q is not the same name as %q (%v)", variant, name, err)
			}
			differs = differs || v.LookalikeKey() != name.LookalikeKey()
		}
		if differs != exceptions[name.String()] {
			t.Errorf("the lookalike key of %q in capitals, small letters or both is another: %v, want %v", name, differs, !differs)
		}
	}
}
