package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// A manager is an autocert.Manager for one domain.
type manager struct {
	*autocert.Manager
	challenges http.Handler // answers http-01
	notes      *notes
}

// acmeTimeout is how long the ACME server may take to answer one request.
const acmeTimeout = 30 * time.Second

func newManager(c ACMEConfig, domain string) *manager {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
	n := &notes{next: transport}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS,
		Cache:  &acmeCache{config: c, domain: domain},
		Email:  c.Email,
		Client: &acme.Client{
			DirectoryURL: c.Directory,
			HTTPClient:   &http.Client{Transport: n, Timeout: acmeTimeout},
			RetryBackoff: retryBackoff,
			UserAgent:    "nametag",
		},
		// HostPolicy is not needed because ACME passes only its own domains. The default of RenewBefore, a third of
		// the lifetime and at most 30 days, also suits short-lived certificates.
	}
	challenges := http.NotFoundHandler()
	if c.HTTP01 {
		challenges = m.HTTPHandler(challenges) // enables http-01 in autocert
	}
	return &manager{m, challenges, n}
}

// retryBackoff retries a request of an order a few times, but not one that is rate-limited: that waits for the next
// order.
func retryBackoff(n int, _ *http.Request, res *http.Response) time.Duration {
	if n > 5 || res.StatusCode == http.StatusTooManyRequests {
		return 0
	}
	return time.Duration(n) * time.Second / 2
}

// An ACMEStore stores what must outlive the process and what the servers on one database share: the ACME account's key,
// certificates with their private keys, and answers to challenges. Its methods are safe for concurrent use by several
// goroutines and servers; the last save wins.
type ACMEStore interface {
	// LoadACME returns what was saved last under name, or nil if there is nothing.
	LoadACME(ctx context.Context, name string) ([]byte, error)

	// SaveACME saves data, which is not empty, under name and replaces what was there. When it returns nil, the data is
	// on disk.
	SaveACME(ctx context.Context, name string, data []byte) error

	// DeleteACME deletes what was saved under name, if anything.
	DeleteACME(ctx context.Context, name string) error

	// LockACME acquires a lock that is shared by all servers on the database. It waits until the lock is free or ctx
	// ends, which may take minutes. The lock is released by unlock or when the process dies.
	LockACME(ctx context.Context) (unlock func(), err error)
}

// errStore replaces the store's errors, which are logged where they occur: autocert drops some and sends others to the
// clients that request challenges.
var errStore = errors.New("the database cannot be used now; the log says why")

// errBusy means that the lock was not free while autocert waited for it.
var errBusy = errors.New("another server or domain is ordering a certificate")

// cacheName returns the name in the store for a key of autocert. Each ACME server has its own names.
func (c ACMEConfig) cacheName(key string) string { return c.Directory + " " + key }

// An acmeCache is a manager's view of an ACMEStore.
type acmeCache struct {
	config ACMEConfig
	domain string
	loaded atomic.Bool // the manager has requested the certificate before
}

// logged logs err, an error of the store in doing something, and returns errStore.
func (c *acmeCache) logged(doing string, err error) error {
	if err == nil {
		return nil
	}
	c.config.Log.Error(doing+" ACME data failed", "error", err)
	return errStore
}

// Get implements autocert.Cache. A manager requests its certificate before it orders one, at the start and for each
// renewal, with a context that ends when the order does. Get therefore holds the lock until then, and loads the
// certificate after it has acquired the lock, when another server may have ordered one. Only a certificate that is
// valid at the start needs no lock.
func (c *acmeCache) Get(ctx context.Context, key string) ([]byte, error) {
	if key != c.domain {
		return c.load(ctx, key)
	}
	renews := c.loaded.Swap(true)
	if !renews {
		if data, err := c.load(ctx, key); err == nil && isValid(data) {
			return data, nil
		}
	}
	unlock, err := c.config.Store.LockACME(ctx)
	if err != nil && ctx.Err() != nil {
		err = errBusy
	} else {
		err = c.logged("locking", err)
	}
	if err != nil {
		if renews {
			<-ctx.Done() // autocert would order despite the error
		}
		return nil, err
	}
	context.AfterFunc(ctx, unlock)
	return c.load(ctx, key)
}

func isValid(data []byte) bool {
	cert, err := tls.X509KeyPair(data, data)
	return err == nil && time.Now().Before(cert.Leaf.NotAfter)
}

func (c *acmeCache) load(ctx context.Context, key string) ([]byte, error) {
	data, err := c.config.Store.LoadACME(ctx, c.config.cacheName(key))
	if err == nil && data == nil {
		return nil, autocert.ErrCacheMiss
	}
	return data, c.logged("loading", err)
}

// Put implements autocert.Cache.
func (c *acmeCache) Put(ctx context.Context, key string, data []byte) error {
	return c.logged("saving", c.config.Store.SaveACME(ctx, c.config.cacheName(key), data))
}

// Delete implements autocert.Cache.
func (c *acmeCache) Delete(ctx context.Context, key string) error {
	return c.logged("deleting", c.config.Store.DeleteACME(ctx, c.config.cacheName(key)))
}

// notes is a transport that records why the ACME server found challenges invalid (RFC 8555, section 8). The errors of
// autocert leave that out: it tries the next type of challenge and finally reports that none is left.
type notes struct {
	next http.RoundTripper

	mu      sync.Mutex
	reasons []string
}

// RoundTrip implements http.RoundTripper.
func (n *notes) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := n.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	var authorization struct {
		Status     string
		Challenges []struct {
			Type  string
			Error struct{ Detail string }
		}
	}
	if json.Unmarshal(body, &authorization) == nil && authorization.Status == acme.StatusInvalid {
		for _, c := range authorization.Challenges {
			if c.Error.Detail != "" {
				n.add(c.Type + ": " + c.Error.Detail)
			}
		}
	}
	return res, nil
}

func (n *notes) add(reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.reasons) < 10 {
		n.reasons = append(n.reasons, reason)
	}
}

// take returns the recorded reasons and clears them.
func (n *notes) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.reasons = nil }()
	return strings.Join(n.reasons, "; ")
}
