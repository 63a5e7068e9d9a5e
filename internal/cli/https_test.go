package cli_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nametag/internal/pebbletest"
	"nametag/internal/pgtest"
	"nametag/internal/programtest"
)

const (
	domain = "pets.example"
	hsts   = "Strict-Transport-Security"
)

// serveACME boots a server that gets certificates from ca, which validates it.
func serveACME(t *testing.T, ca *pebbletest.Server, database string, args ...string) *programtest.Program {
	t.Helper()
	return programtest.Serve(t, environ{
		"NAMETAG_DOMAIN":         domain,
		"NAMETAG_ACME_DIRECTORY": ca.Directory,
		"NAMETAG_ACME_ROOT":      ca.Root,
		"NAMETAG_DATABASE":       database,
	}, append([]string{"--listen=127.0.0.1:" + ca.TLSPort, "--redirect-listen=127.0.0.1:" + ca.HTTPPort}, args...)...)
}

// clientOf returns a client for which every name leads to the server at url.
func clientOf(t *testing.T, url string, trusts *x509.CertPool) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			_, address, _ := strings.Cut(url, "://")
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: trusts},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask asks for a page whose content does not matter.
func ask(t *testing.T, c *http.Client, url string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

// served waits until a server has a certificate that is valid and that suits, and returns it.
func served(t *testing.T, p *programtest.Program, trusts *x509.CertPool, suits func(*x509.Certificate) bool) *x509.Certificate {
	t.Helper()
	_, address, _ := strings.Cut(p.URL, "://")
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var conn *tls.Conn
		if conn, err = tls.Dial("tcp", address, &tls.Config{RootCAs: trusts, ServerName: domain}); err == nil {
			leaf := conn.ConnectionState().PeerCertificates[0]
			conn.Close()
			if suits(leaf) {
				return leaf
			}
		}
	}
	t.Fatalf("the certificate has not come: %v", err)
	return nil
}

func whichever(*x509.Certificate) bool { return true }

func TestACertificateIsGotServedAndKept(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		ca := pebbletest.Start(t, pebbletest.Options{})
		p := serveACME(t, ca, database, "--admin-listen=127.0.0.1:0")
		cert := served(t, p, ca.Issuers(), whichever)
		if line := p.Logged("the certificate is ready"); !strings.Contains(line, domain) || !strings.Contains(line, cert.NotAfter.UTC().Format("2006-01-02T15:04:05Z")) {
			t.Errorf("the log says %s", line)
		}
		res := ask(t, clientOf(t, p.URL, ca.Issuers()), "https://"+domain+"/")
		if res.StatusCode != 200 || res.ProtoMajor != 2 || res.Header.Get(hsts) != "max-age=31536000" {
			t.Errorf("GET /: %s %s with %q", res.Proto, res.Status, res.Header.Get(hsts))
		}
		_, metrics := get(t, p.Start["admin"].(string)+"/metrics")
		if want := `nametag_certificate_expiry_timestamp_seconds{domain="` + domain + `"}`; !strings.Contains(metrics, want) || strings.Contains(metrics, want+" 0\n") {
			t.Errorf("the metrics lack %s", want)
		}
		p.Signal(syscall.SIGTERM)
		if code := p.Exit().ExitCode(); code != 0 {
			t.Errorf("exit code %d after SIGTERM, want 0", code)
		}

		again := serveACME(t, ca, database)
		if got := served(t, again, ca.Issuers(), whichever); !got.Equal(cert) {
			t.Error("the next process has another certificate")
		}
		if n := ca.Issued(); n != 1 {
			t.Errorf("%d certificates were issued, want 1", n)
		}
	})
}

func TestEachDomainAndEachACMEServerHasItsOwnCertificate(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "pets.db")
	for range 2 { // the second must not serve what the first has left
		ca := pebbletest.Start(t, pebbletest.Options{})
		p := serveACME(t, ca, database, "--domain=www.pets.example,"+domain)
		served(t, p, ca.Issuers(), whichever)
		p.Logged(`"msg":"the certificate is ready","domain":"www.pets.example"`)
		ask(t, clientOf(t, p.URL, ca.Issuers()), "https://www.pets.example/")
		if n := ca.Issued(); n != 2 {
			t.Errorf("%d certificates were issued, want 2", n)
		}
		p.Signal(syscall.SIGTERM)
		p.Exit()
	}
}

