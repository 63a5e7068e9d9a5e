package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// program is a module that imports two packages of another one, of which one has a licence of its own.
var program = map[string]string{
	"go.mod":                    "module example.com/program\ngo 1.26\nrequire example.com/dep v1.2.3\nreplace example.com/dep v1.2.3 => ./dep\n",
	"main.go":                   "package main\nimport (_ \"example.com/dep/plain\"; _ \"example.com/dep/taken/deep\")\nfunc main() {}\n",
	"LICENSE":                   "the program's licence\n",
	"internal/unused/LICENSE":   "of a package that is not imported\n",
	"dep/go.mod":                "module example.com/dep\n",
	"dep/COPYING":               "the module's licence\n",
	"dep/plain/plain.go":        "package plain\n",
	"dep/plain/license.go":      "package plain\n",
	"dep/taken/LICENSE-MIT.txt": "of what was taken\n",
	"dep/taken/deep/deep.go":    "package deep\n",
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWrite(t *testing.T) {
	dir := writeFiles(t, program)
	extra := filepath.Join(dir, "extra.txt")
	if err := os.WriteFile(extra, []byte("of a file beside the program\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := write(t.Context(), &out, dir, ".", []string{extra}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"example.com/dep v1.2.3: COPYING", "the module's licence",
		"example.com/dep v1.2.3: taken/LICENSE-MIT.txt", "of what was taken",
		"example.com/program: LICENSE", "the program's licence",
		extra, "of a file beside the program",
	}
	got := slices.DeleteFunc(strings.Split(out.String(), "\n"), func(line string) bool {
		return !slices.Contains(want, line)
	})
	if !slices.Equal(got, want) {
		t.Errorf("got these lines, or in this order:\n%q\nwant\n%q", got, want)
	}
	if !regexp.MustCompile(`(?m)^Go 1\.\S+: LICENSE$`).MatchString(out.String()) {
		t.Error("Go's own licence is missing")
	}
	if strings.Contains(out.String(), "not imported") {
		t.Error("a licence of a package that is not imported is printed")
	}
}

func TestModuleWithoutLicence(t *testing.T) {
	dir := writeFiles(t, program)
	if err := os.Remove(filepath.Join(dir, "dep", "COPYING")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "dep", "taken", "LICENSE-MIT.txt")); err != nil {
		t.Fatal(err)
	}
	err := write(t.Context(), &strings.Builder{}, dir, ".", nil)
	if err == nil || !strings.Contains(err.Error(), "example.com/dep v1.2.3 has no licence") {
		t.Errorf("error: %v", err)
	}
}
