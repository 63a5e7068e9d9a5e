package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/sleep"
)

// reloadInterval is how often a certificate's files are checked for changes.
const reloadInterval = 5 * time.Second

// FilesConfig configures Files.
type FilesConfig struct {
	Certificate, Key string // paths of PEM files, the certificate with its chain
	Log              *slog.Logger
	Metrics          prometheus.Registerer // the expiry is registered here
}

// Files is a certificate in files that another program renews. Its methods are safe for concurrent use.
type Files struct {
	config  FilesConfig
	seen    string // the files' content, or the error, when they were last read; owned by Run
	current atomic.Pointer[tls.Certificate]
}

// NewFiles loads a certificate. The error names the file that is missing or invalid.
func NewFiles(c FilesConfig) (*Files, error) {
	f := &Files{config: c}
	if _, err := f.load(); err != nil {
		return nil, err
	}
	c.Metrics.MustRegister(expiries(f.expiries))
	return f, nil
}

// TLSConfig returns a TLS configuration that serves the current certificate.
func (f *Files) TLSConfig() *tls.Config {
	return tlsConfig(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil })
}

// Run reloads the certificate when its files change, until ctx ends. If they cannot be loaded, it logs an error and
// keeps the previous certificate.
func (f *Files) Run(ctx context.Context) {
	for sleep.For(ctx, reloadInterval) == nil {
		changed, err := f.load()
		switch {
		case !changed:
		case err != nil:
			f.config.Log.Error("keeping the previous certificate because the new one cannot be loaded; fix the files", "error", err)
		default:
			f.config.Log.Info("the certificate was reloaded", "expires", f.current.Load().Leaf.NotAfter)
		}
	}
}

// load loads the certificate if its files, or the error in reading them, have changed since the last call.
func (f *Files) load() (changed bool, err error) {
	cert, certErr := os.ReadFile(f.config.Certificate)
	key, keyErr := os.ReadFile(f.config.Key)
	err = cmp.Or(certErr, keyErr)
	seen := fmt.Sprintf("%s\n%s\n%v", cert, key, err)
	if seen == f.seen {
		return false, nil
	}
	f.seen = seen
	if err != nil {
		return true, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return true, fmt.Errorf("%s and %s: %w", f.config.Certificate, f.config.Key, err)
	}
	f.current.Store(&pair)
	return true, nil
}

// expiries returns when the certificate expires, by each of its names.
func (f *Files) expiries() map[string]time.Time {
	leaf := f.current.Load().Leaf
	all := make(map[string]time.Time)
	for _, name := range namesOf(leaf) {
		all[name] = leaf.NotAfter
	}
	return all
}

func namesOf(leaf *x509.Certificate) []string {
	names := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		names = append(slices.Clip(names), ip.String())
	}
	if len(names) == 0 {
		names = []string{leaf.Subject.CommonName}
	}
	return names
}
