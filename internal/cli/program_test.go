package cli_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nametag/internal/cli"
	"nametag/internal/pgtest"
)

// onBoth runs f on an empty database of either kind, beside other tests.
func onBoth(t *testing.T, f func(t *testing.T, database string)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		f(t, filepath.Join(t.TempDir(), "pets.db"))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		f(t, pgtest.URL(t))
	})
}

// A result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

// environ is an environment of test processes.
type environ map[string]string

// run runs a command in this process.
func run(t *testing.T, env environ, stdin string, args ...string) result {
	t.Helper()
	return runIn(t.Context(), env, stdin, args...)
}

// runIn runs a command in this process until ctx ends.
func runIn(ctx context.Context, env environ, stdin string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, args, cli.Process{
		Stdin:  strings.NewReader(stdin),
		Stdout: &stdout,
		Stderr: &stderr,
		Getenv: func(name string) string { return env[name] },
	})
	return result{code, stdout.String(), stderr.String()}
}

// must runs a command in this process that is to succeed, and returns what it printed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	r := run(t, nil, "", args...)
	if r.code != 0 {
		t.Fatalf("nametag %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// refuses checks that a command fails with this exit code and says this.
func refuses(t *testing.T, r result, code int, says ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, s := range says {
		if !strings.Contains(r.stderr, s) {
			t.Errorf("it should say %q, but says:\n%s", s, r.stderr)
		}
	}
}

// register registers a cat and reports whether the server answered that it has. An error says that there was no answer.
func register(client *http.Client, url, name string) (bool, error) {
	res, err := client.Post(url+"/api/v1/pets", "application/json",
		strings.NewReader(fmt.Sprintf(`{"name":%q,"favorite_color":"red","category":"cat"}`, name)))
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	if res.StatusCode/100 != 2 {
		return false, errors.Join(err, fmt.Errorf("%q: %s", name, res.Status))
	}
	return err == nil, err
}

// names returns the names that are registered.
func names(t *testing.T, database string) map[string]bool {
	t.Helper()
	set := make(map[string]bool)
	for line := range strings.Lines(must(t, "export", "--format=jsonl", "--database", database)) {
		var pet struct{ Name string }
		if err := json.Unmarshal([]byte(line), &pet); err != nil {
			t.Fatal(err)
		}
		set[pet.Name] = true
	}
	return set
}

// refusals reads a report: "line name code: reason", one a row.
func refusals(t *testing.T, report string) []string {
	t.Helper()
	f, err := os.Open(report)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"line", "name", "code", "reason"}; !cmp.Equal(rows[0], want) {
		t.Errorf("the report's header is %q, want %q", rows[0], want)
	}
	var all []string
	for _, row := range rows[1:] {
		all = append(all, fmt.Sprintf("%s %s %s: %s", row[0], row[1], row[2], row[3]))
	}
	return all
}

// bring imports a file and returns what the command said and its report.
func bring(t *testing.T, database, file string, flags ...string) (string, []string) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.csv")
	args := append([]string{"import", "--database", database, "--report", report}, flags...)
	return must(t, append(args, file)...), refusals(t, report)
}

// write writes a file and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNoMessageShowsAPassword(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	for _, url := range []string{
		"postgres://pets:" + secret + "@127.0.0.1:1/pets",
		"postgresql://pets@127.0.0.1:1/pets?password=" + secret,
	} {
		for _, command := range []string{"serve --listen=127.0.0.1:0 --admin-listen=off", "export", "migrate", "migrate --check"} {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // rather than wait for the server
			r := runIn(ctx, environ{"NAMETAG_DATABASE": url}, "", strings.Split(command, " ")...)
			cancel()
			refuses(t, r, 1, "127.0.0.1:1/pets")
			if strings.Contains(r.stdout+r.stderr, secret) {
				t.Errorf("%s shows the password: %s", command, r.stderr)
			}
		}
	}
}
