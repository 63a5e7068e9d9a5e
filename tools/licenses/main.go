// Command licenses prints the licences of everything that a Go program is built from: its own, Go's, those of the
// modules that it imports, and those of what any package has taken from elsewhere. Copies of the program must carry them.
//
//	go run tools/licenses/main.go PACKAGE [FILE...]
//
// The FILEs are licences of what is distributed along with the program. It fails for a module without a licence.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licenseFile matches the names of files that say under which terms a directory's files are distributed.
var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents)s?([-_.].+)?$`)

func main() {
	log.SetFlags(0)
	log.SetPrefix("licenses: ")
	if len(os.Args) < 2 {
		log.Fatal("usage: licenses PACKAGE [FILE...]")
	}
	w := bufio.NewWriter(os.Stdout)
	if err := write(context.Background(), w, "", os.Args[1], os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
}

// write writes the licences of the program in package pkg, which is relative to dir, and then those in files.
func write(ctx context.Context, w io.Writer, dir, pkg string, files []string) error {
	modules, err := list(ctx, dir, pkg)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		m := modules[name]
		if len(m.licenses) == 0 {
			return fmt.Errorf("%s has no licence: ask its authors for one, or use another module", name)
		}
		slices.Sort(m.licenses)
		for _, path := range slices.Compact(m.licenses) {
			relative, err := filepath.Rel(m.dir, path)
			if err != nil {
				return err
			}
			if err := writeFile(w, name+": "+relative, path); err != nil {
				return err
			}
		}
	}
	for _, path := range files {
		if err := writeFile(w, path, path); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(w io.Writer, title, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n%s\n\n%s\n\n", strings.Repeat("=", 80), title, bytes.TrimSpace(text))
	return err
}

// A module is where its files are and the paths of its licences, in any order and repeated.
type module struct {
	dir      string
	licenses []string
}

// list returns the modules that a program is built from, Go's own among them, by name and version.
func list(ctx context.Context, dir, program string) (map[string]*module, error) {
	env, err := runGo(ctx, dir, "env", "-json", "GOROOT", "GOVERSION")
	if err != nil {
		return nil, err
	}
	var std struct{ GOROOT, GOVERSION string }
	if err := json.Unmarshal(env, &std); err != nil {
		return nil, err
	}
	packages, err := runGo(ctx, dir, "list", "-deps", "-json=Dir,Standard,Module", program)
	if err != nil {
		return nil, err
	}
	modules := map[string]*module{}
	for d := json.NewDecoder(bytes.NewReader(packages)); ; {
		var pkg struct {
			Dir      string
			Standard bool
			Module   struct{ Path, Version, Dir string }
		}
		if err := d.Decode(&pkg); errors.Is(err, io.EOF) {
			return modules, nil
		} else if err != nil {
			return nil, err
		}
		name, root := strings.TrimSpace(pkg.Module.Path+" "+pkg.Module.Version), pkg.Module.Dir
		if pkg.Standard {
			name, root = "Go "+strings.TrimPrefix(std.GOVERSION, "go"), std.GOROOT
		}
		m := modules[name]
		if m == nil {
			m = &module{dir: root}
			modules[name] = m
		}
		// What a package has taken from elsewhere has its licence in the package's directory or in one above it.
		for dir := pkg.Dir; strings.HasPrefix(dir, root); dir = filepath.Dir(dir) {
			entries, err := os.ReadDir(dir)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if e.Type().IsRegular() && licenseFile.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
					m.licenses = append(m.licenses, filepath.Join(dir, e.Name()))
				}
			}
		}
	}
}

// runGo runs the go command in dir and returns its standard output.
func runGo(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}