func TestReplicasThatStartTogetherShareEachCertificate(t *testing.T) {
	t.Parallel()
	ca := pebbletest.Start(t, pebbletest.Options{Validity: 30 * time.Second})
	database := pgtest.URL(t)
	// As behind a load balancer that asks the first about the challenges of all. An order of another one fails if it
	// is too early for that.
	replicas := make([]*programtest.Program, 3)
	var wg sync.WaitGroup
	for i := range replicas {
		var args []string
		if i > 0 {
			args = []string{"--listen=127.0.0.1:0", "--redirect-listen=127.0.0.1:0"}
		}
		wg.Go(func() { replicas[i] = serveACME(t, ca, database, args...) })
	}
	wg.Wait()
	isNew := whichever
	for issued := 1; issued <= 2; issued++ { // first, and as a renewal
		cert := served(t, replicas[0], ca.Issuers(), isNew)
		for _, p := range replicas[1:] {
			served(t, p, ca.Issuers(), cert.Equal)
		}
		if n := ca.Issued(); n != issued {
			t.Errorf("%d certificates were issued, want %d", n, issued)
		}
		isNew = func(c *x509.Certificate) bool { return !c.Equal(cert) }
	}
}

func TestOneKindOfChallengeIsEnough(t *testing.T) {
	t.Parallel()
	t.Run("http-01", func(t *testing.T) {
		ca := pebbletest.Start(t, pebbletest.Options{NoTLS: true})
		served(t, serveACME(t, ca, filepath.Join(t.TempDir(), "pets.db")), ca.Issuers(), whichever)
	})
	t.Run("tls-alpn-01", func(t *testing.T) {
		ca := pebbletest.Start(t, pebbletest.Options{NoHTTP: true})
		served(t, serveACME(t, ca, filepath.Join(t.TempDir(), "pets.db"), "--redirect-listen=off"), ca.Issuers(), whichever)
	})
}

func TestAServerIsReadyBeforeItsCertificate(t *testing.T) {
	t.Parallel()
	ca := pebbletest.New(t, pebbletest.Options{})
	p := serveACME(t, ca, filepath.Join(t.TempDir(), "pets.db"), "--admin-listen=127.0.0.1:0", "--log-level=debug")
	if line := p.Logged("getting a certificate failed"); !strings.Contains(line, ca.Directory) || !strings.Contains(line, domain) {
		t.Errorf("the log says %s", line)
	}
	if code, _ := get(t, p.Start["redirect"].(string)+"/readyz"); code != 200 {
		t.Errorf("GET /readyz: %d, want 200", code)
	}
	settings := environ{"NAMETAG_DOMAIN": domain, "NAMETAG_LISTEN": "127.0.0.1:" + ca.TLSPort, "NAMETAG_REDIRECT_LISTEN": "127.0.0.1:" + ca.HTTPPort}
	for range 2 { // over the plain address, and then over HTTPS
		if r := run(t, settings, "", "healthcheck"); r.code != 0 {
			t.Errorf("healthcheck: exit code %d, %s", r.code, r.stderr)
		}
		settings["NAMETAG_REDIRECT_LISTEN"] = "off"
	}
	if _, metrics := get(t, p.Start["admin"].(string)+"/metrics"); !strings.Contains(metrics, `_expiry_timestamp_seconds{domain="`+domain+`"} 0`) {
		t.Error("the metrics do not tell that there is no certificate")
	}
	if _, err := tls.Dial("tcp", "127.0.0.1:"+ca.TLSPort, &tls.Config{ServerName: domain}); err == nil {
		t.Error("there is a certificate already")
	}
	if line := p.Logged("TLS handshake error"); !strings.Contains(line, `"DEBUG"`) {
		t.Errorf("the log says %s", line)
	}

	ca.Run()
	served(t, p, ca.Issuers(), whichever)
}

func TestTheLogSaysWhatTheACMEServerFoundWrong(t *testing.T) {
	t.Parallel()
	ca := pebbletest.Start(t, pebbletest.Options{NoTLS: true, NoHTTP: true})
	p := serveACME(t, ca, filepath.Join(t.TempDir(), "pets.db"))
	line := p.Logged("getting a certificate failed")
	for _, s := range []string{`"WARN"`, domain, "DNS", "port 80 or port 443", "tls-alpn-01: ", "http-01: ", "connection refused"} {
		if !strings.Contains(line, s) {
			t.Errorf("the log lacks %q: %s", s, line)
		}
	}
}

func TestACertificateIsRenewed(t *testing.T) {
	t.Parallel()
	ca := pebbletest.Start(t, pebbletest.Options{Validity: 15 * time.Second})
	p := serveACME(t, ca, filepath.Join(t.TempDir(), "pets.db"))
	first := served(t, p, ca.Issuers(), whichever)
	next := served(t, p, ca.Issuers(), func(c *x509.Certificate) bool { return !c.Equal(first) })
	if !next.NotBefore.Before(first.NotAfter) {
		t.Errorf("the next certificate is of %v, when the first ended at %v", next.NotBefore, first.NotAfter)
	}
	p.Logged("the certificate was renewed")
}

