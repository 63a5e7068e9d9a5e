package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A process is a server that is measured.
type process struct {
	addr    string // where it serves
	cmd     *exec.Cmd
	log     string // the file that has what it said
	started time.Time
	exited  chan struct{} // closed when it has ended
}

// start starts a server that will serve at addr. What it says goes into a file
// in folder. It ends with ctx.
func start(ctx context.Context, folder, addr, program string, args ...string) (*process, error) {
	log, err := os.CreateTemp(folder, filepath.Base(program)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{addr: addr, log: log.Name(), exited: make(chan struct{}), started: time.Now()}
	p.cmd = exec.CommandContext(ctx, program, args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.cmd.Wait() // its state is asked for
		close(p.exited)
	}()
	return p, nil
}

// stop tells the server to end, and waits until it has.
func (p *process) stop() error {
	defer os.Remove(p.log)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not end when it was told to", p.cmd.Path)
	}
}

// await asks the server for path until it answers 200, and returns how long
// after its start that was.
func (p *process) await(ctx context.Context, path string) (time.Duration, error) {
	for {
		if _, err := get(ctx, p.addr, path); err == nil {
			return time.Since(p.started), nil
		} else if time.Since(p.started) > patience {
			return 0, fmt.Errorf("%s does not answer: %w\n%s", p.cmd.Path, err, p.tail())
		}
		select {
		case <-p.exited:
			return 0, fmt.Errorf("%s has ended:\n%s", p.cmd.Path, p.tail())
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// memory returns how many bytes of memory the server has in use (its resident
// set).
func (p *process) memory() (float64, error) {
	kB, err := p.proc("status", "VmRSS:")
	return kB * 1024, err
}

// A moment is what the processors had done until then, in seconds.
type moment struct {
	clock  float64
	busy   float64 // they worked; what a host took away from them is no work
	idle   float64 // they had nothing to do, or who had them waited for the disk
	load   float64 // they worked for this process, and for pgbench
	server float64 // they worked for the server
}

// origin is when the program began.
var origin = time.Now()

// now returns this moment; server may be nil.
func now(server *process) (m moment, err error) {
	m.clock, m.load = time.Since(origin).Seconds(), cpuTime().Seconds()
	stat, err := os.ReadFile("/proc/stat") // cpu USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ …
	if err != nil {
		return m, err
	}
	f := strings.Fields(string(stat))
	if len(f) < 8 || f[0] != "cpu" {
		return m, errors.New("/proc/stat does not begin with what all processors did")
	}
	if m.busy, err = fromTicks(f[1], f[2], f[3], f[6], f[7]); err != nil {
		return m, err
	}
	if m.idle, err = fromTicks(f[4], f[5]); err != nil || server == nil {
		return m, err
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", server.cmd.Process.Pid))
	if err != nil {
		return m, err
	}
	f = strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // behind PID (NAME)
	if len(f) < 13 {
		return m, fmt.Errorf("%s has no times in /proc", server.cmd.Path)
	}
	m.server, err = fromTicks(f[11], f[12]) // in the program and in the kernel
	return m, err
}

// fromTicks returns the sum of times that the kernel tells, in seconds: it counts
// hundredths.
func fromTicks(times ...string) (sum float64, err error) {
	for _, text := range times {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, err
		}
		sum += float64(n) / 100
	}
	return sum, nil
}

func (m moment) plus(n moment) moment {
	return moment{m.clock + n.clock, m.busy + n.busy, m.idle + n.idle, m.load + n.load, m.server + n.server}
}

func (m moment) minus(n moment) moment {
	return moment{m.clock - n.clock, m.busy - n.busy, m.idle - n.idle, m.load - n.load, m.server - n.server}
}

// shares returns who had the processors, for m is what was done while so many
// requests were answered.
func (m moment) shares(answered int) *Shares {
	rest := m.busy - m.load - m.server
	return &Shares{m.load / m.clock, m.server / m.clock, rest / m.clock, m.idle / m.clock, float64(answered) / m.clock}
}

// written returns how many bytes the server has had written to the disk.
func (p *process) written() (float64, error) {
	return p.proc("io", "write_bytes:")
}

// proc returns what the kernel says of the server: the number behind a label in
// a file of its own in /proc.
func (p *process) proc(file, label string) (float64, error) {
	file = fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file)
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == label {
			return strconv.ParseFloat(fields[1], 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, label)
}

// tail returns the end of what the server said.
func (p *process) tail() string {
	text, _ := os.ReadFile(p.log)
	return string(text[max(0, len(text)-2000):])
}

// client asks for what is not measured by the load.
var client = &http.Client{Timeout: patience}

// get returns the body of an answer whose status is 200.
func get(ctx context.Context, addr, path string) ([]byte, error) {
	_, body, err := getAll(ctx, addr, path)
	return body, err
}

func getAll(ctx context.Context, addr, path string) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return nil, nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, res.Status, body)
	}
	return res.Header, body, err
}

// freeAddr returns an address of the loopback interface that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// runProgram runs a program to its end and returns what it said; folder is
// where it runs.
func runProgram(ctx context.Context, folder, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(program), args[0], err, &out, &errs)
	}
	return strings.TrimSpace(out.String()), nil
}
