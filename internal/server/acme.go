package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"nametag/internal/sleep"
)

// ACMEDirectory is the directory of Let's Encrypt.
const ACMEDirectory = autocert.DefaultACMEDirectory

// ACMEConfig configures ACME.
type ACMEConfig struct {
	// Domains are the domains, each of which gets its own certificate, in lower case and ASCII (A-labels, RFC 5890).
	Domains []string

	Directory string         // the URL of the ACME server's directory
	Roots     *x509.CertPool // the root certificates to trust for the ACME server; nil for the system's
	Email     string         // the account's contact address; may be ""

	// HTTP01 means that HTTPHandler is served on port 80. Otherwise only tls-alpn-01 validates the domains.
	HTTP01 bool

	Store   ACMEStore
	Log     *slog.Logger
	Metrics prometheus.Registerer // the expiries are registered here
}

// ACME gets certificates from an ACME server (RFC 8555) and renews them. Its methods are safe for concurrent use.
//
// A client's handshake neither orders a certificate nor waits for one: each client would repeat a failing order, and
// ACME servers limit failures.
type ACME struct {
	config  ACMEConfig
	domains []*domain
	unnamed *tls.Certificate // for clients that name no domain before there is a certificate
}

// A domain has its own certificate.
type domain struct {
	name    string
	manager atomic.Pointer[manager]
	issued  atomic.Bool // manager has a certificate
}

// NewACME returns an ACME without certificates. Run gets them.
func NewACME(c ACMEConfig) (*ACME, error) {
	unnamed, err := selfSigned()
	if err != nil {
		return nil, err
	}
	a := &ACME{config: c, unnamed: unnamed}
	for _, name := range c.Domains {
		d := &domain{name: name}
		d.manager.Store(newManager(c, name))
		a.domains = append(a.domains, d)
	}
	c.Metrics.MustRegister(expiries(a.expiries))
	return a, nil
}

// Run gets the certificates, logs and retries failures, and monitors renewals until ctx ends. An order that is in
// progress then continues until it is done or the process ends.
func (a *ACME) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, d := range a.domains {
		wg.Go(func() {
			if a.obtain(ctx, d) {
				a.watch(ctx, d)
			}
		})
	}
	wg.Wait()
}

// TLSConfig returns a TLS configuration that serves the certificates and answers tls-alpn-01 challenges (RFC 8737).
func (a *ACME) TLSConfig() *tls.Config {
	c := tlsConfig(a.certificate)
	c.NextProtos = append(c.NextProtos, acme.ALPNProto)
	return c
}

// HTTPHandler answers http-01 challenges (RFC 8555, section 8.3), and passes other requests on to next.
func (a *ACME) HTTPHandler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if d := a.domain(host); d != nil && strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			d.manager.Load().challenges.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *ACME) domain(name string) *domain {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	i := slices.IndexFunc(a.domains, func(d *domain) bool { return d.name == name })
	if i < 0 {
		return nil
	}
	return a.domains[i]
}

// certificate implements tls.Config.GetCertificate. Clients that name no domain, such as the health check on this
// machine, get the first domain's certificate, or a self-signed one.
func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	d := a.domain(hello.ServerName)
	if hello.ServerName == "" {
		if d = a.domains[0]; !d.issued.Load() {
			return a.unnamed, nil
		}
	}
	switch {
	case d == nil:
		return nil, fmt.Errorf("%q is not a domain of this server", hello.ServerName)
	case slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}):
		return d.manager.Load().GetCertificate(hello)
	case !d.issued.Load():
		return nil, fmt.Errorf("there is no certificate for %s yet", d.name)
	default:
		return d.get()
	}
}

// get returns the certificate, from memory if it was issued. Otherwise it loads it from the store or orders one, which
// may take minutes.
func (d *domain) get() (*tls.Certificate, error) {
	// Always request an ECDSA certificate. For a client without ECDSA, autocert would order an RSA certificate during
	// the handshake.
	return d.manager.Load().GetCertificate(&tls.ClientHelloInfo{
		ServerName:   d.name,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	})
}

func (a *ACME) expiries() map[string]time.Time {
	all := make(map[string]time.Time)
	for _, d := range a.domains {
		all[d.name] = time.Time{}
		if d.issued.Load() {
			if cert, err := d.get(); err == nil {
				all[d.name] = cert.Leaf.NotAfter
			}
		}
	}
	return all
}

