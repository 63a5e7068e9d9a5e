package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nametag/internal/cli"
	"nametag/internal/pgtest"
	"nametag/internal/programtest"
)

func TestMain(m *testing.M) {
	programtest.Main(func() int { return pgtest.Main(m.Run) }, func() int {
		return cli.Main(cli.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv})
	})
}

// onBoth runs f on an empty database of either kind.
func onBoth(t *testing.T, f func(t *testing.T, database string)) {
	t.Run("SQLite", func(t *testing.T) { f(t, filepath.Join(t.TempDir(), "pets.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { f(t, pgtest.URL(t)) })
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

// must runs a command in this process that is to succeed, and returns what it
// printed.
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

// register registers a cat and reports whether the server answered that it has.
// An error says that there was no answer.
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

// names returns the names in the book.
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
