package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport lists the packages below internal/ that each package may import: the
// arrows of docs/design.md. Tests may import more.
var mayImport = map[string]string{
	"cmd/nametag":          "cli",
	"internal/cli":         "index policyfile postgres queue registry server sqlite transfer web wording",
	"internal/web":         "appendjson registry wording",
	"internal/transfer":    "registry wording",
	"internal/wording":     "registry",
	"internal/policyfile":  "registry",
	"internal/server":      "sleep",
	"internal/queue":       "registry",
	"internal/index":       "registry sleep",
	"internal/sqlite":      "migrate registry storekit",
	"internal/postgres":    "migrate registry sleep storekit",
	"internal/storekit":    "registry",
	"internal/registry":    "appendjson skeleton sleep",
	"internal/skeleton":    "",
	"internal/appendjson":  "",
	"internal/migrate":     "",
	"internal/sleep":       "",
	"internal/pgtest":      "sleep",
	"internal/pebbletest":  "",
	"internal/programtest": "",
	"internal/storetest":   "registry",
	"e2e":                  "",
	"e2e/deploy":           "",
}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}:{{range .Imports}} {{.}}{{end}}", "nametag/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "nametag/")), ":")
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("package %s is not in the picture: say here and in docs/design.md what it may import", pkg)
		}
		seen[pkg] = true
		for imp := range strings.FieldsSeq(imports) {
			ours, isOurs := strings.CutPrefix(imp, "nametag/")
			if isOurs && !slices.Contains(strings.Fields(allowed), strings.TrimPrefix(ours, "internal/")) {
				t.Errorf("%s may not import %s", pkg, imp)
			}
			if pkg == "internal/registry" && !isOurs && (imp == "database/sql" || strings.HasPrefix(imp, "net") ||
				strings.Contains(imp, ".") && !strings.HasPrefix(imp, "golang.org/x/text/")) {
				t.Errorf("the domain may not import %s", imp)
			}
		}
	}
	for pkg := range mayImport {
		if !seen[pkg] {
			t.Errorf("package %s is in the picture, but not in the tree", pkg)
		}
	}
}
