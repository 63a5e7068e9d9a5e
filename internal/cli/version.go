package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// A build says what this program was made of.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // there were changes that the commit does not have
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Help implements kong.HelpProvider.
func (versionCmd) Help() string {
	return `Examples:

    nametag version
    nametag version --json`
}

// Run implements the command.
func (c versionCmd) Run(p Process) error {
	b := version(p)
	if c.JSON {
		return json.NewEncoder(p.Stdout).Encode(b)
	}
	commit := b.Commit
	switch {
	case commit == "":
		commit = "unknown"
	case b.Modified:
		commit += " and changes"
	}
	_, err := fmt.Fprintf(p.Stdout, "nametag %s\ncommit   %s\ngo       %s\nplatform %s\n", b.Version, commit, b.Go, b.Platform)
	return err
}

// version returns the version as released, or what Go knows of the build.
func version(p Process) build {
	b := build{Version: p.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" {
		b.Version = "(devel)"
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
