package cli_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"nametag/internal/pgtest"
	"nametag/internal/programtest"
)

// A testKey is the key of the test among the values of a transcript.
type testKey struct{}

// testOf returns the test that runs a transcript.
func testOf(ts *testscript.TestScript) testing.TB { return ts.Value(testKey{}).(testing.TB) }

// arguments fails the transcript if a command has fewer than n arguments, or a ! before it.
func arguments(ts *testscript.TestScript, neg bool, args []string, n int, usage string) {
	if neg || len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
}

// exitCode runs a command of the system and returns its exit code.
func exitCode(ts *testscript.TestScript, command ...string) int {
	err := ts.Exec(command[0], command[1:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, "exits CODE COMMAND...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, args[1:]...); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func misuse(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, "misuse [VAR=VALUE]... ARGUMENT...")
	shown := "$"
	for len(args) > 0 {
		name, value, isVariable := strings.Cut(args[0], "=")
		if !isVariable || strings.HasPrefix(name, "-") {
			break
		}
		before := ts.Getenv(name)
		defer ts.Setenv(name, before)
		ts.Setenv(name, value)
		shown += " " + quoted(args[0])
		args = args[1:]
	}
	shown += " nametag"
	for _, arg := range args {
		shown += " " + quoted(arg)
	}
	if got := exitCode(ts, append([]string{"nametag"}, args...)...); got != 2 {
		ts.Fatalf("exit code %d, want 2", got)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("it prints to standard output:\n%s", out)
	}
	f, err := os.OpenFile(ts.MkAbs("misuse.txt"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	ts.Check(err)
	fmt.Fprintf(f, "%s\n%s\n", shown, ts.ReadFile("stderr"))
	ts.Check(f.Close())
}

// quoted returns an argument for a reader, who may know shells.
func quoted(arg string) string {
	if arg == "" || strings.ContainsAny(arg, " \t;*") {
		return "'" + arg + "'"
	}
	return strings.ReplaceAll(arg, "\a", "$BEL")
}

func changeDatabase(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, "sql STATEMENT|@FILE")
	statement := args[0]
	if file, ok := strings.CutPrefix(statement, "@"); ok {
		statement = ts.ReadFile(file)
	}
	execute(testOf(ts), ts.Getenv("NAMETAG_DATABASE"), statement)
}

var escapes = strings.NewReplacer(`\a`, "\a", `\r`, "\r", `\t`, "\t", `\ufeff`, "\ufeff", "\\\n", "")

func unescape(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, "unescape FILE...")
	for _, name := range args {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(escapes.Replace(ts.ReadFile(name))), 0o600))
	}
}

func newPostgres(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, "postgres VAR")
	ts.Setenv(args[0], pgtest.URL(testOf(ts)))
}

// startServer starts a server on the database of the transcript, with its clock.
func startServer(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 0, "server [FLAG...]")
	env := map[string]string{"NOW": ts.Getenv("NOW"), "NAMETAG_DATABASE": ts.Getenv("NAMETAG_DATABASE")}
	p := programtest.Serve(testOf(ts), env, args...)
	ts.Setenv("URL", p.URL)
}

func registerPet(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, "register NAME [CATEGORY]")
	category := append(args, "cat")[1]
	body, err := json.Marshal(map[string]string{"name": args[0], "favorite_color": "red", "category": category})
	ts.Check(err)
	res, err := http.Post(ts.Getenv("URL")+"/api/v1/pets", "application/json", strings.NewReader(string(body)))
	ts.Check(err)
	defer res.Body.Close()
	fmt.Fprintln(ts.Stdout(), res.Status)
	_, err = io.Copy(ts.Stdout(), res.Body)
	ts.Check(err)
}

// chained makes the check of docs/operating.md.
func chained(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, "chained FILE")
	var previous [32]byte
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		stated, entry := line[9:73], line[83:len(line)-2]
		previous = sha256.Sum256(append(previous[:], entry...))
		if fmt.Sprintf("%x", previous) != stated || !json.Valid([]byte(line)) {
			ts.Fatalf("it does not hold for %s", line)
		}
	}
}

// execute changes a database without nametag.
func execute(t testing.TB, database, statement string) {
	t.Helper()
	if !strings.HasPrefix(database, "postgres") {
		db, err := sql.Open("sqlite", database)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		return
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