// obtain retries until there is a certificate, and reports false if ctx ends before.
func (a *ACME) obtain(ctx context.Context, d *domain) bool {
	for try := 1; ; try++ {
		before := a.saved(ctx, d)
		cert, err := a.order(ctx, d)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			d.issued.Store(true)
			a.config.Log.Info("the certificate is ready", "domain", d.name, "expires", cert.Leaf.NotAfter)
			return true
		}
		wait, check := a.advise(err, try)
		if reasons := d.manager.Load().notes.take(); reasons != "" {
			err = errors.New(reasons) // more specific than autocert's error
		}
		a.config.Log.Warn("getting a certificate failed; "+check,
			"domain", d.name, "try", try, "error", err, "next_try_in", wait.String())
		// A manager caches its failure for a minute.
		d.manager.Store(newManager(a.config, d.name))
		if !a.pause(ctx, d, wait, before) {
			return false
		}
	}
}

// pause waits for the next try, or until another server on the database has saved a certificate other than before,
// which may have expired. It reports false if ctx ends.
func (a *ACME) pause(ctx context.Context, d *domain, wait time.Duration, before []byte) bool {
	for end := time.Now().Add(wait); time.Now().Before(end); {
		if sleep.For(ctx, min(5*time.Second, time.Until(end))) != nil {
			return false
		}
		if now := a.saved(ctx, d); now != nil && !bytes.Equal(now, before) {
			break
		}
	}
	return true
}

// saved returns the certificate of d in the store as autocert encodes it, or nil if there is none or the store fails.
func (a *ACME) saved(ctx context.Context, d *domain) []byte {
	data, err := a.config.Store.LoadACME(ctx, a.config.cacheName(d.name))
	if err != nil {
		return nil
	}
	return data
}

// order gets a certificate, but does not wait longer than ctx.
func (a *ACME) order(ctx context.Context, d *domain) (*tls.Certificate, error) {
	type result struct {
		cert *tls.Certificate
		err  error
	}
	done := make(chan result, 1)
	go func() {
		cert, err := d.get()
		done <- result{cert, err}
	}()
	select {
	case r := <-done:
		return r.cert, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// advise returns how long to wait after a failed try, and what an operator should check. It waits longer if the ACME
// server refuses: Let's Encrypt allows five failed validations of a name per hour.
func (a *ACME) advise(err error, try int) (wait time.Duration, check string) {
	first, most := time.Minute, time.Hour
	where := "port 443"
	if a.config.HTTP01 {
		where = "port 80 or port 443"
	}
	check = "check that the domain's DNS records point to this server, and that the internet reaches it on " + where
	_, unreachable := errors.AsType[*url.Error](err)
	switch {
	case errors.Is(err, errStore):
		first, most, check = 5*time.Second, time.Minute, "check the database"
	case errors.Is(err, errBusy):
		first, most, check = 5*time.Second, time.Minute, "it will have its turn"
	case unreachable || errors.Is(err, context.DeadlineExceeded):
		first, most = 5*time.Second, 5*time.Minute
		check = "check that this machine reaches " + a.config.Directory + " and trusts its certificate"
	}
	wait = min(first<<min(try-1, 10), most)
	return wait + rand.N(wait/10), check // keeps replicas from trying at the same moment
}

// watch logs renewals, which autocert does by itself, and logs an error every hour if one is overdue.
func (a *ACME) watch(ctx context.Context, d *domain) {
	var leaf *x509.Certificate
	var warned time.Time
	for {
		cert, err := d.get()
		switch {
		case err != nil: // can't happen: the certificate was issued
			a.config.Log.Error("the certificate is gone", "domain", d.name, "error", err)
			return
		case leaf != nil && !cert.Leaf.Equal(leaf):
			a.config.Log.Info("the certificate was renewed", "domain", d.name, "expires", cert.Leaf.NotAfter)
		case isOverdue(cert.Leaf) && time.Since(warned) > time.Hour:
			warned = time.Now()
			_, check := a.advise(nil, 1)
			a.config.Log.Error("renewing the certificate has failed so far; "+check, "domain", d.name,
				"expires", cert.Leaf.NotAfter, "error", d.manager.Load().notes.take())
		}
		leaf = cert.Leaf
		if sleep.For(ctx, min(time.Minute, lifetime(leaf)/10)) != nil {
			return
		}
	}
}

func lifetime(leaf *x509.Certificate) time.Duration { return leaf.NotAfter.Sub(leaf.NotBefore) }

// isOverdue reports whether less than a quarter of the lifetime, or of 90 days, is left. Renewal begins at a third.
func isOverdue(leaf *x509.Certificate) bool {
	return time.Until(leaf.NotAfter) < min(lifetime(leaf), 90*24*time.Hour)/4
}
