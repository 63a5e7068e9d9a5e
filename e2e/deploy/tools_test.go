package deploy

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// A toolbox runs commands where all tools are: on the operator's own machine, as
// it were, with this repository at /src and the operator's key at /lab/id.
type toolbox struct{ options []string }

// openTools makes a toolbox with more options of docker run.
func openTools(t *testing.T, options ...string) *toolbox {
	t.Helper()
	image, err := own("tools")
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"run", "--rm", "--init", "--network", lab.network,
		"--volume", checkedOut(t) + ":/src:ro", "--volume", lab.dir + ":/lab:ro", "--workdir", "/src",
		// The owner of these files is somebody else, and Ansible wants a place to write and an encoding.
		"--env", "GIT_CONFIG_COUNT=1", "--env", "GIT_CONFIG_KEY_0=safe.directory", "--env", "GIT_CONFIG_VALUE_0=*",
		"--env", "HOME=/tmp", "--env", "LANG=C.UTF-8"}
	all = append(append(all, lab.labels()...), options...)
	return &toolbox{options: append(all, image)}
}

// try runs a script and returns its standard output.
func (b *toolbox) try(timeout time.Duration, script string) (string, error) {
	return command(lab.ctx, timeout, nil, "docker", append(slices.Clip(b.options), "bash", "-euo", "pipefail", "-c", script)...)
}

// run runs a script that must succeed.
func (b *toolbox) run(t *testing.T, timeout time.Duration, script string) string {
	t.Helper()
	out, err := b.try(timeout, script)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLint reads what is deployed without running it.
func TestLint(t *testing.T) {
	t.Parallel()
	defer stage(t)()
	tools := openTools(t)
	t.Run("ansible-lint", func(t *testing.T) {
		tools.run(t, 10*time.Minute, `cp -r /src /tmp/src && cd /tmp/src && ansible-lint --offline --strict --profile production`)
	})
	t.Run("shellcheck", func(t *testing.T) {
		tools.run(t, 5*time.Minute, `git grep --files-with-matches --extended-regexp '^#!.*[ /](ba|da)?sh$' -- . ':!*.yaml' ':!*.j2' ':!*_test.go' | xargs shellcheck`)
	})
	t.Run("the scripts in the user data", func(t *testing.T) {
		tools.run(t, time.Minute, `
			cat >/tmp/scripts.py <<-'END'
			import sys, yaml
			for file in yaml.safe_load(open("deploy/cloud-init/user-data.yaml"))["write_files"]:
			    if file["content"].startswith("#!/bin/sh"):
			        open("/tmp/" + file["path"].replace("/", "_"), "w").write(file["content"])
			        print("/tmp/" + file["path"].replace("/", "_"))
			END
			python3 /tmp/scripts.py | xargs shellcheck`)
	})
	t.Run("the user data", func(t *testing.T) {
		tools.run(t, time.Minute, `head -n 1 deploy/cloud-init/user-data.yaml | grep -qx '#cloud-config'`)
	})
}

// TestAWS provisions and deprovisions on a stand-in for AWS.
func TestAWS(t *testing.T) {
	t.Parallel()
	defer stage(t)()
	tools := openTools(t)
	cmd := exec.CommandContext(lab.ctx, "docker", append(tools.options, "bash", "e2e/deploy/aws.sh")...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout // as it comes: it takes minutes
	timer := time.AfterFunc(25*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}
