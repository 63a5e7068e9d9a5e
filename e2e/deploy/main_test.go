// Package deploy proves on the real thing that a fresh cloud host can be set up, and kept, by the guide's own commands:
// Debian 13 with systemd, its own Docker Engine and its own firewall, started by cloud-init with the user data that a
// cloud would hand over.
//
// The tests need root's Docker Engine, debootstrap where no image can be pulled, an SSH client and Chromium, and take
// most of an hour; so they run where NAMETAG_TEST_DEPLOY is set:
//
//	NAMETAG_TEST_DEPLOY=1 go test ./e2e/deploy -v -timeout 90m
//	NAMETAG_TEST_DEPLOY=1 go test ./e2e/deploy -v -timeout 90m -run 'TestHost/Restore'
//
// With NAMETAG_DEPLOY_KEEP=1 the hosts stay up for a look, and the next run with it uses them again.
package deploy

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("NAMETAG_TEST_DEPLOY") == "" {
		fmt.Println("tests of the deployment: not asked for by NAMETAG_TEST_DEPLOY=1")
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := openLab(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		return 1
	}
	lab = l
	code := m.Run()
	printStages()
	if err := lab.close(); err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		code = max(code, 1)
	}
	return code
}

// stages are what has run, for the table at the end.
var stages struct {
	sync.Mutex
	lines []string
}

// stage notes how long the rest of a test takes. A name tells the steps of one test apart.
func stage(t *testing.T, name ...string) (end func()) {
	title := strings.Join(append([]string{t.Name()}, name...), ": ")
	begun := time.Now()
	fmt.Printf("   ... %s\n", title)
	var once sync.Once
	end = func() {
		once.Do(func() {
			verdict := "ok"
			if t.Failed() {
				verdict = "FAILED"
			}
			line := fmt.Sprintf("%8s  %-6s  %s", time.Since(begun).Round(time.Second), verdict, title)
			fmt.Println(line)
			stages.Lock()
			defer stages.Unlock()
			stages.lines = append(stages.lines, line)
		})
	}
	t.Cleanup(end)
	return end
}

func printStages() {
	stages.Lock()
	defer stages.Unlock()
	fmt.Printf("\nStages:\n%s\n", strings.Join(stages.lines, "\n"))
}

// figure prints what was measured, with -v or without.
func figure(t *testing.T, format string, args ...any) {
	line := fmt.Sprintf("%8s          %s: %s", "", t.Name(), fmt.Sprintf(format, args...))
	fmt.Println(line)
	stages.Lock()
	defer stages.Unlock()
	stages.lines = append(stages.lines, line)
}

// poll looks at a condition until it holds, which ok says by returning nil.
func poll(ctx context.Context, patience time.Duration, what string, ok func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		timer := time.NewTimer(500 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("waited %s in vain until %s: %w", patience, what, err)
		}
	}
}
