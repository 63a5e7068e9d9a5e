package deploy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testSecondRun runs the playbook again, for real and as a question.
func (d *deployed) testSecondRun(t *testing.T) {
	defer stage(t)()
	for _, options := range []string{"", "--check --diff"} {
		if r := d.playbook(t, options); r.changed != 0 || r.failed != 0 {
			t.Errorf("a second run %s changed %d and failed %d:\n%s", options, r.changed, r.failed, r.changes())
		}
	}
}

// testRestart starts the machine again.
func (d *deployed) testRestart(t *testing.T) {
	defer stage(t)()
	pet := unique("Restart")
	d.site.register(t, pet)
	serial := d.site.serial(t)
	end := stage(t, "until it answers again")
	d.Restart(t)
	d.site.mustHave(t, pet, "a restart of the host")
	end()
	if again := d.site.serial(t); again != serial {
		t.Errorf("it has got another certificate: %s, before %s", again, serial)
	}
}

// testContainers deletes the containers, one at a time, and brings them back in the two ways that the guide knows.
func (d *deployed) testContainers(t *testing.T) {
	defer stage(t)()
	pet := unique("Containers")
	d.site.register(t, pet)
	serial := d.site.serial(t)
	for _, c := range []struct {
		container string
		bringBack func()
	}{
		{"nametag-app-1", func() { d.Run(t, "cd /opt/nametag && sudo docker compose up --detach --wait") }},
		{"nametag-db-1", func() { d.playbook(t, "") }},
	} {
		d.Root(t, "docker rm --force "+c.container)
		c.bringBack()
		d.site.mustHave(t, pet, "deleting "+c.container)
		if again := d.site.serial(t); again != serial {
			t.Errorf("it has got another certificate: %s, before %s", again, serial)
		}
	}
}

// testUpgrade deploys another commit while people ask.
func (d *deployed) testUpgrade(t *testing.T) {
	defer stage(t)()
	pet := unique("Upgrade")
	d.site.register(t, pet)
	before := d.version(t)
	d.Run(t, `cd nametag && git -c user.name=Test -c user.email=test@nametag.test commit --quiet --allow-empty --message 'A version'`)
	want := d.Run(t, "git -C nametag describe --tags --always --abbrev=12")

	const policy = "/home/" + operator + "/club.yaml"
	err := d.put(map[string]string{policy[1:]: "reserved:\n- name: King\n  reason: Kept for the club.\n"})
	if err != nil {
		t.Fatal(err)
	}

	stop := d.site.watch(t)
	d.playbook(t, "-e nametag_policy="+policy)
	if gap := stop(); gap >= 10*time.Second {
		t.Errorf("for %s nobody got an answer", gap)
	}
	if after := d.version(t); after == before || !strings.Contains(after, want) {
		t.Errorf("version %q runs, not %s; before, it was %q", after, want, before)
	}
	d.site.mustHave(t, pet, "an upgrade")
	d.testPolicy(t)
}

// testPolicy looks whether both the site and the registrar's commands go by the policy that reserves King.
func (d *deployed) testPolicy(t *testing.T) {
	t.Helper()
	_, text, err := d.site.ask(t.Context(), "GET", "/api/v1/names/King", "")
	if err != nil || !strings.Contains(text, "Kept for the club") {
		t.Errorf("the site says of King: %s, %v", text, err)
	}
	list := d.Run(t, "cd /opt/nametag && sudo docker compose exec -T app /nametag names list")
	if !strings.Contains(list, "reserved by the policy") {
		t.Errorf("the names that are kept: %s", list)
	}
}

// testBrokenImage deploys programs that never become ready.
func (d *deployed) testBrokenImage(t *testing.T) {
	defer stage(t)()
	pet := unique("Broken")
	d.site.register(t, pet)
	good := d.Root(t, "docker inspect --format '{{.Config.Image}}' nametag-app-1")
	// As a newer version leaves it that has migrated the book before it failed.
	d.Root(t, `docker exec nametag-db-1 psql --username nametag --command 'INSERT INTO goose_db_version (version_id, is_applied) VALUES (1000, true)'`)
	for _, c := range []struct{ name, dockerfile string }{
		{"it ends", `ENTRYPOINT ["/nametag", "version"]`},
		{"it knows no such setting", `ENV NAMETAG_SHUTDOWN_TIMEOUT=soon`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.Root(t, fmt.Sprintf("printf 'FROM %%s\\n%%s\\n' %s %s | docker build --quiet --tag nametag:broken -", quote(good), quote(c.dockerfile)))
			stop := d.site.watch(t)
			_, err := d.ssh(10*time.Minute, "cd nametag && ansible-playbook docker_app.yaml -e @"+vars+" -e nametag_image=nametag:broken")
			stop()
			if err == nil {
				t.Fatal("a broken image was deployed")
			}
			if !strings.Contains(err.Error(), "Rolled back") {
				t.Errorf("it is not said that it was rolled back: %v", err)
			}
			if image := d.Root(t, "docker inspect --format '{{.Config.Image}}' nametag-app-1"); image != good {
				t.Errorf("%s runs, not %s", image, good)
			}
			d.site.mustHave(t, pet, "a broken image")
		})
	}
	d.Root(t, "docker restart nametag-app-1")
	d.site.mustHave(t, pet, "a restart of the old version on a newer schema")
}

