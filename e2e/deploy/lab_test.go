package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lab is what the tests of a run share.
var lab *laboratory

// A laboratory is a network of its own, a folder of its own, and whatever is started in them. Everything carries a
// label with the process that made it, so that a later run can remove what a killed one left behind.
type laboratory struct {
	ctx     context.Context // ends when the run is interrupted
	id      string
	keep    bool
	dir     string // id, id.pub: the operator's key; src/: see source
	network string
	subnet  netip.Prefix

	source func() (string, error) // see checkOut
}

const pidLabel = "nametag-e2e.pid"

func openLab(ctx context.Context) (*laboratory, error) {
	if _, err := command(ctx, 10*time.Second, nil, "docker", "version"); err != nil {
		return nil, fmt.Errorf("these tests need a Docker Engine: %w", err)
	}
	l := &laboratory{ctx: ctx, id: strconv.Itoa(os.Getpid())}
	var err error
	if l.keep = os.Getenv("NAMETAG_DEPLOY_KEEP") != ""; l.keep {
		l.id = "keep"
		l.dir = filepath.Join(os.TempDir(), "nametag-e2e-keep")
		err = os.MkdirAll(l.dir, 0o700)
	} else {
		l.dir, err = os.MkdirTemp("", "nametag-e2e-")
	}
	if err != nil {
		return nil, err
	}
	l.network = "nametag-e2e-" + l.id
	l.source = sync.OnceValues(l.checkOut)
	if err := errors.Join(l.sweep(), l.makeKey(), l.makeNetwork(), l.writeResolvConf()); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *laboratory) close() error {
	if l.keep {
		fmt.Printf("Kept, in the network %s: remove it with docker rm --force --volumes $(docker ps --quiet --filter network=%[1]s) && docker network rm %[1]s\n", l.network)
		return nil
	}
	l.ctx = context.WithoutCancel(l.ctx)
	return errors.Join(l.removeLabelled(l.id), os.RemoveAll(l.dir))
}

// labels are the options of docker create that mark what is this run's.
func (l *laboratory) labels() []string {
	if l.keep {
		return nil
	}
	return []string{"--label", pidLabel + "=" + l.id}
}

// sweep removes what runs left behind that were killed.
func (l *laboratory) sweep() error {
	var pids []string
	for _, what := range []string{"ps --all", "network ls"} {
		args := append(strings.Fields(what), "--filter", "label="+pidLabel, "--format", `{{.Label "`+pidLabel+`"}}`)
		list, err := command(l.ctx, time.Minute, nil, "docker", args...)
		if err != nil {
			return err
		}
		pids = append(pids, strings.Fields(list)...)
	}
	slices.Sort(pids)
	for _, pid := range slices.Compact(pids) {
		if n, err := strconv.Atoi(pid); err == nil && errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
			if err := l.removeLabelled(pid); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *laboratory) removeLabelled(pid string) error {
	filter := "label=" + pidLabel + "=" + pid
	var all error
	for _, what := range [][2]string{{"ps --all", "rm --force --volumes"}, {"network ls", "network rm"}} {
		list, err := command(l.ctx, time.Minute, nil, "docker", append(strings.Fields(what[0]), "--quiet", "--filter", filter)...)
		if ids := strings.Fields(list); err == nil && len(ids) > 0 {
			_, err = command(l.ctx, 2*time.Minute, nil, "docker", append(strings.Fields(what[1]), ids...)...)
		}
		all = errors.Join(all, err)
	}
	return all
}

func (l *laboratory) makeKey() error {
	key := filepath.Join(l.dir, "id")
	if _, err := os.Stat(key); err == nil {
		return nil
	}
	_, err := command(l.ctx, time.Minute, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator", "-f", key)
	return err
}

func (l *laboratory) publicKey() (string, error) {
	text, err := os.ReadFile(filepath.Join(l.dir, "id.pub"))
	return strings.TrimSpace(string(text)), err
}

// makeNetwork makes a network with a subnet that is known, as only such a one
// lets a host keep its address when it starts again.
func (l *laboratory) makeNetwork() error {
	const format = "{{range .IPAM.Config}}{{.Subnet}}{{end}}"
	if subnet, err := command(l.ctx, time.Minute, nil, "docker", "network", "inspect", "--format", format, l.network); err == nil {
		l.subnet, err = netip.ParsePrefix(strings.TrimSpace(subnet))
		return err
	}
	var err error
	for n := range 20 { // others may have the first ones
		l.subnet = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(100 + (os.Getpid()+n)%100), 0}), 24)
		args := append([]string{"network", "create", "--subnet", l.subnet.String()}, l.labels()...)
		if _, err = command(l.ctx, time.Minute, nil, "docker", append(args, l.network)...); err == nil {
			return nil
		}
	}
	return err
}

