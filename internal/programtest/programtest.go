// Package programtest runs nametag in separate processes, for tests.
package programtest

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Main runs the tests of a package and exits; TestMain calls it. The program that the tests start is the test binary
// itself, which then calls nametag instead of run. Both return an exit code.
func Main(run, nametag func() int) {
	testscript.Main(runner(run), map[string]func(){"nametag": func() { os.Exit(nametag()) }})
}

// A runner is the function of a testing.M.
type runner func() int

// Run implements testscript.TestingM.
func (r runner) Run() int { return r() }

// Command returns a command that runs the program once.
func Command(args ...string) *exec.Cmd { return exec.Command("nametag", args...) }

// A Program is a nametag that runs in a separate process.
type Program struct {
	URL   string         // of the server, if it is one
	Start map[string]any // the line that the server logged when it started

	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu    sync.Mutex
	lines []string
	grown *sync.Cond
}

// Boot starts the program in an empty folder, which is also its home, with only env in
// its environment, and reads its log. The program is killed when the test ends.
func Boot(t testing.TB, env map[string]string, args ...string) *Program {
	t.Helper()
	cmd := Command(args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"HOME=" + cmd.Dir}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{t: t, cmd: cmd, done: make(chan struct{})}
	p.grown = sync.NewCond(&p.mu)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer p.grown.Broadcast()
		defer close(p.done)
		p.follow(stderr)
		_ = cmd.Wait() // the exit code is in its state
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-p.done
		if t.Failed() {
			t.Logf("nametag %s logged:\n%s", strings.Join(args, " "), p.Log())
		}
	})
	return p
}

// Serve boots a server on a free port, with its own database unless args or env name one, and waits until it serves.
func Serve(t testing.TB, env map[string]string, args ...string) *Program {
	t.Helper()
	p := Boot(t, env, append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=off", "--rate-limit=0"}, args...)...)
	if err := json.Unmarshal([]byte(p.Logged(`"msg":"serving"`)), &p.Start); err != nil {
		t.Fatal(err)
	}
	p.URL, _ = p.Start["url"].(string)
	return p
}

func (p *Program) follow(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		p.mu.Lock()
		p.lines = append(p.lines, s.Text())
		p.mu.Unlock()
		p.grown.Broadcast()
	}
}

// Log returns what the program has logged so far.
func (p *Program) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// patience is how long a test waits for a line of the log.
const patience = 2 * time.Minute

// Logged waits until the program logs a line that contains s, and returns the line. It
// fails the test if the program ends before, or does not log it in two minutes.
func (p *Program) Logged(s string) string {
	p.t.Helper()
	begun := time.Now()
	defer time.AfterFunc(patience, p.grown.Broadcast).Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for seen := 0; ; {
		for ; seen < len(p.lines); seen++ {
			if strings.Contains(p.lines[seen], s) {
				return p.lines[seen]
			}
		}
		select {
		case <-p.done:
			p.t.Fatalf("the program ended and never logged %q", s)
		default:
		}
		if time.Since(begun) >= patience {
			p.t.Fatalf("the program has not logged %q in %v", s, patience)
		}
		p.grown.Wait()
	}
}

// Signal sends s to the program.
func (p *Program) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Exit waits for the program to end and returns its state.
func (p *Program) Exit() *os.ProcessState {
	<-p.done
	return p.cmd.ProcessState
}
