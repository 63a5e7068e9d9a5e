// Package pebbletest provides tests with a real ACME server: Pebble, the test server of Let's Encrypt, with a DNS
// server that resolves every name to the loopback address. Both are tools of tools/go.mod.
//
// With -short, and if they cannot be built, tests are skipped, or fail if
// NAMETAG_TEST_REQUIRE, a list of words separated by commas, has the word acme.
package pebbletest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long any operation may take before the test fails.
const patience = 60 * time.Second

// Options configure a server. The zero Options are for certificates of 90 days.
type Options struct {
	Validity time.Duration // of the certificates, in whole seconds; 0 for 90 days

	// NoHTTP and NoTLS make the server validate on ports without a listener, as if a firewall protected the site.
	NoHTTP, NoTLS bool
}

// A Server is an ACME server for one test. Use it from one goroutine.
type Server struct {
	Directory string // the URL
	Root      string // a PEM file, the root of Directory's own certificate
	HTTPPort  string // for http-01, on the loopback interface
	TLSPort   string // for tls-alpn-01, likewise

	t          testing.TB
	folder     string
	management string // host:port
	config     map[string]any
	programs   programs
	client     *http.Client
	log        *os.File
}

// New returns a server on free ports, which does not run yet.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if testing.Short() {
		leaveOut(t, errors.New("ACME tests left out: they build Pebble, and -short builds no program"))
	}
	built, err := build()
	if err != nil {
		leaveOut(t, err)
	}
	ports := freePorts(t, 6)
	s := &Server{
		Directory: "https://127.0.0.1:" + ports[0] + "/dir",
		HTTPPort:  ports[2],
		TLSPort:   ports[3],
		t:         t,
		folder:    t.TempDir(),
		programs:  built,
	}
	s.management = "127.0.0.1:" + ports[1]
	s.Root = filepath.Join(s.folder, "cert.pem")
	s.makeCertificate()
	httpPort, tlsPort := ports[2], ports[3]
	if o.NoHTTP {
		httpPort = ports[4]
	}
	if o.NoTLS {
		tlsPort = ports[5]
	}
	if o.Validity == 0 {
		o.Validity = 90 * 24 * time.Hour
	}
	s.config = map[string]any{
		"listenAddress":           "127.0.0.1:" + ports[0],
		"managementListenAddress": s.management,
		"certificate":             s.Root,
		"privateKey":              filepath.Join(s.folder, "key.pem"),
		"httpPort":                number(t, httpPort),
		"tlsPort":                 number(t, tlsPort),
		"keyAlgorithm":            "ecdsa",
		"retryAfter":              map[string]int{"authz": 1, "order": 1},
		"profiles":                map[string]any{"default": map[string]any{"description": "for tests", "validityPeriod": int(o.Validity.Seconds())}},
	}
	if s.log, err = os.Create(filepath.Join(s.folder, "log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.log.Close()
		if t.Failed() {
			t.Logf("Pebble logged:\n%s", s.Log())
		}
	})
	return s
}

// Start returns a server that runs until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(t, o)
	s.Run()
	return s
}

// Run starts the server and waits until it answers. It has no state of an earlier run, neither accounts nor roots.
func (s *Server) Run() {
	s.t.Helper()
	config, err := json.Marshal(map[string]any{"pebble": s.config})
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(s.folder, "config.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		s.t.Fatal(err)
	}
	dns := freePorts(s.t, 2)
	s.start(s.programs.dns, "-dnsserver", "127.0.0.1:"+dns[0], "-management", "127.0.0.1:"+dns[1],
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "")
	s.start(s.programs.pebble, "-config", file, "-dnsserver", "127.0.0.1:"+dns[0])
	for _, address := range []string{"127.0.0.1:" + dns[0], "127.0.0.1:" + dns[1], s.management, strings.TrimSuffix(s.Directory[len("https://"):], "/dir")} {
		s.await(address)
	}
}

// Issuers returns a pool with the root of the certificates that the server issues.
func (s *Server) Issuers() *x509.CertPool {
	s.t.Helper()
	pool := x509.NewCertPool()
	res, err := s.client.Get("https://" + s.management + "/roots/0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	root, err := io.ReadAll(res.Body)
	if err != nil || !pool.AppendCertsFromPEM(root) {
		s.t.Fatalf("pebbletest: the root is %q (%v)", root, err)
	}
	return pool
}

// Issued returns the number of certificates that the server has issued since New.
func (s *Server) Issued() int {
	s.t.Helper()
	return strings.Count(s.Log(), "Issued certificate serial")
}

// Log returns what the server has logged.
func (s *Server) Log() string {
	s.t.Helper()
	log, err := os.ReadFile(s.log.Name())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(log)
}

// start starts a program that ends with the test.
func (s *Server) start(program string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.folder, s.log, s.log
	// Without pauses before validation, and without nonces refused or validations reused
	// at random, failures are reproducible.
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0")
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
}

// await waits until a process listens on address.
func (s *Server) await(address string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("pebbletest: %v; the log is\n%s", err, s.Log())
		}
	}
}

// makeCertificate creates the self-signed certificate of the directory.
func (s *Server) makeCertificate() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(s.folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	s.client = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

type programs struct{ pebble, dns string }

// build builds the programs, or finds them in Go's build cache.
var build = sync.OnceValues(func() (p programs, err error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "nametag").Output()
	if err != nil {
		return p, fmt.Errorf("pebbletest: go list: %w", err)
	}
	modfile := "-modfile=" + filepath.Join(strings.TrimSpace(string(root)), "tools", "go.mod")
	for name, path := range map[string]*string{"pebble": &p.pebble, "pebble-challtestsrv": &p.dns} {
		cmd := exec.Command("go", "tool", modfile, "-n", name)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			said := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			return p, fmt.Errorf("ACME tests left out: %s can't be built here: %s", name, said[len(said)-1])
		}
		*path = strings.TrimSpace(string(out))
	}
	return p, nil
})

// leaveOut ends the test: as skipped if no ACME server is required, as failed otherwise.
func leaveOut(t testing.TB, err error) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("NAMETAG_TEST_REQUIRE"), ","), "acme") {
		t.Fatal(err)
	} else {
		t.Skip(err)
	}
}

// freePorts returns n ports of the loopback interface that are free now.
func freePorts(t testing.TB, n int) []string {
	t.Helper()
	ports := make([]string, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return ports
}

func number(t testing.TB, port string) int {
	t.Helper()
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
