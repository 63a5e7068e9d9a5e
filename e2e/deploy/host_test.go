package deploy

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A host is a machine as a cloud gives one: booted from an image of Debian 13,
// with the operator's key and the user data that it was started with.
type host struct {
	name string
	id   string // of its container
	ip   string
}

// operator is the user that cloud-init makes.
const operator = "admin"

// boot starts a host and waits until cloud-init has done its work. It may be
// called from any goroutine; the caller sees to its removal.
func boot(name string, number byte, userData []byte) (*host, error) {
	if id := lab.kept(name); id != "" {
		fmt.Printf("   ... %s is up since an earlier run\n", name)
		return &host{name: name, id: id, ip: lab.addr(number)}, nil
	}
	image, err := own("host")
	if err != nil {
		return nil, err
	}
	h := &host{name: name, ip: lab.addr(number)}
	args := []string{"create", "--name", lab.network + "-" + name, "--hostname", name, "--network", lab.network, "--ip", h.ip,
		"--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE", "--cap-add", "NET_ADMIN",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--cgroupns=host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--tmpfs", "/run", "--tmpfs", "/tmp",
		"--volume", "/var/lib/docker", // overlays can't be stacked
		"--volume", filepath.Join(lab.dir, "resolv.conf") + ":/etc/resolv.conf"}
	id, err := command(lab.ctx, time.Minute, nil, "docker", append(append(args, lab.labels()...), image)...)
	if err != nil {
		return nil, err
	}
	h.id = strings.TrimSpace(id)
	key, err := lab.publicKey()
	if err != nil {
		return h, err
	}
	const seed = "var/lib/cloud/seed/nocloud/"
	err = h.put(map[string]string{
		seed + "meta-data": fmt.Sprintf("instance-id: %s-%s\nlocal-hostname: %[2]s\npublic-keys:\n  - %s\n", lab.id, name, key),
		seed + "user-data": string(userData),
	})
	if err != nil {
		return h, err
	}
	if _, err := command(lab.ctx, time.Minute, nil, "docker", "start", h.id); err != nil {
		return h, err
	}
	if err := h.awaitBoot(20 * time.Minute); err != nil {
		return h, fmt.Errorf("%s did not boot: %w\n%s", name, err, h.look())
	}
	return h, h.load()
}

// bootHost boots a host that goes when the test ends, and says before that what was on it if the test has failed.
func bootHost(t *testing.T, name string, number byte, userData []byte) *host {
	t.Helper()
	h, err := boot(name, number, userData)
	h.end(t)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// end removes the host when the test ends.
func (h *host) end(t *testing.T) {
	if h == nil || h.id == "" {
		return
	}
	lab.remove(t, h.id)
	t.Cleanup(func() {
		if t.Failed() && lab.ctx.Err() == nil {
			t.Log(h.look())
		}
		if lab.keep {
			fmt.Printf("%s stays: docker exec -it %s bash, or ssh -i %s/id %s@%s\n", h.name, h.id[:12], lab.dir, operator, h.ip)
		}
	})
}

// put writes files, given by their paths without the leading slash, as root.
func (h *host) put(files map[string]string) error {
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for name, text := range files {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			return err
		}
		if _, err := io.WriteString(tw, text); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	_, err := command(lab.ctx, time.Minute, &b, "docker", "cp", "-", h.id+":/")
	return err
}

func (h *host) awaitBoot(patience time.Duration) error {
	err := poll(lab.ctx, time.Minute, "systemd answers", func() error {
		_, err := h.root(10*time.Second, "test -S /run/dbus/system_bus_socket")
		return err
	})
	if err != nil {
		return err
	}
	if _, err := h.root(patience, "cloud-init status --wait --long"); err != nil {
		return err
	}
	return poll(lab.ctx, 2*time.Minute, "the system runs", func() error {
		state, err := h.root(10*time.Second, "systemctl is-system-running || [ $? = 1 ]")
		switch state {
		case "running":
			return nil
		case "degraded":
			failed, err := h.root(10*time.Second, "systemctl --failed --no-legend --plain")
			fmt.Printf("   ... %s runs, but for:\n%s\n", h.name, failed)
			return err
		}
		return fmt.Errorf("systemd says %s: %w", state, err)
	})
}

// load gives the host's Docker Engine the stand-ins, which it can pull as
// little as this machine could. With the real ones it pulls for itself.
func (h *host) load() error {
	for _, image := range []string{"golang:1.26-trixie", "postgres:18"} {
		if err := ensure(image); err != nil {
			return err
		}
		if label, err := standInOf(image); err != nil || label == "" {
			return err
		}
	}
	_, err := command(lab.ctx, 5*time.Minute, nil, "bash", "-euo", "pipefail", "-c",
		`docker save golang:1.26-trixie postgres:18 | docker exec --interactive "$0" docker load`, h.id)
	return err
}

// root runs a script on the host's console.
func (h *host) root(timeout time.Duration, script string) (string, error) {
	out, err := command(lab.ctx, timeout, nil, "docker", "exec", h.id, "bash", "-euo", "pipefail", "-c", script)
	return strings.TrimSpace(out), err
}

// ssh runs a script as the operator does. All share one connection, as new ones are limited.
func (h *host) ssh(timeout time.Duration, script string) (string, error) {
	args := []string{"-i", filepath.Join(lab.dir, "id"),
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=10",
		"-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile=" + filepath.Join(lab.dir, "known_hosts-"+h.name),
		"-o", "ControlMaster=auto", "-o", "ControlPath=" + filepath.Join(lab.dir, "ssh-"+h.name), "-o", "ControlPersist=600",
		operator + "@" + h.ip, "bash -euo pipefail -c " + quote(script)}
	out, err := command(lab.ctx, timeout, nil, "ssh", args...)
	return strings.TrimSpace(out), err
}

// quote quotes for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Root runs a script that must succeed as root.
func (h *host) Root(t *testing.T, script string) string {
	t.Helper()
	out, err := h.root(5*time.Minute, script)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Run runs a script that must succeed as the operator, by SSH.
func (h *host) Run(t *testing.T, script string) string {
	t.Helper()
	out, err := h.ssh(20*time.Minute, script)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Restart starts the machine again, and waits until it is up.
func (h *host) Restart(t *testing.T) {
	t.Helper()
	docker(t, 3*time.Minute, "restart", "--time", "120", h.id)
	if err := h.awaitBoot(5 * time.Minute); err != nil {
		t.Fatal(err)
	}
}

// look returns the state of the host, to show why a test failed.
func (h *host) look() string {
	ctx, cancel := context.WithTimeout(lab.ctx, time.Minute)
	defer cancel()
	const script = `
		systemctl --failed --no-pager
		echo "== cloud-init"; tail -n 15 /var/log/cloud-init-output.log
		echo "== the journal"; journalctl --no-pager --lines 40
		echo "== containers"; docker ps --all
		for c in $(docker ps --all --quiet); do docker inspect --format '== {{.Name}}' $c; docker logs --tail 15 $c; done`
	out, _ := exec.CommandContext(ctx, "docker", "exec", h.id, "bash", "-c", script).CombinedOutput()
	return fmt.Sprintf("%s:\n%s", h.name, out)
}
