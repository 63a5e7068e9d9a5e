package deploy

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// dockerOnly is the user data of a host that has Docker and nothing else of ours.
const dockerOnly = `#cloud-config
apt: {conf: 'APT::Install-Recommends "false";'}
package_update: true
packages: [docker.io, docker-cli, docker-compose, docker-buildx, iptables, git]
`

// TestCompose starts Nametag with Compose alone, without any Ansible.
func TestCompose(t *testing.T) {
	t.Parallel()
	defer stage(t)()
	end := stage(t, "boot")
	h := bootHost(t, "compose", 13, []byte(dockerOnly))
	end()
	publish(t, h)
	h.Run(t, "rm -rf nametag && git clone --quiet file://"+published+" nametag")
	compose := func(arguments string) string {
		t.Helper()
		return h.Run(t, "cd nametag && sudo docker compose "+arguments)
	}

	end = stage(t, "first start")
	compose("up --detach --wait")
	end()
	site := openSite("http://"+h.ip+":5000", h.ip, nil)
	pet := unique("Compose")
	site.register(t, pet)

	for _, c := range []struct{ after, script string }{
		{"down and up", "sudo docker compose down && sudo docker compose up --detach --wait"},
		{"deleting the containers", "sudo docker rm --force nametag-app-1 nametag-db-1 && sudo docker compose up --detach --wait"},
		{"an upgrade", "sudo env NAMETAG_VERSION=v0.0.1-e2e docker compose up --detach --wait --build"},
	} {
		end := stage(t, c.after)
		h.Run(t, "cd nametag && "+c.script)
		site.mustHave(t, pet, c.after)
		end()
	}
	if version := h.version(t); !strings.Contains(version, "v0.0.1-e2e") {
		t.Errorf("after an upgrade, version %q runs", version)
	}
	end = stage(t, "a restart of the host")
	h.Restart(t)
	site.mustHave(t, pet, "a restart of the host")
	end()

	testDatabaseIsAlone(t, h)
	testPassword(t, h)
}

// testDatabaseIsAlone looks whether the database can be reached from outside, or itself reach anything there.
func testDatabaseIsAlone(t *testing.T, h *host) {
	t.Helper()
	for _, port := range []string{"5432", "5001"} {
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort(h.ip, port), 3*time.Second); err == nil {
			conn.Close()
			t.Errorf("port %s is open to everybody", port)
		}
	}
	outside, err := net.Listen("tcp", net.JoinHostPort(lab.addr(1), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	_, port, _ := net.SplitHostPort(outside.Addr().String()) // it is one
	connect := fmt.Sprintf("timeout 5 bash -c 'exec 3<>/dev/tcp/%s/%s'", lab.addr(1), port)
	// The same from the other network shows that there is something to reach.
	h.Root(t, "docker run --rm --network nametag_front --entrypoint bash postgres:18 -c "+quote(connect))
	if _, err := h.root(time.Minute, "docker exec nametag-db-1 "+connect); err == nil {
		t.Error("the database can reach the outside")
	}
}

// testPassword looks whether each installation has a password of its own.
func testPassword(t *testing.T, h *host) {
	t.Helper()
	read := func(project string) string {
		t.Helper()
		return h.Root(t, "cat /var/lib/docker/volumes/"+project+"_secrets/_data/postgres-password")
	}
	first := read("nametag")
	h.Run(t, "cd nametag && sudo docker compose --project-name other run --rm --quiet-pull prepare && sudo docker compose --project-name other down")
	if second := read("other"); len(first) < 32 || first == second {
		t.Errorf("the passwords of two installations have %d characters; is the one the other's? %v", len(first), first == second)
	}
	if found := h.Root(t, "grep -rlF "+first+" /home/"+operator+"/nametag || true"); found != "" {
		t.Errorf("the password is in the repository: %s", found)
	}
	if found := h.Root(t, "docker inspect nametag-app-1 nametag-db-1 | grep -cF "+first+" || true"); found != "0" {
		t.Error("the password can be seen in what Docker says of the containers")
	}
	if _, err := h.root(time.Minute, "docker exec --user 65532 nametag-db-1 cat /run/secrets/postgres-password"); err == nil {
		t.Error("the app's user may read the database's secret")
	}
}
