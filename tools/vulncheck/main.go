// Command vulncheck runs govulncheck on the module in a directory, against the newest vulnerability database that the
// Go module proxy serves: the module golang.org/x/vulndb.
//
//	go -C tools run ./vulncheck DIR
//
// It fails if the module calls a vulnerable function for which a release has a fix, and if the scan cannot run.
// A vulnerability without a fix is only reported, because nobody could act on the failure.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/vuln/scan"
)

const database = "golang.org/x/vulndb"

func main() {
	log.SetFlags(0)
	log.SetPrefix("vulncheck: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: vulncheck DIR")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()

	report, err := check(ctx, os.Args[1])
	if err != nil {
		log.Fatalf("%v\nThe scan did not run. Make sure that the Go module proxy (go env GOPROXY) can be reached "+
			"and that go vet ./... succeeds, then try again.", err)
	}
	ids, err := fixable(bytes.NewReader(report))
	if err != nil {
		log.Fatalf("read govulncheck's report: %v", err)
	}
	if err := printReport(ctx, report); err != nil {
		log.Fatalf("print govulncheck's report: %v", err)
	}
	if len(ids) > 0 {
		log.Fatalf("upgrade to the versions named under \"Fixed in\" above, for %s. For the standard library, that is the "+
			"Go version in go.mod and in the Dockerfile.", strings.Join(ids, ", "))
	}
}

// check scans the module in dir and returns govulncheck's report in JSON.
func check(ctx context.Context, dir string) ([]byte, error) {
	out, err := os.MkdirTemp("", "vulncheck-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	if err := makeDatabase(ctx, out); err != nil {
		return nil, fmt.Errorf("make the vulnerability database: %w", err)
	}
	var report bytes.Buffer
	cmd := scan.Command(ctx, "-C", dir, "-db", "file://"+filepath.ToSlash(out), "-format", "json", "./...")
	cmd.Stdout = &report
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("run govulncheck: %w", err)
	}
	return report.Bytes(), nil
}

// makeDatabase writes the newest database to the directory out and prints its version and date.
func makeDatabase(ctx context.Context, out string) error {
	var module struct {
		Version, Dir string
		Time         time.Time
	}
	for _, args := range [][]string{
		{"list", "-m", "-json", database + "@latest"},
		{"mod", "download", "-json", database + "@latest"},
	} {
		b, err := runGo(ctx, args...)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, &module); err != nil {
			return err
		}
	}
	fmt.Printf("Vulnerability database of %s (%s %s)\n", module.Time.Format(time.DateOnly), database, module.Version)
	_, err := runGo(ctx, "run", database+"/cmd/indexdb@"+module.Version, "-vulns", filepath.Join(module.Dir, "data", "osv"), "-out", out)
	return err
}

// runGo runs the go command and returns its standard output.
func runGo(ctx context.Context, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return out, nil
}

// fixable reads govulncheck's report in JSON and returns the sorted identifiers of those vulnerabilities that the
// scanned module calls and a released version fixes.
func fixable(report io.Reader) ([]string, error) {
	var ids []string
	scanned := false
	for d := json.NewDecoder(report); ; {
		var message struct {
			SBOM    *struct{ Roots []string }
			Finding *struct {
				OSV          string
				FixedVersion string `json:"fixed_version"`
				Trace        []struct{ Function string }
			}
		}
		if err := d.Decode(&message); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if message.SBOM != nil && len(message.SBOM.Roots) > 0 {
			scanned = true
		}
		// A trace without a function means that the module only requires or imports what is vulnerable.
		if f := message.Finding; f != nil && f.FixedVersion != "" && len(f.Trace) > 0 && f.Trace[0].Function != "" {
			ids = append(ids, f.OSV)
		}
	}
	if !scanned {
		return nil, errors.New("it names no package that was scanned")
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// printReport prints govulncheck's report as govulncheck would have in text.
func printReport(ctx context.Context, report []byte) error {
	cmd := scan.Command(ctx, "-mode", "convert")
	cmd.Stdin = bytes.NewReader(report)
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	if findings := interface{ ExitCode() int }(nil); errors.As(err, &findings) {
		return nil // it prints the findings and reports them by its exit code
	}
	return err
}
