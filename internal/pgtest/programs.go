package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var errNoPostgres = errors.New(
	"PostgreSQL tests left out: no initdb found; install postgresql or set NAMETAG_TEST_POSTGRES")

// findPrograms returns the folder that has initdb and postgres: one in PATH, or
// else that of the newest version where Debian and its kin put it.
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

// An account is the user that runs the server; nil is the one who runs the
// tests.
type account struct{ uid, gid int }

// serverAccount chooses somebody other than root, whom PostgreSQL refuses.
func serverAccount() (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.Atoi(u.Uid)
		gid, gerr := strconv.Atoi(u.Gid)
		if err := errors.Join(uerr, gerr); err != nil {
			return nil, err
		}
		return &account{uid, gid}, nil
	}
	return nil, errors.New("pgtest: PostgreSQL refuses root, and there is no user postgres or nobody to run it")
}

func (a *account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// runInitdb makes the files of a cluster in data, for a superuser postgres with
// this password.
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
		// An order that differs from that of the bytes, so that a forgotten COLLATE shows.
		args = append(args, "--locale-provider", "icu", "--icu-locale", "en-US")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), args...)
	cmd.Dir, cmd.SysProcAttr = folder, a.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: initdb: %w\n%s", err, out)
	}
	return nil
}

// hasICU reports whether initdb can make a cluster whose default order is one
// of ICU's.
func hasICU(ctx context.Context, programs string) bool {
	help, err := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "--help").Output()
	return err == nil && strings.Contains(string(help), "--icu-locale")
}
