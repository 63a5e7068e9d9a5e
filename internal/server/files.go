package server

import (
	"bytes"
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
)

// reloadInterval is how often the files of a certificate are looked at.
const reloadInterval = 5 * time.Second

// FilesConfig is what Files needs.
type FilesConfig struct {
	Certificate, Key string // paths of PEM files, the certificate with its chain
	Log              *slog.Logger
	Metrics          prometheus.Registerer // the expiry is registered here
}

// Files is a certificate in files, which somebody else renews. Its methods may
// be called by several goroutines at once.
type Files struct {
	config  FilesConfig
	seen    []byte // what was in the files when they were last looked at; of Run
	current atomic.Pointer[tls.Certificate]
}

// NewFiles loads a certificate. The error names the file that can't be used.
func NewFiles(c FilesConfig) (*Files, error) {
	f := &Files{config: c}
	content, err := f.read()
	if err == nil {
		err = f.load(content)
	}
	if err != nil {
		return nil, err
	}
	f.seen = bytes.Join(content[:], nil)
	c.Metrics.MustRegister(expiries(f.expiries))
	return f, nil
}

// TLSConfig returns how to serve with the certificate, whichever it is then.
func (f *Files) TLSConfig() *tls.Config {
	return tlsConfig(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil })
}

// Run loads the certificate anew when its files change, until ctx ends. What
// can't be used is logged, and the certificate from before serves on.
func (f *Files) Run(ctx context.Context) {
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	var missing string // the error that was logged last
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		content, err := f.read()
		if err != nil {
			if err.Error() != missing {
				f.failed(err)
			}
			missing = err.Error()
			continue
		}
		missing = ""
		if now := bytes.Join(content[:], nil); !bytes.Equal(now, f.seen) {
			f.seen = now
			if err := f.load(content); err != nil {
				f.failed(err)
			} else {
				f.config.Log.Info("the certificate was loaded anew", "expires", f.current.Load().Leaf.NotAfter)
			}
		}
	}
}

func (f *Files) failed(err error) {
	f.config.Log.Error("the new certificate can't be used, the one from before serves on; mend the files", "error", err)
}

// read returns what is in the two files.
func (f *Files) read() (content [2][]byte, err error) {
	for i, name := range []string{f.config.Certificate, f.config.Key} {
		if content[i], err = os.ReadFile(name); err != nil {
			return content, err
		}
	}
	return content, nil
}

func (f *Files) load(content [2][]byte) error {
	cert, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return fmt.Errorf("%s and %s: %w", f.config.Certificate, f.config.Key, err)
	}
	f.current.Store(&cert)
	return nil
}

// expiries has every name of the certificate.
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
