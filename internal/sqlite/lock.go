package sqlite

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockForServing makes this process the only one that serves file, until the
// lock is released or the process ends. The lock is on a file beside it that
// names the process.
func lockForServing(file string) (*flock.Flock, error) {
	path := file + ".lock"
	lock := flock.New(path, flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, unwritable(file, err)
	}
	if !ok {
		return nil, fmt.Errorf("the database %s is served by another nametag already (%s): stop that one, "+
			"choose another file with --database, or use PostgreSQL, which several servers can share", file, holder(path))
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		lock.Unlock()
		return nil, unwritable(file, err)
	}
	return lock, nil
}

// holder names the process that wrote the lock file at path.
func holder(path string) string {
	text, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(text))
	if _, nerr := strconv.Atoi(pid); err != nil || nerr != nil {
		return "its process id is not known"
	}
	return "process " + pid
}

// lockForStarting waits until no other process creates or migrates file, and
// keeps them waiting until the lock is released.
func lockForStarting(ctx context.Context, file string) (*flock.Flock, error) {
	const poll = 10 * time.Millisecond
	lock := flock.New(file+".migrate.lock", flock.SetPermissions(0o600))
	_, err := lock.TryLockContext(ctx, poll)
	switch {
	case ctx.Err() != nil:
		lock.Unlock()
		return nil, fmt.Errorf("sqlite: wait for another process that opens %s: %w", file, ctx.Err())
	case err != nil:
		return nil, unwritable(file, err)
	}
	return lock, nil
}
