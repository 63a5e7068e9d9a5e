package skeleton

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file anew")

// generator builds gen.go and returns a function that runs it on a file and returns its
// output, and its message if it failed.
func generator(t *testing.T) func(t *testing.T, file string) (written []byte, failure string) {
	t.Helper()
	if testing.Short() {
		t.Skip("the generator's tests left out: they build it, and -short builds no program")
	}
	program := filepath.Join(t.TempDir(), "gen.exe")
	if out, err := exec.Command("go", "build", "-o", program, "gen.go").CombinedOutput(); err != nil {
		t.Fatalf("go build gen.go: %v\n%s", err, out)
	}
	return func(t *testing.T, file string) ([]byte, string) {
		t.Helper()
		table := filepath.Join(t.TempDir(), "table.go")
		out, err := exec.Command(program, "-o", table, file).CombinedOutput()
		if err != nil {
			if _, err := os.Stat(table); err == nil {
				t.Error("the generator failed, but wrote a table")
			}
			return nil, string(out)
		}
		written, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		return written, ""
	}
}

func TestGenerator(t *testing.T) {
	t.Parallel()
	generate := generator(t)

	t.Run("an excerpt", func(t *testing.T) {
		golden := filepath.Join("testdata", "excerpt.golden")
		got, failure := generate(t, filepath.Join("testdata", "excerpt.txt"))
		if *update && failure == "" {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if failure != "" || !bytes.Equal(got, want) {
			t.Errorf("%sthe table of the excerpt is\n%s\nwant\n%s", failure, got, want)
		}
	})

	// confusables.txt is not in the repository, so the test writes a file with the same
	// entries, from which the generator must make table.go, byte for byte.
	t.Run("its own table", func(t *testing.T) {
		var b strings.Builder
		fmt.Fprintf(&b, "# © 2025 Unicode®, Inc.\n# Version: %s\n", Version)
		table := prototypeOf()
		for _, r := range slices.Sorted(maps.Keys(table)) {
			fmt.Fprintf(&b, "%04X ;\t%s ;\tMA\t#\n", r, hex(table[r]))
		}
		fmt.Fprintf(&b, "# total: %d\n", entries)
		file := filepath.Join(t.TempDir(), "confusables.txt")
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile("table.go")
		if err != nil {
			t.Fatal(err)
		}
		got, failure := generate(t, file)
		if failure != "" || !bytes.Equal(got, want) {
			t.Errorf("%stable.go is not what gen.go makes of its entries", failure)
		}
	})

	excerpt, err := os.ReadFile(filepath.Join("testdata", "excerpt.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, new, says string }{
		{"no prototype", "0021 ;\tMA", "MA", "line 9: "},
		{"an empty prototype", "0021 ;\tMA", " ;\tMA", "line 9: a field is empty"},
		{"another class", "0021 ;\tMA", "0021 ;\tSL", "line 9: "},
		{"no number", "0021 ;\tMA", "002G ;\tMA", `line 9: "002G" is not the code point of a character`},
		{"half a pair", "0021 ;\tMA", "D800 ;\tMA", `line 9: "D800" is not`},
		{"a control character", "0021 ;\tMA", "000A ;\tMA", `line 9: "000A" is not`},
		{"two sources", "01C3 ;", "01C3 2D51 ;", "line 9: the source"},
		{"a source twice", "2D51 ;", "01C3 ;", "line 10: U+01C3 has a prototype already"},
		{"its own prototype", "01C3 ;\t0021", "0021 ;\t0021", "line 9: U+0021 is its own prototype"},
		{"a line too few", "01C3 ;", "# 01C3 ;", "6 entries, but the total is said to be 7"},
		{"no total", "# total: ", "# sum: ", "no line says the total"},
		{"no version", "# Version: ", "# Edition: ", "no line says which version"},
		{"no copyright", "# © ", "# ", "whose the copyright is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "confusables.txt")
			if err := os.WriteFile(file, []byte(strings.Replace(string(excerpt), tt.old, tt.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, failure := generate(t, file); !strings.Contains(failure, tt.says) {
				t.Errorf("the generator says %q, want %q", failure, tt.says)
			}
		})
	}
}

// hex returns the code points of s in hexadecimal, separated by spaces.
func hex(s string) string {
	var fields []string
	for _, r := range s {
		fields = append(fields, fmt.Sprintf("%04X", r))
	}
	return strings.Join(fields, " ")
}
