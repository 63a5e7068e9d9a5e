// Command nametag is a pet registry in which every name is unique.
package main

import (
	"os"

	"nametag/internal/cli"
)

// version is set when a release is built: -ldflags "-X main.version=v1.2.3".
var version string

func main() {
	os.Exit(cli.Main(cli.Process{
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.Getenv,
		Version: version,
	}))
}
