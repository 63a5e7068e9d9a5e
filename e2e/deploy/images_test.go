package deploy

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// standInLabel marks an image that was made here because none could be pulled:
// its value says of what. Remove the image to have the next run try again.
const standInLabel = "nametag-e2e.stand-in"

// standIns are the public images that can be made here: from debootstrap, or
// from the Dockerfile in a folder of images/.
var standIns = map[string]string{
	"debian:trixie-slim": "",
	"golang:1.26-trixie": "golang",
	"postgres:18":        "postgres",
}

var images sync.Mutex // one at a time

// ensure makes sure that there is a public image: one that is there, one that can be pulled, or a stand-in, in this
// order. A stand-in whose Dockerfile has changed is built again.
func ensure(name string) error {
	images.Lock()
	defer images.Unlock()
	return ensureLocked(name)
}

func ensureLocked(name string) error {
	folder := standIns[name]
	hash, err := hashOf(folder)
	if err != nil {
		return err
	}
	if label, err := standInOf(name); err == nil && (label == "" || label == hash) {
		return nil
	} else if err != nil { // there is none
		if _, err := command(lab.ctx, 5*time.Minute, nil, "timeout", "120", "docker", "pull", "--quiet", name); err == nil {
			return nil
		}
	}
	fmt.Printf("   ... making a stand-in for %s\n", name)
	if folder == "" {
		return bootstrap(name, hash)
	}
	if err := ensureLocked("debian:trixie-slim"); err != nil {
		return err
	}
	return build(name, folder, "--label", standInLabel+"="+hash)
}

// standInOf returns the label of an image, or "" if that is the real one.
func standInOf(name string) (string, error) {
	label, err := command(lab.ctx, time.Minute, nil, "docker", "image", "inspect", "--format", `{{index .Config.Labels "`+standInLabel+`"}}`, name)
	return strings.TrimSpace(label), err
}

// own builds an image of the tests' own from images/<folder> and returns its
// name, which changes with the folder's contents.
func own(folder string) (string, error) {
	images.Lock()
	defer images.Unlock()
	hash, err := hashOf(folder)
	if err != nil {
		return "", err
	}
	name := "nametag-e2e/" + folder + ":" + hash
	if _, err := command(lab.ctx, time.Minute, nil, "docker", "image", "inspect", name); err == nil {
		return name, nil
	}
	if err := ensureLocked("debian:trixie-slim"); err != nil {
		return "", err
	}
	fmt.Printf("   ... building %s\n", name)
	return name, build(name, folder)
}

// hashOf is a short hash of what an image is made of.
func hashOf(folder string) (string, error) {
	h := sha256.New()
	if folder == "golang" {
		fmt.Fprintln(h, runtime.Version())
	}
	if folder != "" {
		if err := writeContext(h, folder, ""); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

func build(name, folder string, options ...string) error {
	goroot := ""
	if folder == "golang" {
		out, err := command(lab.ctx, time.Minute, nil, "go", "env", "GOROOT")
		if err != nil {
			return err
		}
		goroot = strings.TrimSpace(out)
	}
	r, w := io.Pipe()
	defer r.Close() // so that the writer ends if docker does not read it all
	go func() { w.CloseWithError(writeContext(w, folder, goroot)) }()
	args := append([]string{"build", "--force-rm", "--tag", name}, options...)
	_, err := command(lab.ctx, 20*time.Minute, r, "docker", append(args, "-")...)
	return err
}

// writeContext writes images/<folder> as the tar archive that docker build takes, and next to it, if goroot is not "",
// that and the root certificates that this machine trusts: between it and the modules there may be a proxy. Times are
// left out, so that the same files are the same archive.
func writeContext(w io.Writer, folder, goroot string) error {
	tw := tar.NewWriter(w)
	err := writeTree(tw, filepath.Join("images", folder), "")
	if goroot != "" {
		err = errors.Join(err, writeTree(tw, goroot, "goroot/"), writeTree(tw, "/etc/ssl/certs/ca-certificates.crt", "roots.crt"))
	}
	return errors.Join(err, tw.Close())
}

func writeTree(tw *tar.Writer, root, prefix string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if err := tw.WriteHeader(&tar.Header{Name: strings.TrimSuffix(prefix+name, "."), Mode: mode, Size: info.Size()}); err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(tw, f)
		return err
	})
}

// bootstrap makes Debian itself from its packages.
func bootstrap(name, hash string) error {
	dir, err := os.MkdirTemp(lab.dir, "debian-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const script = `
		debootstrap --variant=minbase trixie "$0" >"$0.log" 2>&1 || { tail -n 30 "$0.log"; exit 1; }
		rm -rf "$0"/var/cache/apt/archives/*.deb "$0"/var/lib/apt/lists/*
		tar -C "$0" -c . | docker import --change 'CMD ["bash"]' --change "LABEL $2=$3" - "$1"`
	_, err = command(lab.ctx, 20*time.Minute, nil, "bash", "-euo", "pipefail", "-c", script, dir, name, standInLabel, hash)
	return err
}
