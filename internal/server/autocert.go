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

// A manager is autocert for one domain.
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
		// No HostPolicy: ACME asks for its own domains only. No RenewBefore: a
		// third of the lifetime, and at most 30 days, suits short-lived ones too.
	}
	challenges := http.NotFoundHandler()
	if c.HTTP01 {
		challenges = m.HTTPHandler(challenges) // which has autocert try http-01
	}
	return &manager{m, challenges, n}
}

// retryBackoff has a request tried again within an order a few times, but not
// one of too many: those wait for the next try.
func retryBackoff(n int, _ *http.Request, res *http.Response) time.Duration {
	if n > 5 || res.StatusCode == http.StatusTooManyRequests {
		return 0
	}
	return time.Duration(n) * time.Second / 2
}

// An ACMEStore keeps what must outlive the process, and what servers on one
// database share: the key of the account at the ACME server, certificates with
// their private keys, and answers to challenges. Its methods may be called by
// several goroutines, and several servers, at once; whoever saves last wins.
type ACMEStore interface {
	// LoadACME returns what was saved last under name, or nil if there is
	// nothing.
	LoadACME(ctx context.Context, name string) ([]byte, error)

	// SaveACME saves data, which is not empty, in place of what was there. When
	// it returns nil, the data is on disk.
	SaveACME(ctx context.Context, name string, data []byte) error

	// DeleteACME deletes what is there, if there is anything.
	DeleteACME(ctx context.Context, name string) error

	// LockACME waits until no server on the database holds the lock, or until ctx
	// ends, and holds it until unlock is called or the process dies. It may last
	// minutes.
	LockACME(ctx context.Context) (unlock func(), err error)
}

// errStore stands for the store's errors, which are logged where they come up:
// autocert drops some, and shows others to whoever asks for a challenge.
var errStore = errors.New("the database can't be used now; the log says why")

// cacheName returns the name in the store for a key of autocert's. It differs
// from one ACME server to another.
func (c ACMEConfig) cacheName(key string) string { return c.Directory + " " + key }

// An acmeCache is a manager's view of an ACMEStore.
type acmeCache struct {
	config ACMEConfig
	domain string
	loaded atomic.Bool // the manager has asked for the certificate before
}

func (c *acmeCache) judge(doing string, err error) error {
	if err == nil {
		return nil
	}
	c.config.Log.Error(doing+" what getting certificates needs failed", "error", err)
	return errStore
}

// Get implements autocert.Cache. A manager asks for its certificate before it
// orders one, at the start and for each renewal, with a context that ends when
// the order does. So Get holds the lock until then, and looks for what another
// server has ordered when it has the lock. Only a certificate that is valid at the
// start needs no lock.
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
	if err = c.judge("locking", err); err != nil {
		if renews {
			<-ctx.Done() // autocert would order in spite of the error
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
	return data, c.judge("loading", err)
}

// Put implements autocert.Cache.
func (c *acmeCache) Put(ctx context.Context, key string, data []byte) error {
	return c.judge("saving", c.config.Store.SaveACME(ctx, c.config.cacheName(key), data))
}

// Delete implements autocert.Cache.
func (c *acmeCache) Delete(ctx context.Context, key string) error {
	return c.judge("deleting", c.config.Store.DeleteACME(ctx, c.config.cacheName(key)))
}

// notes is a transport that notes why the ACME server found challenges invalid
// (RFC 8555, section 8): autocert goes on to the next kind of challenge and
// says in the end only that none is left.
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

// take returns the notes and forgets them.
func (n *notes) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.reasons = nil }()
	return strings.Join(n.reasons, "; ")
}
