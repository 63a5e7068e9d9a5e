package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/server"
)

// A pair is the files of a certificate for pets.example and its key.
type pair struct{ cert, key string }

func newPair(t *testing.T) pair {
	dir := t.TempDir()
	return pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// write writes a new certificate that expires at end.
func (p pair) write(t *testing.T, end time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(end.Unix()), DNSNames: []string{"pets.example", "www.pets.example"},
		NotBefore: end.Add(-24 * time.Hour), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, p.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	put(t, p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func put(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p pair) load(t *testing.T, log *slog.Logger) (*server.Files, *prometheus.Registry) {
	t.Helper()
	metrics := prometheus.NewRegistry()
	f, err := server.NewFiles(server.FilesConfig{Certificate: p.cert, Key: p.key, Log: log, Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	return f, metrics
}

// A lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestTLSIsModern(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.write(t, time.Now().Add(time.Hour))
	files, _ := p.load(t, slog.New(slog.DiscardHandler))
	r := start(t, server.Config{Handler: http.NotFoundHandler(), TLS: files.TLSConfig(), ShutdownTimeout: time.Minute})
	dial := func(c *tls.Config) (tls.ConnectionState, error) {
		c.InsecureSkipVerify = true // the test is about the handshake
		conn, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "http://"), c)
		if err != nil {
			return tls.ConnectionState{}, err
		}
		defer conn.Close()
		return conn.ConnectionState(), nil
	}
	state, err := dial(&tls.Config{NextProtos: []string{"h2", "http/1.1"}})
	if err != nil || state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "h2" || state.CurveID != tls.X25519MLKEM768 {
		t.Errorf("a current client: %v, %s %s %s", err, tls.VersionName(state.Version), state.NegotiatedProtocol, state.CurveID)
	}
	if _, err := dial(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		good := strings.HasPrefix(suite.Name, "TLS_ECDHE_ECDSA_") && (strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_POLY1305_"))
		_, err := dial(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
		if (err == nil) != good {
			t.Errorf("%s: %v; want it accepted: %t", suite.Name, err, good)
		}
	}
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestAFailedHandshakeIsNotAWarning(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.write(t, time.Now().Add(time.Hour))
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	files, _ := p.load(t, logger)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() {
		done <- server.Run(ctx, server.Config{Listener: l, TLS: files.TLSConfig(), Handler: http.NotFoundHandler(), Log: logger, ShutdownTimeout: time.Minute})
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "not a handshake\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // until the server hangs up
	conn.Close()
	stop()
	<-done
	if got := log.String(); !strings.Contains(got, "TLS handshake error") || strings.Contains(got, "WARN") {
		t.Errorf("the log is\n%s", got)
	}
}

func TestACertificateIsReloadedWhenItsFilesChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		p := newPair(t)
		begin := time.Now()
		p.write(t, begin.Add(time.Hour))
		files, metrics := p.load(t, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { files.Run(ctx) })
		serves := func(when string, want time.Time, lines int) {
			t.Helper()
			time.Sleep(12 * time.Second) // of the bubble's clock: two checks
			cert, err := files.TLSConfig().GetCertificate(nil)
			if err != nil || !cert.Leaf.NotAfter.Equal(want.Truncate(time.Second)) {
				t.Errorf("%s: it serves a certificate that expires at %v (%v), want %v", when, cert.Leaf.NotAfter, err, want)
			}
			if n := strings.Count(log.String(), "\n"); n != lines {
				t.Errorf("%s: %d lines in the log, want %d:\n%s", when, n, lines, &log)
			}
			for _, domain := range []string{"pets.example", "www.pets.example"} {
				if !strings.Contains(exposition(t, metrics), domain) {
					t.Errorf("%s: the metrics lack %s", when, domain)
				}
			}
		}
		serves("unchanged", begin.Add(time.Hour), 0)
		p.write(t, begin.Add(2*time.Hour))
		serves("after a change", begin.Add(2*time.Hour), 1)
		put(t, p.key, []byte("broken"))
		serves("with a broken key", begin.Add(2*time.Hour), 2)
		if err := os.Remove(p.cert); err != nil {
			t.Fatal(err)
		}
		serves("without the certificate", begin.Add(2*time.Hour), 3)
		p.write(t, begin.Add(3*time.Hour))
		serves("fixed", begin.Add(3*time.Hour), 4)
		stop()
		wg.Wait()
		if got := log.String(); strings.Count(got, "level=ERROR") != 2 || !strings.Contains(got, p.cert) {
			t.Errorf("the log is\n%s", got)
		}
	})
}

// exposition returns what Prometheus reads.
func exposition(t *testing.T, metrics *prometheus.Registry) string {
	t.Helper()
	rec := httptest.NewRecorder()
	server.Admin(metrics).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	return rec.Body.String()
}

func TestInvalidCertificateFilesAreNamed(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	config := server.FilesConfig{Certificate: p.cert, Key: p.key, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}
	if _, err := server.NewFiles(config); err == nil || !strings.Contains(err.Error(), p.cert) {
		t.Errorf("no certificate: %v", err)
	}
	p.write(t, time.Now().Add(time.Hour))
	put(t, p.key, []byte("broken"))
	if _, err := server.NewFiles(config); err == nil || !strings.Contains(err.Error(), p.key) {
		t.Errorf("a broken key: %v", err)
	}
}

func TestRunAllEndsTogether(t *testing.T) {
	t.Parallel()
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	config := server.Config{Handler: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler), ShutdownTimeout: time.Minute}
	one, two := config, config
	one.Listener, two.Listener = open, closed
	if err := server.RunAll(t.Context(), one, two); err == nil || !strings.Contains(err.Error(), closed.Addr().String()) {
		t.Errorf("RunAll: %v, want an error that names %s", err, closed.Addr())
	}
	if _, err := net.Dial("tcp", open.Addr().String()); err == nil {
		t.Error("the other server is still running")
	}
}
