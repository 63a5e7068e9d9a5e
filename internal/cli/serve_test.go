package cli_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"nametag/internal/programtest"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestServeSaysWhereItServesAndFromWhat(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		p := programtest.Serve(t, nil, "--admin-listen=127.0.0.1:0", "--database", database)
		if code, _ := get(t, p.URL+"/"); code != 200 {
			t.Errorf("GET %s: %d", p.URL, code)
		}
		if code, _ := get(t, p.Start["admin"].(string)+"/metrics"); code != 200 {
			t.Errorf("GET %s/metrics: %d", p.Start["admin"], code)
		}
		if place, _ := p.Start["database"].(string); place == "" || !strings.Contains(database, filepath.Base(place)) {
			t.Errorf("the database is called %q, and is %q", place, database)
		}
		p.Signal(syscall.SIGTERM)
		if code := p.Exit().ExitCode(); code != 0 {
			t.Errorf("exit code %d after SIGTERM, want 0", code)
		}
	})
}

func TestServeKeepsTheDatabaseInTheDataDirectory(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, test := range []struct {
		env  environ
		want string
	}{
		{environ{"HOME": home}, filepath.Join(home, ".local", "share", "nametag", "nametag.db")},
		{environ{"HOME": home, "XDG_DATA_HOME": filepath.Join(home, "data")}, filepath.Join(home, "data", "nametag", "nametag.db")},
	} {
		p := programtest.Serve(t, test.env)
		if p.Start["database"] != test.want {
			t.Errorf("the database is %v, want %s", p.Start["database"], test.want)
		}
		if _, err := os.Stat(test.want); err != nil {
			t.Error(err)
		}
	}
}

func TestASecondServerOnTheSameFileIsRefused(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "pets.db")
	first := programtest.Serve(t, nil, "--database", database)
	second := programtest.Boot(t, nil, "serve", "--listen=127.0.0.1:0", "--admin-listen=off", "--database", database)
	if code := second.Exit().ExitCode(); code != 1 || !strings.Contains(second.Log(), database) || !strings.Contains(second.Log(), "server") {
		t.Errorf("exit code %d, want 1 and a message about the server that uses the file", code)
	}

	if _, err := register(http.DefaultClient, first.URL, "Rex"); err != nil {
		t.Fatal(err)
	}
	file := write(t, "pets.csv", "name,category\nBella,dog\nrex,dog\n")
	must(t, "import", "--database", database, "--report", filepath.Join(t.TempDir(), "report.csv"), file)
	if got := names(t, database); len(got) != 2 || !got["Rex"] || !got["Bella"] {
		t.Errorf("beside the server, export has %v, want Rex and the imported Bella", got)
	}
	if code, _ := get(t, first.URL+"/api/v1/pets/bella"); code != 200 {
		t.Errorf("the server answers %d about an imported pet", code)
	}
}

// hammer registers pets from 64 clients until a client gets no answer, and calls enough once when a thousand are
// registered. It returns the names that the server said are registered.
func hammer(t *testing.T, url string, enough func()) map[string]bool {
	const clients = 64
	var (
		wg    sync.WaitGroup
		total atomic.Int64
		mu    sync.Mutex
		said  = make(map[string]bool)
	)
	for c := range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := 0; ; i++ {
				name := fmt.Sprintf("Cat %d of %d", i, c)
				ok, err := register(client, url, name)
				if ok {
					mu.Lock()
					said[name] = true
					mu.Unlock()
				}
				if err != nil {
					return
				}
				if total.Add(1) == 1000 {
					enough()
				}
			}
		})
	}
	wg.Wait()
	if len(said) < 1000 {
		t.Errorf("only %d pets were registered before the server ended", len(said))
	}
	return said
}

func TestShutdownUnderLoadAnswersWhatItRegisters(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		p := programtest.Serve(t, nil, "--database", database)
		said := hammer(t, p.URL, func() { p.Signal(syscall.SIGTERM) })
		if code := p.Exit().ExitCode(); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		programtest.Serve(t, nil, "--database", database)
		registered := names(t, database)
		for name := range said {
			if !registered[name] {
				t.Errorf("%q was answered as registered, but is not", name)
			}
		}
		for name := range registered {
			if !said[name] {
				t.Errorf("%q is registered, but its client got no answer", name)
			}
		}
	})
}

func TestKillLosesNothingThatWasAnswered(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		p := programtest.Serve(t, nil, "--database", database)
		said := hammer(t, p.URL, func() { p.Signal(syscall.SIGKILL) })
		p.Exit()
		again := programtest.Serve(t, nil, "--database", database)
		registered := names(t, database)
		for name := range said {
			if !registered[name] {
				t.Errorf("%q was answered as registered, but is not", name)
			}
		}
		if _, err := register(http.DefaultClient, again.URL, "Phoenix"); err != nil {
			t.Errorf("after the restart: %v", err)
		}
	})
}

