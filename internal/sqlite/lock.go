package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// A serverLock makes this process the only one that serves a database, until it is
// released or the process ends. One file next to the database is locked and
// another names the process: on Windows, other processes cannot read a locked file.
type serverLock struct {
	lock    *flock.Flock
	pidFile string
}

func lockForServing(file string) (*serverLock, error) {
	s := &serverLock{flock.New(file+".lock", flock.SetPermissions(0o600)), file + ".pid"}
	ok, err := s.lock.TryLock()
	if err != nil {
		return nil, unwritable(file, err)
	}
	if !ok {
		return nil, fmt.Errorf("another nametag serves the database %s already (%s): stop that one, "+
			"choose another file with --database, or use PostgreSQL, which several servers can share", file, s.holder())
	}
	if err := os.WriteFile(s.pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		s.lock.Unlock()
		return nil, unwritable(file, err)
	}
	return s, nil
}

// holder describes the process that holds the lock.
func (s *serverLock) holder() string {
	text, err := os.ReadFile(s.pidFile)
	pid := strings.TrimSpace(string(text))
	if _, nerr := strconv.Atoi(pid); err != nil || nerr != nil {
		return "its process id is not known"
	}
	return "process " + pid
}

func (s *serverLock) release() error {
	err := os.Remove(s.pidFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.lock.Unlock())
}

// lockForStarting waits until no other process creates or migrates file, and keeps
// others from it until the lock is released.
func lockForStarting(ctx context.Context, file string) (*flock.Flock, error) {
	const poll = 10 * time.Millisecond
	lock := flock.New(file+".migrate.lock", flock.SetPermissions(0o600))
	_, err := lock.TryLockContext(ctx, poll)
	switch {
	case ctx.Err() != nil:
		lock.Unlock()
		return nil, fmt.Errorf("sqlite: wait for another process to open %s: %w", file, ctx.Err())
	case err != nil:
		return nil, unwritable(file, err)
	}
	return lock, nil
}
