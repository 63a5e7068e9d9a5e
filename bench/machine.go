package main

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// A Machine is what a run ran on.
type Machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	Memory     float64 `json:"memory"` // GiB
	Kernel     string  `json:"kernel"`
	Filesystem string  `json:"filesystem"` // that has the databases
}

const unknown = "unknown"

// thisMachine describes the machine, as far as /proc tells; folder is where the
// databases are.
func thisMachine(folder string) Machine {
	m := Machine{CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Kernel: unknown, Filesystem: unknown}
	if kB, err := strconv.ParseFloat(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		m.Memory = kB / (1 << 20)
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = runtime.GOOS + " " + strings.TrimSpace(string(text))
	}
	mounts, _ := os.ReadFile("/proc/mounts") // there may be none
	longest := -1
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line) // device, folder, type, options, …
		if len(f) < 4 {
			continue
		}
		if rel, err := filepath.Rel(f[1], folder); err == nil && !strings.HasPrefix(rel, "..") && len(f[1]) > longest {
			longest, m.Filesystem = len(f[1]), f[2]+" ("+f[3]+")"
		}
	}
	return m
}

// field returns a value of a file that has "name : value" lines.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

// moduleVersion returns the version of a module that this program is built
// with.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return unknown
}