func TestReadyzSaysThatAServerIsShuttingDown(t *testing.T) {
	t.Parallel()
	p := programtest.Serve(t, nil, "--database", filepath.Join(t.TempDir(), "pets.db"), "--shutdown-delay=1h")
	if code, _ := get(t, p.URL+"/readyz"); code != 200 {
		t.Errorf("GET /readyz: %d, want 200", code)
	}
	p.Signal(syscall.SIGTERM)
	p.Logged("shutting down")
	if code, body := get(t, p.URL+"/readyz"); code != 503 || !strings.Contains(body, "shutting down") {
		t.Errorf("GET /readyz after SIGTERM: %d %s, want 503", code, body)
	}
	if code, _ := get(t, p.URL+"/"); code != 200 {
		t.Errorf("GET / within the delay: %d, want 200", code)
	}
	p.Signal(syscall.SIGTERM)
	if status := p.Exit().Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGTERM {
		t.Errorf("a second signal: %s, want the end at once", p.Exit())
	}
}

func TestServeSaysThatTheAddressIsInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	database := filepath.Join(t.TempDir(), "pets.db")

	r := run(t, nil, "", "serve", "--listen", taken, "--database", database)
	refuses(t, r, 1, taken, "another program", "--listen", "NAMETAG_LISTEN")
	r = run(t, nil, "", "serve", "--listen=127.0.0.1:0", "--admin-listen", taken, "--database", database)
	refuses(t, r, 1, taken, "another program", "--admin-listen", "NAMETAG_ADMIN_LISTEN")
}

// Who asks a server that still waits for its database is refused at once, and not left waiting as well.
func TestNobodyIsLeftWaitingWithTheServer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing, like a database that hangs
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	p := programtest.Boot(t, nil, "serve", "--listen", free.Addr().String(), "--admin-listen=off",
		"--database", "postgres://nametag@"+silent.Addr().String()+"/nametag")
	p.Logged("waiting for PostgreSQL")
	if conn, err := net.Dial("tcp", free.Addr().String()); err == nil {
		conn.Close()
		t.Error("the server takes connections that it can't answer")
	}
	p.Signal(syscall.SIGTERM)
	p.Exit()
}

func TestTheDefaultAdminAddressGivesWay(t *testing.T) {
	t.Parallel()
	const standard = "127.0.0.1:5001"
	if l, err := net.Listen("tcp", standard); err == nil { // else somebody has it, which will do
		defer l.Close()
	}
	database := filepath.Join(t.TempDir(), "pets.db")
	p := programtest.Boot(t, nil, "serve", "--listen=127.0.0.1:0", "--database", database)
	if line := p.Logged("free port"); !strings.Contains(line, `"WARN"`) || !strings.Contains(line, standard) {
		t.Errorf("the warning is %s", line)
	}
	if line := p.Logged(`"msg":"serving"`); !strings.Contains(line, `"admin":"http://127.0.0.1:`) || strings.Contains(line, standard) {
		t.Errorf("the start line is %s, want another address for operators", line)
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	p := programtest.Serve(t, nil, "--database", filepath.Join(t.TempDir(), "pets.db"), "--shutdown-delay=1h")
	listen := strings.TrimPrefix(p.URL, "http://")
	_, port, _ := net.SplitHostPort(listen)

	must(t, "healthcheck", "--listen", listen)
	must(t, "healthcheck", "--url", p.URL+"/")
	for _, wildcard := range []string{"0.0.0.0:" + port, ":" + port} {
		if r := run(t, environ{"NAMETAG_LISTEN": wildcard}, "", "healthcheck"); r.code != 0 {
			t.Errorf("healthcheck of %s: exit code %d, %s", wildcard, r.code, r.stderr)
		}
	}

	p.Signal(syscall.SIGTERM)
	p.Logged("shutting down")
	refuses(t, run(t, nil, "", "healthcheck", "--listen", listen), 1, "not ready", "503")
	p.Signal(syscall.SIGTERM)
	p.Exit()
	refuses(t, run(t, nil, "", "healthcheck", "--listen", listen), 1, listen, "no answer")
	refuses(t, run(t, nil, "", "healthcheck", "--listen", "127.0.0.1:0"), 2, "--url")
}

const clubPolicy = `extends: kennel-club
name: club
length: {max: 20}
characters: "A-Z '"
words: {max: 3}
forbidden: [champion]
reserved:
- name: King Rex
  reason: Kept for the club's own dogs.
`

func TestServeJudgesUnderThePolicyAndCountsViolations(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		bring(t, database, write(t, "old.csv", "name,category\nRex,dog\nOld Dog,dog\nBella,cat\n"))
		p := programtest.Serve(t, environ{"NAMETAG_POLICY": write(t, "policy.yaml", clubPolicy)}, "--database", database)
		if version, _ := p.Start["policy"].(string); !strings.HasPrefix(version, "club-") {
			t.Errorf("the server says that its policy is %q", version)
		}
		if line := p.Logged("violate the policy; they keep their names"); !strings.Contains(line, `"level":"INFO"`) || !strings.Contains(line, `"pets":3,"violations":2,"policy":"club-`) {
			t.Errorf("of violations it logs %s", line)
		}
		exported := must(t, "export", "--database", database)
		if r := run(t, nil, exported, "policy", "try", write(t, "policy.yaml", clubPolicy), "-"); !strings.Contains(r.stdout, ",Rex,too_short,") || strings.Contains(r.stdout, "Old Dog") {
			t.Errorf("what the log says lists %+v", r)
		}
		if code, body := get(t, p.URL+"/api/v1/names/Champion%20Joe"); code != 200 || !strings.Contains(body, "does not allow the word") {
			t.Errorf("of a forbidden word the server says %d %s", code, body)
		}
	})
}
