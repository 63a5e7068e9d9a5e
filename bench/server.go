package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// self is this program. It serves as one of the peers when its arguments say so.
const self = "/proc/self/exe"

// A server is a process under load.
type server struct {
	addr     string // where it serves
	metrics  string // where nametag serves its metrics and profiles
	database string // of nametag: the path of a file, or a URL
	cmd      *exec.Cmd
	log      string          // the path of what it prints
	running  context.Context // done when it has ended, or is to end
	stop     func()          // ends it, and waits until it has

	started                 time.Time
	firstAnswer, indexReady time.Duration // since then
}

// startServer starts a server and waits until it answers a GET of path. Its last argument is the address to serve at.
func (r *run) startServer(ctx context.Context, path, program string, args ...string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(r.folder, "*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	running, end := context.WithCancelCause(ctx)
	s := &server{addr: addr, log: log.Name(), running: running, started: time.Now()}
	s.cmd = exec.CommandContext(running, program, append(args, addr)...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	s.cmd.WaitDelay = patience // then it is killed
	if err := s.cmd.Start(); err != nil {
		end(err)
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		end(fmt.Errorf("%s has ended: %v", program, s.cmd.Wait()))
		close(ended)
	}()
	s.stop = func() {
		end(context.Canceled)
		<-ended
	}
	r.servers = append(r.servers, s)
	s.firstAnswer, err = s.wait(func() bool {
		_, err := get(addr, path)
		return err == nil
	})
	return s, err
}

// startNametag starts a nametag program on a database, with the garbage collection of compose.yaml and without its rate
// limit, and waits until its index is ready.
func (r *run) startNametag(ctx context.Context, program, database string) (*server, error) {
	metrics, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s, err := r.startServer(ctx, checkPath+nameOf(0), "env", "GOGC=800", "GOMEMLIMIT=450MiB",
		program, "serve", "--database", database, "--rate-limit", "0", "--admin-listen", metrics, "--listen")
	if err != nil {
		return nil, err
	}
	s.metrics, s.database = metrics, database
	s.indexReady, err = s.wait(func() bool {
		ready, err := s.metric("nametag_index_ready")
		return err == nil && ready == 1
	})
	return s, err
}

// wait waits until done, and returns how long after the start that was.
func (s *server) wait(done func() bool) (time.Duration, error) {
	const limit = 10 * time.Minute
	for !done() {
		select {
		case <-s.running.Done():
			text, _ := os.ReadFile(s.log)
			return 0, fmt.Errorf("%w\n%s", context.Cause(s.running), text[max(0, len(text)-2000):])
		case <-time.After(2 * time.Millisecond):
			if time.Since(s.started) > limit {
				return 0, fmt.Errorf("%s is not ready after %v", s.cmd.Path, limit)
			}
		}
	}
	return time.Since(s.started), nil
}

// stopServers stops the servers that were started since it was last called.
func (r *run) stopServers() {
	for _, s := range r.servers {
		s.stop()
	}
	r.servers = nil
}

// metric returns the value of a metric of nametag.
func (s *server) metric(name string) (float64, error) {
	text, err := get(s.metrics, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}

// cpuTime is how long processors have worked for a server, and for its sessions in PostgreSQL.
type cpuTime struct{ server, sessions time.Duration }

func (s *server) cpuTime(ctx context.Context) (t cpuTime, err error) {
	if t.server, err = processTime(s.cmd.Process.Pid); err != nil || !strings.HasPrefix(s.database, "postgres:") {
		return t, err
	}
	pids, err := query[string](ctx, s.database,
		`SELECT coalesce(string_agg(pid::text, ' '), '') FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	for text := range strings.FieldsSeq(pids) {
		pid, _ := strconv.Atoi(text)
		if d, err := processTime(pid); err == nil { // it may have ended
			t.sessions += d
		}
	}
	return t, err
}

// processTime returns how long processors have worked for a process with all its threads. The process's CPU clock
// counts nanoseconds; /proc/PID/stat has hundredths of a second.
func processTime(pid int) (time.Duration, error) {
	const wholeProcess = 2 // CPUCLOCK_SCHED in the kernel's posix-timers_types.h
	var t unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|wholeProcess), &t)
	return time.Duration(t.Nano()), err
}

// get returns the body of an answer whose status is 200.
func get(addr, path string) ([]byte, error) {
	status, body, err := fasthttp.GetTimeout(nil, "http://"+addr+path, patience)
	if err == nil && status != fasthttp.StatusOK {
		err = fmt.Errorf("GET %s: %d: %s", path, status, body)
	}
	return body, err
}

// freeAddr returns an address of the loopback interface that nothing listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// runProgram runs a program in a folder and returns its output.
func runProgram(ctx context.Context, folder, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(program), args[0], err, &out, &errs)
	}
	return strings.TrimSpace(out.String()), nil
}
