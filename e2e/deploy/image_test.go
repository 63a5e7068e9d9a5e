package deploy

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestImage builds the image and looks into it.
func TestImage(t *testing.T) {
	t.Parallel()
	defer stage(t)()
	if err := ensure("golang:1.26-trixie"); err != nil {
		t.Fatal(err)
	}
	const version = "v0.0.0-e2e"
	var first string
	for n := range 2 {
		end := stage(t, fmt.Sprintf("build %d", n+1))
		image := fmt.Sprintf("%s-image-%d", lab.network, n)
		docker(t, 20*time.Minute, "build", "--no-cache", "--force-rm", "--tag", image, "--build-arg", "VERSION="+version, "--build-arg", "REVISION=0123456", checkedOut(t))
		t.Cleanup(func() { docker(t, time.Minute, "image", "rm", "--force", image) })
		end()
		files := filesOf(t, image)
		program := files["nametag"]
		if n == 0 {
			first = program
			checkFiles(t, files)
			checkBuild(t, image)
			checkImage(t, image, version)
		} else if program != first {
			t.Errorf("the same source was built into two programs: %s and %s", first, program)
		}
	}
	figure(t, "both programs have the SHA-256 %s", first)
}

// filesOf returns the SHA-256 of each file of an image that is not empty.
func filesOf(t *testing.T, image string) map[string]string {
	t.Helper()
	id := docker(t, time.Minute, "create", image)
	defer docker(t, time.Minute, "rm", "--force", "--volumes", id)
	ctx, cancel := context.WithTimeout(lab.ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", "export", id)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for tr := tar.NewReader(out); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || h.Size == 0 {
			continue // Docker adds some of its own
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, tr); err != nil {
			t.Fatal(err)
		}
		files[h.Name] = fmt.Sprintf("%x", sum.Sum(nil))
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return files
}

func checkFiles(t *testing.T, files map[string]string) {
	t.Helper()
	for name := range files {
		if !slices.Contains([]string{"nametag", "LICENSES.txt", "etc/ssl/certs/ca-certificates.crt"}, name) {
			t.Errorf("the image has more in it than it needs: %s", name)
		}
	}
}

// checkBuild reads what the program says of its build, as go version -m does: it was built by the Go that go.mod names,
// and the licences of all its modules are in the image.
func checkBuild(t *testing.T, image string) {
	t.Helper()
	dir := t.TempDir()
	id := docker(t, time.Minute, "create", image)
	defer docker(t, time.Minute, "rm", "--force", "--volumes", id)
	for _, name := range []string{"nametag", "LICENSES.txt"} {
		docker(t, time.Minute, "cp", id+":/"+name, dir)
	}
	info, err := buildinfo.ReadFile(filepath.Join(dir, "nametag"))
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := command(lab.ctx, time.Minute, nil, "go", "list", "-m", "-f", "go{{.GoVersion}}")
	if err != nil {
		t.Fatal(err)
	}
	if wanted = strings.TrimSpace(wanted); info.GoVersion != wanted {
		t.Errorf("the program was built with %s, and go.mod names %s", info.GoVersion, wanted)
	}
	figure(t, "the program was built with %s from %d modules", info.GoVersion, len(info.Deps))
	text, err := os.ReadFile(filepath.Join(dir, "LICENSES.txt"))
	if err != nil {
		t.Fatal(err)
	}
	titles := []string{
		"Go " + strings.TrimPrefix(info.GoVersion, "go") + ": LICENSE",
		"nametag: LICENSE",
		"nametag: internal/skeleton/LICENSE-UNICODE",
		"/usr/share/doc/ca-certificates/copyright",
	}
	for _, module := range info.Deps {
		titles = append(titles, module.Path+" "+module.Version+": ")
	}
	if len(titles) < 20 {
		t.Errorf("the program has only these modules: %v", info.Deps)
	}
	for _, title := range titles {
		if !strings.Contains(string(text), "=\n"+title) {
			t.Errorf("the image's licences lack %q", title)
		}
	}
}

func checkImage(t *testing.T, image, version string) {
	t.Helper()
	size, err := strconv.Atoi(docker(t, time.Minute, "image", "inspect", "--format", "{{.Size}}", image))
	if err != nil {
		t.Fatal(err)
	}
	figure(t, "the image has %.1f MB", float64(size)/1e6)
	if size >= 40e6 {
		t.Error("that is not less than 40")
	}
	if user := docker(t, time.Minute, "image", "inspect", "--format", "{{.Config.User}}", image); user != "65532:65532" {
		t.Errorf("the image's user is %q", user)
	}
	for label, want := range map[string]string{"version": version, "revision": "0123456", "title": "Nametag"} {
		if got := docker(t, time.Minute, "image", "inspect", "--format", `{{index .Config.Labels "org.opencontainers.image.`+label+`"}}`, image); got != want {
			t.Errorf("the label of the %s is %q, not %q", label, got, want)
		}
	}
	if _, err := command(lab.ctx, time.Minute, nil, "docker", "run", "--rm", "--entrypoint", "/bin/sh", image, "-c", "true"); err == nil {
		t.Error("there is a shell in the image")
	}

	// As its comment says to run it, and stricter.
	id, err := lab.start("image", 30, []string{"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--volume", "/var/lib/nametag"}, image)
	if err != nil {
		t.Fatal(err)
	}
	defer docker(t, time.Minute, "rm", "--force", "--volumes", id)
	err = poll(lab.ctx, time.Minute, "the container is healthy", func() error {
		if health := docker(t, time.Minute, "inspect", "--format", "{{.State.Health.Status}}", id); health != "healthy" {
			return fmt.Errorf("it is %s", health)
		}
		return nil
	})
	if err != nil {
		t.Error(err, docker(t, time.Minute, "logs", id))
	}
	if got := docker(t, time.Minute, "exec", id, "/nametag", "version"); !strings.Contains(got, version) {
		t.Errorf("nametag version says %q", got)
	}
	s := openSite("http://"+lab.addr(30)+":5000", lab.addr(30), nil)
	s.register(t, "Bella")
	docker(t, 2*time.Minute, "restart", id)
	s.mustHave(t, "Bella", "a restart of the container")
}
