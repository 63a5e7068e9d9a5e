// Package web is the registry's face: the pages for people, the two endpoints
// of the first version's contract, and the API under /api/v1.
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

// Config is what a site needs.
type Config struct {
	Registry *registry.Registry

	// Ready returns nil while requests can be served; /readyz asks it.
	Ready func(context.Context) error

	Log     *slog.Logger          // one event a request goes here
	Metrics prometheus.Registerer // the site registers its metrics here

	// RateLimit is how many requests a second each client may send, on
	// average; twice as many may come at once. 0 is no limit.
	RateLimit float64

	// TrustedProxies are the proxies whose word on the client's address, in
	// X-Forwarded-For, is believed. From anybody else the header is ignored.
	TrustedProxies []netip.Prefix

	// HTTPS, if it is not nil, has the site served over HTTPS alone.
	HTTPS *HTTPS
}

// requestTimeout bounds the work on one request, waiting for the database
// included.
const requestTimeout = 10 * time.Second

// New returns the handler of the whole site. It may serve any number of
// requests at once.
func New(c Config) http.Handler {
	s := &site{
		registry: c.Registry,
		trusted:  c.TrustedProxies,
		ready:    c.Ready,
		log:      c.Log,
		metrics:  newMetrics(c.Metrics),
		pages:    newPages(),
	}
	h := s.refuseCrossOrigin(s.routes())
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
	trusted  []netip.Prefix // the proxies whose word is believed
	ready    func(context.Context) error
	log      *slog.Logger
	metrics  *metrics
	pages    *pages
}
