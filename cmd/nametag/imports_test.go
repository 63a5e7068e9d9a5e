package main

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
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

// packages returns what each package of the module imports, but for its tests.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && dir != root || d.Name() == "testdata" || d.Name() == "node_modules" {
			return fs.SkipDir
		}
		pkg, err := build.ImportDir(dir, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none && len(pkg.TestGoFiles)+len(pkg.XTestGoFiles) == 0 {
			return nil
		} else if err != nil && !none {
			return err
		}
		rel, err := filepath.Rel(root, dir)
		imports[filepath.ToSlash(rel)] = pkg.Imports
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

func TestImportsPointOneWay(t *testing.T) {
	seen := packages(t)
	for pkg, imports := range seen {
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("package %s is not in the picture: say here and in docs/design.md what it may import", pkg)
		}
		for _, imp := range imports {
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
		if _, ok := seen[pkg]; !ok {
			t.Errorf("package %s is in the picture, but not in the tree", pkg)
		}
	}
}
