package deploy

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// deployed is a host on which the guide was followed.
type deployed struct {
	*host
	site   *site
	pebble *pebble
	lynis  int // the hardening index of before, 0 if nobody asked
}

// vars is where the settings of the deployment are on the host.
const vars = "/home/" + operator + "/settings.yaml"

// deploy follows the guide on a host that has just booted: clone, and run the playbook there.
func deploy(t *testing.T, h *host, p *pebble) *deployed {
	t.Helper()
	defer stage(t, "deploy on "+h.name)()
	publish(t, h)
	key, err := lab.publicKey()
	if err != nil {
		t.Fatal(err)
	}
	err = h.put(map[string]string{
		"home/" + operator + "/pebble-root.pem": string(p.rootOfServer),
		vars[1:]: fmt.Sprintf("nametag_domain: %s\nnametag_acme_directory: %s\nnametag_acme_root: /home/%s/pebble-root.pem\n"+
			"nametag_acme_email: operator@%[1]s\nnametag_operator_keys: [%[4]q]\n", domain, p.directory, operator, key),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Run(t, "rm -rf nametag; git clone --quiet file://"+published+" nametag")
	h.playbook(t, "")
	return &deployed{host: h, pebble: p, site: openSite("https://"+domain, h.ip, p.roots)}
}

// published is where the host finds the repository.
const published = "/srv/git/nametag.git"

// publish puts a bare clone of this repository onto the host.
func publish(t *testing.T, h *host) {
	t.Helper()
	src := checkedOut(t)
	const script = `
		docker exec "$1" rm -rf "$2"
		docker exec "$1" mkdir -p "$2"
		git -C "$0" bundle create --quiet - HEAD --all | docker exec --interactive "$1" sh -c 'cat >/tmp/nametag.bundle'
		docker exec "$1" git clone --quiet --bare /tmp/nametag.bundle "$2"
		docker exec "$1" chown -R ` + operator + ` "$2"`
	if _, err := command(lab.ctx, 2*time.Minute, nil, "bash", "-euo", "pipefail", "-c", script, src, h.id, published); err != nil {
		t.Fatal(err)
	}
}

// playbook runs docker_app.yaml as the guide says, and wants it to succeed.
func (h *host) playbook(t *testing.T, options string) recap {
	t.Helper()
	out := h.Run(t, "cd nametag && ansible-playbook docker_app.yaml -e @"+vars+" "+options)
	return recapOf(t, out)
}

// A recap is the last line of what Ansible says.
type recap struct {
	changed, failed int
	output          string
}

var recapLine = regexp.MustCompile(`(?m)^\S+ +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+) `)

func recapOf(t *testing.T, output string) recap {
	t.Helper()
	m := recapLine.FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("Ansible did not come to an end:\n%s", output)
	}
	n := func(s string) int {
		i, _ := strconv.Atoi(s) // they are digits
		return i
	}
	return recap{changed: n(m[1]), failed: n(m[2]) + n(m[3]), output: output}
}

// changes are the tasks of a recap that changed something.
func (r recap) changes() string {
	var tasks []string
	task := ""
	for line := range strings.Lines(r.output) {
		if strings.HasPrefix(line, "TASK ") {
			task = strings.Trim(line, "* \n")
		}
		if strings.HasPrefix(line, "changed:") {
			tasks = append(tasks, task)
		}
	}
	return strings.Join(tasks, "\n")
}

// version is what the program in the app's container says of itself.
func (h *host) version(t *testing.T) string {
	t.Helper()
	return h.Root(t, "docker exec nametag-app-1 /nametag version")
}

// selected says whether -run leaves a subtest of the test in.
func selected(t *testing.T, subtest string) bool {
	_, pattern, narrowed := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	pattern, _, _ = strings.Cut(pattern, "/")
	match, err := regexp.MatchString(pattern, subtest)
	if err != nil {
		t.Fatal(err)
	}
	return !narrowed || match
}

// userData is what a cloud would hand over.
func userData(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(checkedOut(t), "deploy/cloud-init/user-data.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestHost follows the guide on a host, and then does to it what happens to hosts. Its subtests can be run alone.
func TestHost(t *testing.T) {
	t.Parallel()
	end := stage(t, "boot")
	one := bootHost(t, "host1", 11, userData(t))
	end()

	// The second host may boot meanwhile.
	second := func() (*host, error) { return nil, nil }
	if selected(t, "Restore") {
		second = bootAside(t, "host2", 12)
	}
	p := startPebble(t, one.ip)
	before := 0
	if selected(t, "Judges") && !(lab.keep && deployedBefore(one)) {
		before = lynis(t, one, "before")
	}
	d := deploy(t, one, p)
	d.lynis = before
	d.site.await(t)
	d.site.register(t, unique("First"))

	t.Run("HTTPS", d.testHTTPS)
	t.Run("SecondRun", d.testSecondRun)
	t.Run("Restart", d.testRestart)
	t.Run("Containers", d.testContainers)
	t.Run("BrokenImage", d.testBrokenImage)
	t.Run("Upgrade", d.testUpgrade)
	// Then side by side, as the one is about this host and the other about the second.
	t.Run("Judges", func(t *testing.T) {
		t.Parallel()
		d.testJudges(t)
	})
	t.Run("Restore", func(t *testing.T) {
		t.Parallel()
		end := stage(t, "waiting for the other host")
		two, err := second()
		if err != nil {
			t.Fatal(err)
		}
		end()
		d.testRestore(t, two)
	})
}

// bootAside boots a host while the test goes on. The returned function waits for it.
func bootAside(t *testing.T, name string, number byte) func() (*host, error) {
	type result struct {
		h   *host
		err error
	}
	results := make(chan result, 1)
	data := userData(t)
	go func() {
		begun := time.Now()
		h, err := boot(name, number, data)
		fmt.Printf("   ... %s has booted in %s, aside (%v)\n", name, time.Since(begun).Round(time.Second), err)
		results <- result{h, err}
	}()
	var got *result
	wait := func() (*host, error) {
		if got == nil {
			r := <-results
			got = &r
			r.h.end(t)
		}
		return got.h, got.err
	}
	t.Cleanup(func() { wait() }) // it may be that nobody has asked
	return wait
}

func deployedBefore(h *host) bool {
	_, err := h.root(time.Minute, "test -e /opt/nametag")
	return err == nil
}

// unique makes a name that no run before has registered.
func unique(name string) string {
	return name + " " + strconv.FormatInt(time.Now().UnixNano(), 36)
}
