package deploy

import (
	"encoding/json"
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testJudges lets programs judge the host that know nothing of Nametag.
func (d *deployed) testJudges(t *testing.T) {
	defer stage(t)()
	tools := openTools(t, "--add-host", domain+":"+d.ip)
	t.Run("nmap", func(t *testing.T) { d.judgePorts(t, tools) })
	t.Run("testssl", func(t *testing.T) { d.judgeTLS(t, tools) })
	t.Run("ssh-audit", func(t *testing.T) { d.judgeSSH(t, tools) })
	t.Run("lynis", func(t *testing.T) {
		defer stage(t)()
		if after := lynis(t, d.host, "after"); after < d.lynis {
			t.Errorf("the host was at %d before, and is at %d", d.lynis, after)
		}
	})
}

var openPort = regexp.MustCompile(`(\d+)/open/tcp/`)

func (d *deployed) judgePorts(t *testing.T, tools *toolbox) {
	defer stage(t)()
	out := tools.run(t, 10*time.Minute, "nmap -p- -Pn -n -T4 --min-rate 2000 --max-retries 2 -oG - "+d.ip)
	var open []string
	for _, m := range openPort.FindAllStringSubmatch(out, -1) {
		open = append(open, m[1])
	}
	figure(t, "open over TCP: %v", open)
	if !slices.Equal(open, []string{"22", "80", "443"}) {
		t.Errorf("open are %v:\n%s", open, out)
	}
}

// pebbleOnly are findings of testssl that come from who signed the certificate, not from the host.
var pebbleOnly = map[string]string{
	"cert_revocation":            "Pebble's certificates name no revocation list, unlike Let's Encrypt's",
	"cert_crlDistributionPoints": "the same",
	"cert_ocspURL":               "the same",
	"DNS_CAArecord":              "the domain is in no name server",
}

func (d *deployed) judgeTLS(t *testing.T, tools *toolbox) {
	defer stage(t)()
	out := tools.run(t, 15*time.Minute, `
		# All but the clients that it plays, which take as long as the rest and count for nothing.
		checks='--protocols --std --fs --server-preference --server-defaults --headers --vulnerable'
		printf %s `+quote(string(d.pebble.rootPEM))+` >/tmp/root.pem
		testssl --quiet --color 0 --warnings off $checks --add-ca /tmp/root.pem --ip `+d.ip+` --jsonfile /tmp/findings.json https://`+domain+`/ >/tmp/log 2>&1 ||
			[ -s /tmp/findings.json ] || { cat /tmp/log; exit 1; }
		cat /tmp/findings.json`)
	var findings []struct{ ID, Severity, Finding string }
	if err := json.Unmarshal([]byte(out), &findings); err != nil {
		t.Fatalf("testssl: %v:\n%s", err, out)
	}
	grade := ""
	for _, f := range findings {
		if f.ID == "overall_grade" {
			grade = f.Finding
		}
		switch f.Severity {
		case "LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL":
			why, excused := pebbleOnly[f.ID]
			figure(t, "%s %s: %s (%s)", f.Severity, f.ID, f.Finding, why)
			if f.Severity != "LOW" && !excused {
				t.Errorf("%s %s: %s", f.Severity, f.ID, f.Finding)
			}
		}
	}
	figure(t, "%d findings, overall grade %s", len(findings), grade)
	if grade != "A" && grade != "A+" {
		t.Errorf("the overall grade is %q", grade)
	}
}

func (d *deployed) judgeSSH(t *testing.T, tools *toolbox) {
	defer stage(t)()
	const onlyWarnings = 2
	out, err := tools.try(5*time.Minute, "ssh-audit --no-colors --level warn --skip-rate-test "+d.ip)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == onlyWarnings {
		figure(t, "ssh-audit warns:\n%s", out)
	} else if err != nil {
		t.Error(err)
	}
}

var hardeningIndex = regexp.MustCompile(`Hardening index : (\d+)`)

// lynis audits the host with a Lynis that is brought and taken away again, and returns the hardening index.
func lynis(t *testing.T, h *host, when string) int {
	t.Helper()
	image, err := own("tools")
	if err != nil {
		t.Fatal(err)
	}
	// Left out is the listing of all packages, which takes minutes and judges nothing.
	const script = `
		docker run --rm "$0" sh -c 'mkdir /tmp/lynis && cp -r /usr/share/lynis/* /etc/lynis/* /usr/sbin/lynis /tmp/lynis/ && echo skip-test=PKGS-7345 >/tmp/lynis/custom.prf && tar -C /tmp -c lynis' |
			docker exec --interactive "$1" tar -C /root -x
		docker exec "$1" sh -c 'cd /root/lynis && ./lynis audit system --quick --no-colors; rm -rf /root/lynis /var/log/lynis*'`
	out, err := command(lab.ctx, 10*time.Minute, nil, "bash", "-euo", "pipefail", "-c", script, image, h.id)
	if err != nil {
		t.Fatal(err)
	}
	m := hardeningIndex.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("Lynis gave no hardening index:\n%s", out)
	}
	index, _ := strconv.Atoi(m[1]) // it is digits
	figure(t, "Lynis, %s: hardening index %d, %d suggestions", when, index, strings.Count(out, "\n  * "))
	return index
}