func TestPlainHTTPIsSentOnToHTTPS(t *testing.T) {
	t.Parallel()
	ca := pebbletest.New(t, pebbletest.Options{}) // it is not needed
	p := serveACME(t, ca, filepath.Join(t.TempDir(), "pets.db"), "--domain=pets.example,www.pets.example")
	plain := p.Start["redirect"].(string)
	c := clientOf(t, plain, nil)
	for from, to := range map[string]string{
		"http://pets.example/pets?q=a%20b":               "https://pets.example/pets?q=a%20b",
		"http://WWW.pets.example/":                       "https://WWW.pets.example/",
		"http://evil.example/pets":                       "https://pets.example/pets",
		"http://127.0.0.1:8080/pets/a%2Fb":               "https://pets.example:" + ca.TLSPort + "/pets/a%2Fb",
		"http://pets.example//evil.example/":             "https://pets.example//evil.example/",
		"http://pets.example/.well-known/acme-challenge": "https://pets.example/.well-known/acme-challenge",
	} {
		res := ask(t, c, from)
		if res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != to || res.Header.Get(hsts) != "" {
			t.Errorf("GET %s: %s to %q, want %q (HSTS %q)", from, res.Status, res.Header.Get("Location"), to, res.Header.Get(hsts))
		}
	}
	if res := ask(t, c, "http://pets.example/.well-known/acme-challenge/unknown"); res.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown challenge: %s", res.Status)
	}
}

// writeCertificate writes a certificate for 127.0.0.1 and its key, and returns it as a root.
func writeCertificate(t *testing.T, certFile, keyFile string) (*x509.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return cert, pool
}

func TestACertificateInFilesIsServedAndLoadedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first, trusts := writeCertificate(t, certFile, keyFile)
	p := programtest.Serve(t, environ{"NAMETAG_TLS_CERTIFICATE": certFile, "NAMETAG_TLS_KEY": keyFile},
		"--redirect-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0")
	served(t, p, trusts, first.Equal)
	res := ask(t, clientOf(t, p.URL, trusts), "https://"+domain+"/")
	if res.StatusCode != 200 || res.ProtoMajor != 2 || res.Header.Get(hsts) == "" {
		t.Errorf("GET /: %s %s with HSTS %q", res.Proto, res.Status, res.Header.Get(hsts))
	}
	res = ask(t, clientOf(t, p.Start["redirect"].(string), nil), "http://whatever.example/pets?q=x")
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusPermanentRedirect || got != "https://whatever.example/pets?q=x" {
		t.Errorf("plain HTTP: %s to %q", res.Status, got)
	}
	if _, metrics := get(t, p.Start["admin"].(string)+"/metrics"); !strings.Contains(metrics, `_expiry_timestamp_seconds{domain="`+domain+`"} 1`) {
		t.Error("the metrics lack the expiry")
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.URL, "https://"))
	r := run(t, environ{"NAMETAG_TLS_CERTIFICATE": certFile, "NAMETAG_LISTEN": ":" + port, "NAMETAG_REDIRECT_LISTEN": "off"}, "", "healthcheck")
	if r.code != 0 {
		t.Errorf("healthcheck: exit code %d, %s", r.code, r.stderr)
	}

	if err := os.WriteFile(certFile, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if line := p.Logged("keeping the previous certificate"); !strings.Contains(line, certFile) {
		t.Errorf("the log says %s", line)
	}
	served(t, p, trusts, first.Equal)
	second, trusts := writeCertificate(t, certFile, keyFile)
	served(t, p, trusts, second.Equal)
}

func TestBehindAProxyThatEndsTLS(t *testing.T) {
	t.Parallel()
	p := programtest.Serve(t, environ{"NAMETAG_BEHIND_HTTPS_PROXY": "true", "NAMETAG_TRUSTED_PROXIES": "127.0.0.1"})
	c := clientOf(t, p.URL, nil)
	res := ask(t, c, "http://pets.example/pets", "X-Forwarded-Proto", "http")
	if res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != "https://pets.example/pets" {
		t.Errorf("over HTTP: %s to %q", res.Status, res.Header.Get("Location"))
	}
	if res := ask(t, c, "http://pets.example/pets", "X-Forwarded-Proto", "https"); res.StatusCode != 200 || res.Header.Get(hsts) == "" {
		t.Errorf("over HTTPS: %s with HSTS %q", res.Status, res.Header.Get(hsts))
	}
	if r := run(t, environ{"NAMETAG_LISTEN": strings.TrimPrefix(p.URL, "http://"), "NAMETAG_BEHIND_HTTPS_PROXY": "true"}, "", "healthcheck"); r.code != 0 {
		t.Errorf("healthcheck: exit code %d, %s", r.code, r.stderr)
	}
}

func TestPlainHTTPSaysSo(t *testing.T) {
	t.Parallel()
	p := programtest.Serve(t, nil)
	if said, _ := p.Start["https"].(string); !strings.Contains(said, "plain HTTP") || !strings.Contains(said, "NAMETAG_DOMAIN") {
		t.Errorf("of HTTPS it says %q", said)
	}
	if res := ask(t, http.DefaultClient, p.URL); res.StatusCode != 200 || res.Header.Get(hsts) != "" {
		t.Errorf("GET /: %s with HSTS %q", res.Status, res.Header.Get(hsts))
	}
}
