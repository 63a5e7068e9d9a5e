package cli_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nametag/internal/cli"
	"nametag/internal/pgtest"
	"nametag/internal/programtest"
)

func TestMain(m *testing.M) {
	programtest.Main(func() int { return pgtest.Main(m.Run) }, nametag)
}

// nametag is the main function of the program that the tests start. If the variable NOW is set, it is the time of its
// clock. In a transcript, the output is the same on every machine.
func nametag() int {
	p := cli.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
	if now := os.Getenv("NOW"); now != "" {
		p.Now = func() time.Time {
			moment, err := time.Parse(time.RFC3339, now)
			if err != nil {
				panic(err)
			}
			return moment
		}
	}
	if os.Getenv("WORK") == "" {
		return cli.Main(p)
	}
	var stdout, stderr bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &stderr
	code := cli.Main(p)
	os.Stdout.WriteString(normalize(stdout.String()))
	os.Stderr.WriteString(normalize(stderr.String()))
	return code
}

var speed = regexp.MustCompile(`\d+\.\d s, [\d,]+ rows/s`)

// normalize replaces what differs from machine to machine and from run to run.
func normalize(output string) string {
	if database, err := url.Parse(os.Getenv("NAMETAG_DATABASE")); err == nil && filepath.IsAbs(database.Path) {
		output = strings.ReplaceAll(output, database.Redacted(), "$DATABASE")
	}
	output = strings.ReplaceAll(output, os.Getenv("WORK"), "$WORK")
	return speed.ReplaceAllString(output, "0.1 s, 1,000 rows/s")
}

var update = flag.Bool("update", false, "write what the commands print into the transcripts")

// TestScript runs the transcripts in testdata/script on SQLite and on PostgreSQL, and those in testdata/script/once on
// SQLite. They begin on 1 March 2026 at noon, and ann runs the commands. With -update, it writes what the commands
// print into the transcripts.
func TestScript(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		runScripts(t, "script", func(env *testscript.Env) string { return filepath.Join(env.WorkDir, "pets.db") })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		if *update {
			t.Skip("the transcripts on PostgreSQL left out: with -update, those on SQLite are written")
		}
		runScripts(t, "script", func(env *testscript.Env) string { return pgtest.URL(env.T().(testing.TB)) })
	})
	t.Run("Once", func(t *testing.T) {
		runScripts(t, filepath.Join("script", "once"), func(env *testscript.Env) string { return filepath.Join(env.WorkDir, "pets.db") })
	})
}

func runScripts(t *testing.T, dir string, database func(*testscript.Env) string) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", dir),
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Values[testKey{}] = env.T()
			env.Setenv("NAMETAG_DATABASE", database(env))
			env.Setenv("NOW", "2026-03-01T12:00:00Z")
			env.Setenv("USER", "ann")
			env.Setenv("BEL", "\a")
			env.Setenv("LS", "\u2028")
			env.Setenv("GO", runtime.Version())
			env.Setenv("PLATFORM", runtime.GOOS+"/"+runtime.GOARCH)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "devfull" {
				return false, fmt.Errorf("there is no condition %s", name)
			}
			_, err := os.Stat("/dev/full")
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// exits CODE nametag ... runs a command that fails with this exit code.
			"exits": exits,
			// misuse [VAR=VALUE]... ARGUMENT... runs nametag, which refuses the arguments with
			// exit code 2, and adds the command and what it says to misuse.txt.
			"misuse": misuse,
			// sql STATEMENT or sql @FILE changes the database without nametag.
			"sql": changeDatabase,
			// postgres VAR makes VAR the URL of another database, an empty one.
			"postgres": newPostgres,
			// unescape FILE... puts characters in place of \a, \r, \t and \ufeff, and nothing in
			// place of a \ at the end of a line.
			"unescape": unescape,
			// server [FLAG...] starts a server at $URL, which ends with the transcript.
			"server": startServer,
			// register NAME [CATEGORY] registers a pet, a cat unless told otherwise, with the
			// server, and prints what it answers.
			"register": registerPet,
			// chained FILE checks an exported journal as docs/operating.md says.
			"chained": chained,
		},
	})
}
