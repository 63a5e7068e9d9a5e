package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// A build says what this program was built from.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // there were uncommitted changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (versionCmd) Help() string {
	return `Examples:

    nametag version
    nametag version --json`
}

func (c versionCmd) Run(p Process) error {
	b := version(p)
	if c.JSON {
		return json.NewEncoder(p.Stdout).Encode(b)
	}
	commit := cmp.Or(b.Commit, "unknown")
	if b.Modified {
		commit += " and changes"
	}
	_, err := fmt.Fprintf(p.Stdout, "nametag %s\ncommit   %s\ngo       %s\nplatform %s\n",
		b.Version, commit, b.Go, b.Platform)
	return err
}

// version returns the released version, or what Go knows about the build.
func version(p Process) build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	b := build{
		Version:  cmp.Or(p.Version, info.Main.Version, "(devel)"),
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
