// Package web serves the registry over HTTP: the pages, the two endpoints of the first version's contract, and the API
// under /api/v1.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/registry"
)

// Config configures a site.
type Config struct {
	Registry *registry.Registry

	// Ready returns nil while requests can be served. /readyz calls it.
	Ready func(context.Context) error

	Log     *slog.Logger          // gets one event per request
	Metrics prometheus.Registerer // the site registers its metrics here

	// RateLimit is how many requests per second each client may send on average, with bursts of twice as many. 0 means
	// no limit.
	RateLimit float64

	// TrustedProxies are the proxies whose X-Forwarded-For and X-Forwarded-Proto headers are trusted. From other clients
	// these headers are ignored.
	TrustedProxies []netip.Prefix

	// HTTPS, if not nil, makes the site HTTPS-only.
	HTTPS *HTTPS
}

// requestTimeout bounds the work on one request, including the wait for the database.
const requestTimeout = 10 * time.Second

// New returns the handler of the whole site.
func New(c Config) http.Handler {
	s := &site{
		registry: c.Registry,
		trusted:  c.TrustedProxies,
		ready:    c.Ready,
		log:      c.Log,
		metrics:  newMetrics(c.Metrics),
		pages:    newPages(),
	}
	h := s.refuseCrossOrigin(s.direct(s.routes()))
	if c.HTTPS != nil {
		h = c.HTTPS.require(c.TrustedProxies, h)
	}
	if c.RateLimit > 0 {
		h = s.limitRate(newLimiter(c.RateLimit, time.Now), h)
	}
	h = secureHeaders(h)
	h = s.observe(h)
	return h
}

type site struct {
	registry *registry.Registry
	trusted  []netip.Prefix // proxies
	ready    func(context.Context) error
	log      *slog.Logger
	metrics  *metrics
	pages    *pages
}
