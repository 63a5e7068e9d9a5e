package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag/internal/sleep"
)

// A Cluster is a PostgreSQL server that a test can stop, kill and restart. It listens only on the loopback interface,
// always on the same port, and writes to disk as in production. Use it from one goroutine.
type Cluster struct {
	database string // that URL is of
	programs string
	account  *account
	settings []string
	folder   string // data/, server.log
	password string
	port     int

	process *os.Process
	exited  chan struct{} // closed when process has ended
}

// borrowed is the cluster that tests use one after another.
var borrowed struct {
	mu      sync.Mutex // held by the test that has it
	cluster *Cluster
}

// Start returns a cluster with an empty database. The test may do anything with it, but
// must leave it running. Other tests that call Start wait until the test ends.
func Start(t testing.TB) *Cluster {
	t.Helper()
	borrowed.mu.Lock()
	t.Cleanup(borrowed.mu.Unlock)
	if !shared.managed {
		t.Fatal(errUnmanaged)
	}
	if borrowed.cluster == nil {
		c, err := New()
		if err != nil {
			LeaveOut(t, err)
		}
		borrowed.cluster = c
	}
	c := borrowed.cluster
	c.database = "postgres"
	name, drop := createDatabase(t, c.URL())
	c.database = name
	t.Cleanup(drop)
	return c
}

// New starts a cluster for a program other than a test, in the folder for temporary
// files, with settings such as "shared_buffers=2GB". The caller closes it.
func New(settings ...string) (*Cluster, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	user, err := serverAccount()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "nametag-pgtest-")
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	c := &Cluster{database: "postgres", programs: programs, account: user, settings: settings, folder: folder, password: rand.Text()}
	if err := c.create(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close stops the server and deletes its files, even if stopping fails.
func (c *Cluster) Close() error {
	err := c.end(syscall.SIGQUIT)
	if rerr := os.RemoveAll(c.folder); rerr != nil {
		err = errors.Join(err, fmt.Errorf("pgtest: %w", rerr))
	}
	return err
}

// Program returns the path of another of PostgreSQL's programs, from the same folder as
// the initdb that created the cluster.
func (c *Cluster) Program(name string) (string, error) {
	initdb, err := filepath.EvalSymlinks(filepath.Join(c.programs, "initdb"))
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	path, err := exec.LookPath(filepath.Join(filepath.Dir(initdb), name))
	if err != nil {
		return "", fmt.Errorf("pgtest: PostgreSQL has no %s; install all of its package for servers: %w", name, err)
	}
	return path, nil
}

// URL returns the URL of a database in the cluster.
func (c *Cluster) URL() string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)),
		Path:     "/" + c.database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Log returns what the server has logged.
func (c *Cluster) Log() (string, error) {
	log, err := os.ReadFile(c.log())
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	return string(log), nil
}

// Stop performs a fast shutdown: the server disconnects its clients and writes everything.
func (c *Cluster) Stop() error { return c.end(syscall.SIGINT) }

// Kill ends the server without letting it write anything, as a crash does.
func (c *Cluster) Kill() error {
	if c.process == nil {
		return nil
	}
	children := childrenOf(c.process.Pid)
	if children == nil {
		return c.end(syscall.SIGQUIT) // PostgreSQL's immediate shutdown
	}
	if err := c.process.Kill(); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	for _, pid := range children {
		if p, err := os.FindProcess(pid); err == nil {
			p.Kill() // it may have ended already
		}
	}
	return c.wait()
}

// Restart starts the server again, after stopping it if it runs, and waits until it answers.
func (c *Cluster) Restart() error {
	if err := c.Stop(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// The last processes of a killed server may hold its memory for a moment.
	for {
		err := c.start(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if sleep.For(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

func (c *Cluster) create() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.account.own(c.folder); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	if err := runInitdb(ctx, c.account, c.programs, c.folder, c.data(), c.password); err != nil {
		return err
	}
	const attempts = 5 // another process may take the port before the server starts
	var err error
	for range attempts {
		if c.port, err = freePort(ctx); err != nil {
			return err
		}
		if err = c.start(ctx); err == nil {
			return nil
		}
	}
	return err
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }
func (c *Cluster) log() string  { return filepath.Join(c.folder, "server.log") }

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("pgtest: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// start starts the server and waits until it answers.
func (c *Cluster) start(ctx context.Context) error {
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.programs, "postgres"),
		"-D", c.data(), "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "max_connections=200", "-c", "fsync=on")
	for _, setting := range c.settings {
		cmd.Args = append(cmd.Args, "-c", setting)
	}
	cmd.Dir, cmd.SysProcAttr = c.folder, c.account.attributes()
	cmd.Stdout, cmd.Stderr = log, log
	dieWithParent(cmd.SysProcAttr)

	started := make(chan error)
	c.exited = make(chan struct{})
	go func(exited chan struct{}) {
		// The server dies with the thread that started it, so this thread is kept.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
		close(exited)
	}(c.exited)
	if err := <-started; err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	c.process = cmd.Process
	return c.awaitAnswer(ctx)
}

func (c *Cluster) awaitAnswer(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, c.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.exited:
			c.process = nil
			text, _ := c.Log()
			return fmt.Errorf("pgtest: the server ended as it started:\n%s", text)
		default:
		}
		if sleep.For(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("pgtest: the server does not answer: %w", err)
		}
	}
}

func (c *Cluster) end(signal os.Signal) error {
	if c.process == nil {
		return nil
	}
	if err := c.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("pgtest: %w", err)
	}
	return c.wait()
}

func (c *Cluster) wait() error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.exited:
		c.process = nil
		return nil
	case <-timer.C:
		c.process.Kill()
		return errors.New("pgtest: the server did not end when it was told to")
	}
}
