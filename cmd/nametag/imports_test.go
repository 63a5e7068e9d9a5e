package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport says which packages of ours each package may import: the arrows of
// docs/design.md. Tests may import more.
var mayImport = map[string]string{
	"nametag/cmd/nametag":          "nametag/internal/cli",
	"nametag/internal/cli":         "nametag/internal/registry nametag/internal/index nametag/internal/policyfile nametag/internal/postgres nametag/internal/queue nametag/internal/server nametag/internal/sqlite nametag/internal/transfer nametag/internal/web",
	"nametag/internal/transfer":    "nametag/internal/registry",
	"nametag/internal/policyfile":  "nametag/internal/registry",
	"nametag/internal/web":         "nametag/internal/registry",
	"nametag/internal/server":      "",
	"nametag/internal/sqlite":      "nametag/internal/registry nametag/internal/storekit nametag/internal/migrate",
	"nametag/internal/postgres":    "nametag/internal/registry nametag/internal/storekit nametag/internal/migrate",
	"nametag/internal/storekit":    "nametag/internal/registry",
	"nametag/internal/index":       "nametag/internal/registry nametag/internal/storekit",
	"nametag/internal/queue":       "nametag/internal/registry",
	"nametag/internal/skeleton":    "",
	"nametag/internal/migrate":     "",
	"nametag/internal/pgtest":      "",
	"nametag/internal/pebbletest":  "",
	"nametag/internal/programtest": "",
	"nametag/internal/storetest":   "nametag/internal/registry",
	"nametag/e2e":                  "",
	"nametag/e2e/deploy":           "",
}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}:{{range .Imports}} {{.}}{{end}}", "nametag/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), ":")
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("package %s is not in the picture: say here and in docs/design.md what it may import", pkg)
		}
		seen[pkg] = true
		for _, imp := range strings.Fields(imports) {
			ours := strings.HasPrefix(imp, "nametag/")
			if ours && !slices.Contains(strings.Fields(allowed), imp) {
				t.Errorf("%s may not import %s", pkg, imp)
			}
			if pkg == "nametag/internal/registry" && (imp == "database/sql" || strings.HasPrefix(imp, "net") ||
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
