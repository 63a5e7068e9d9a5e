package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

var errNoPostgres = errors.New(
	"PostgreSQL tests left out: no initdb found; install postgresql or set NAMETAG_TEST_POSTGRES")

// findPrograms returns the folder that has initdb and postgres: one in PATH, or else that
// of the newest version in the place where Debian and its derivatives install them.
func findPrograms() (string, error) {
	candidates, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	best, newest := "", -1
	for _, folder := range candidates {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
		if err == nil && version > newest && hasPrograms(folder) {
			best, newest = folder, version
		}
	}
	if initdb, err := exec.LookPath("initdb"); err == nil && hasPrograms(filepath.Dir(initdb)) {
		best = filepath.Dir(initdb)
	}
	if best == "" {
		return "", errNoPostgres
	}
	return best, nil
}

func hasPrograms(folder string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}

// runInitdb creates the files of a cluster in data, with a superuser postgres who has this password.
func runInitdb(ctx context.Context, a *account, programs, folder, data, password string) error {
	pwfile := filepath.Join(folder, "password")
	if err := os.WriteFile(pwfile, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	if err := a.own(pwfile); err != nil {
		return err
	}
	args := []string{"--pgdata", data, "--username", "postgres", "--pwfile", pwfile,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"}
	if hasICU(ctx, programs) {
		// A collation that differs from byte order, so that a missing COLLATE is noticed.
		args = append(args, "--locale-provider", "icu", "--icu-locale", "en-US")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), args...)
	cmd.Dir, cmd.SysProcAttr = folder, a.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: initdb: %w\n%s", err, out)
	}
	return nil
}

// hasICU reports whether initdb can create a cluster with an ICU collation by default.
func hasICU(ctx context.Context, programs string) bool {
	help, err := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "--help").Output()
	return err == nil && strings.Contains(string(help), "--icu-locale")
}