// testRestore takes a backup of this host to another, which is deployed to from outside.
func (d *deployed) testRestore(t *testing.T, two *host) {
	defer stage(t)()
	pet := unique("Restore")
	d.site.register(t, pet)
	d.Run(t, "sudo systemctl start nametag-backup.service")
	backup := d.Root(t, "base64 $(ls -t /srv/nametag/backups/nametag-* | head -n 1)")

	key, err := os.ReadFile(filepath.Join(lab.dir, "id"))
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := json.Marshal(map[string]any{"all": map[string]any{"hosts": map[string]any{two.name: map[string]any{
		"ansible_host": two.ip, "ansible_user": operator, "ansible_ssh_private_key_file": "/tmp/id",
		"ansible_ssh_common_args": "-o StrictHostKeyChecking=accept-new",
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(lab.dir, "restore")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"inventory.json": string(inventory), "backup.base64": backup, "id": string(key)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tools := openTools(t)
	// The key's owner must be the one who uses it.
	const prepare = `install -m 600 /lab/id /tmp/id; base64 -d /lab/restore/backup.base64 >/tmp/book.dump; cd /src; `
	const playbook = `ansible-playbook -i /lab/restore/inventory.json `

	end := stage(t, "deploy from outside")
	tools.run(t, 20*time.Minute, prepare+playbook+"docker_app.yaml")
	end()
	site := openSite("http://"+two.ip+":5000", two.ip, nil)
	site.await(t)
	only := unique("Only here")
	site.register(t, only)

	for what, damage := range map[string]string{
		"the first half": `head -c $(($(stat -c %s /tmp/book.dump) / 2)) /tmp/book.dump >/tmp/bad.dump; `,
		"an empty file":  `: >/tmp/bad.dump; `,
		"something else": `echo 'name,favorite color' >/tmp/bad.dump; `,
	} {
		if out, err := tools.try(5*time.Minute, prepare+damage+playbook+"restore.yaml -e nametag_backup=/tmp/bad.dump"); err == nil {
			t.Errorf("%s of a backup was restored:\n%s", what, out)
		}
		site.mustHave(t, only, "trying to restore "+what+" of a backup")
	}

	end = stage(t, "restore")
	tools.run(t, 5*time.Minute, prepare+playbook+"restore.yaml -e nametag_backup=/tmp/book.dump")
	end()
	site.mustHave(t, pet, "restoring it")
	if site.has(t, only) {
		t.Errorf("%s is in a book from before it was registered", only)
	}
	site.register(t, unique("Later")) // the book can be written to
	two.Restart(t)
	site.mustHave(t, pet, "a restart of the host with the restored book")
}

// testHTTPS looks at the site as a program and as a person does.
func (d *deployed) testHTTPS(t *testing.T) {
	defer stage(t)()
	res, _, err := d.site.ask(t.Context(), "GET", "/", "")
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		t.Errorf("the site answers %s %s", res.Proto, res.Status)
	}
	if got := res.Header.Get("Strict-Transport-Security"); !strings.Contains(got, "max-age=") {
		t.Errorf("Strict-Transport-Security is %q", got)
	}
	certificate := res.TLS.PeerCertificates[0]
	if valid := certificate.NotAfter.Sub(certificate.NotBefore); valid < 89*24*time.Hour {
		t.Errorf("the certificate is valid for %s", valid)
	}
	if err := certificate.CheckSignatureFrom(d.pebble.intermediate); err != nil {
		t.Errorf("the certificate is not Pebble's: %v", err)
	}
	plain := openSite("http://"+domain, d.ip, nil)
	res, _, err = plain.ask(t.Context(), "GET", "/pets?q=a", "")
	if err != nil {
		t.Fatal(err)
	}
	if to := res.Header.Get("Location"); res.StatusCode/100 != 3 || to != "https://"+domain+"/pets?q=a" {
		t.Errorf("http://: %s, Location %q", res.Status, to)
	}
	d.browse(t)
}