// addr is the address in the network that ends with n; 1 is this machine.
func (l *laboratory) addr(n byte) string {
	a := l.subnet.Addr().As4()
	a[3] = n
	return netip.AddrFrom4(a).String()
}

// writeResolvConf writes which name servers hosts are to ask. Docker's own, 127.0.0.11, would vanish with the rules of
// iptables that lead to it as soon as a host has its own firewall.
func (l *laboratory) writeResolvConf() error {
	text, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return err
	}
	if bytes.Contains(text, []byte("nameserver 127.")) {
		if text, err = os.ReadFile("/run/systemd/resolve/resolv.conf"); err != nil {
			return fmt.Errorf("which name server is behind that of 127.0.0.0/8? %w", err)
		}
	}
	return os.WriteFile(filepath.Join(l.dir, "resolv.conf"), text, 0o644)
}

// start starts a container of the image in the laboratory's network and returns its ID.
func (l *laboratory) start(name string, number byte, options []string, image string, args ...string) (string, error) {
	all := []string{"run", "--detach", "--name", l.network + "-" + name, "--network", l.network, "--ip", l.addr(number)}
	all = append(append(append(append(all, l.labels()...), options...), image), args...)
	id, err := command(l.ctx, time.Minute, nil, "docker", all...)
	return strings.TrimSpace(id), err
}

// kept is the ID of the running container of that name which an earlier run kept, or "".
func (l *laboratory) kept(name string) string {
	if !l.keep {
		return ""
	}
	id, err := command(l.ctx, time.Minute, nil, "docker", "ps", "--quiet", "--no-trunc", "--filter", "name=^"+l.network+"-"+name+"$")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(id)
}

// remove removes a container at the end of a test, even of one that was interrupted.
func (l *laboratory) remove(t *testing.T, id string) {
	t.Cleanup(func() {
		if l.keep {
			return
		}
		if _, err := command(context.WithoutCancel(l.ctx), time.Minute, nil, "docker", "rm", "--force", "--volumes", id); err != nil {
			t.Error(err)
		}
	})
}

// checkOut makes src/, a clone of this repository with one commit more: what is in the working tree and not committed
// yet, so that developers test what they have. It returns its path.
func (l *laboratory) checkOut() (string, error) {
	src := filepath.Join(l.dir, "src")
	if err := os.RemoveAll(src); err != nil {
		return "", err
	}
	top, err := command(l.ctx, time.Minute, nil, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	// The clone's repository, and for a moment the working tree of this one.
	// With the date of the last commit, the same tree is the same version.
	const script = `
		export GIT_COMMITTER_DATE=$(git -C "$0" log -1 --format=%cI)
		export GIT_AUTHOR_DATE=$GIT_COMMITTER_DATE
		git clone --quiet --no-hardlinks "$0" "$1"
		git --git-dir="$1/.git" --work-tree="$0" add --all
		git -C "$1" diff --cached --quiet ||
			git -C "$1" -c user.name=Test -c user.email=test@nametag.test commit --quiet --message 'The working tree'
		git -C "$1" reset --quiet --hard`
	_, err = command(l.ctx, time.Minute, nil, "bash", "-euo", "pipefail", "-c", script, strings.TrimSpace(top), src)
	return src, err
}

// checkedOut is the path of src/, see checkOut.
func checkedOut(t *testing.T) string {
	t.Helper()
	src, err := lab.source()
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// command runs a command and returns its standard output. The error holds what it printed.
func command(ctx context.Context, timeout time.Duration, stdin io.Reader, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second // for children that hold its output open
	cmd.Stdin = stdin
	var stdout, all lockedBuffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, &all), &all
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("%w after %s", ctx.Err(), timeout)
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, all.String())
	}
	return stdout.String(), err
}

// A lockedBuffer may be written to by the two copiers of a command's output.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// docker runs a docker command that must succeed.
func docker(t *testing.T, timeout time.Duration, args ...string) string {
	t.Helper()
	out, err := command(lab.ctx, timeout, nil, "docker", args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}
