package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/registry"
)

// An exchange is the answer to a request on its way, and what is noted of both for
// the one event that is logged of them. It is the ResponseWriter of every handler.
type exchange struct {
	http.ResponseWriter
	code  int
	bytes int64
	id    string
	peer  netip.Addr // the client's, once it was asked for
	attrs []slog.Attr

	// limited is why a form must not be registered now; the form's handler
	// answers with it, and with what was typed.
	limited error
}

// exchangeOf returns the exchange that a handler was given: no layer between wraps
// it.
func exchangeOf(w http.ResponseWriter) *exchange { return w.(*exchange) }

// client returns the address of the client behind r, which is answered by x.
func (s *site) client(x *exchange, r *http.Request) netip.Addr {
	if !x.peer.IsValid() {
		x.peer = clientAddr(r, s.trusted)
	}
	return x.peer
}

func (x *exchange) note(attrs ...slog.Attr) { x.attrs = append(x.attrs, attrs...) }

// newID returns an id that tells a request from others in a log.
func newID() string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	var id [12]byte
	bits := rand.Uint64()
	for i := range id {
		id[i] = digits[bits%32]
		bits /= 32
	}
	return string(id[:])
}

// observe is the outermost layer: it counts and logs a request when it is done,
// whatever became of it.
func (s *site) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		x := &exchange{ResponseWriter: w, id: newID()}
		w.Header().Set("X-Request-Id", x.id)
		s.metrics.inFlight.Inc()

		defer func() {
			if v := recover(); v != nil {
				x.note(slog.String("stack", string(debug.Stack())))
				s.failPanic(x, r, v)
			}
			s.metrics.inFlight.Dec()
			took := time.Since(start)
			s.metrics.observe(r.Pattern, x.status(), took)
			s.logRequest(x, r, took)
		}()
		next.ServeHTTP(x, r)
	})
}

func (s *site) failPanic(x *exchange, r *http.Request, v any) {
	err := fmt.Errorf("panic: %v", v)
	if x.code != 0 { // too late for another answer
		x.note(slog.String("error", err.Error()))
		x.code = http.StatusInternalServerError
		return
	}
	s.fail(x, r, err)
}

func (s *site) logRequest(x *exchange, r *http.Request, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case x.status() == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case x.status() >= 500:
		level = slog.LevelError
	case r.Pattern == "GET /healthz", r.Pattern == "GET /readyz":
		level = slog.LevelDebug // there are many of them, and metrics count them
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	attrs := append([]slog.Attr{
		slog.String("id", x.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", x.status()),
		slog.Int64("bytes", x.bytes),
		slog.Float64("seconds", took.Seconds()),
		slog.String("client", s.client(x, r).String()),
	}, x.attrs...)
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(code int) {
	if x.code == 0 {
		x.code = code
	}
	x.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(b []byte) (int, error) {
	if x.code == 0 {
		x.code = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *exchange) status() int {
	if x.code == 0 {
		return http.StatusOK
	}
	return x.code
}

// register registers through the registry, as a visitor who comes by via, and
// counts and logs the result.
func (s *site) register(w http.ResponseWriter, r *http.Request, via registry.Via, a registry.Application) (registry.Decision, error) {
	d, err := s.registry.WithOrigin(via, "", "").Register(r.Context(), a)
	result := cmp.Or(string(d.Code), "registered")
	if err != nil {
		result = string(resultCode(err))
	}
	s.metrics.registrations.WithLabelValues(result).Inc()
	exchangeOf(w).note(slog.String("registration", result))
	return d, err
}

// codeGone is counted for a client that closed the connection before its answer.
const codeGone registry.Code = "client_gone"

// resultCode returns the code of err. A context that ended is not a defect.
func resultCode(err error) registry.Code {
	switch {
	case errors.Is(err, context.Canceled):
		return codeGone
	case errors.Is(err, context.DeadlineExceeded):
		return registry.CodeUnavailable
	default:
		return registry.ErrorCode(err)
	}
}

// check asks the registry about names and their rivals, and counts the decisions.
func (s *site) check(r *http.Request, names ...string) ([]registry.Decision, error) {
	decisions, err := s.registry.Check(r.Context(), names...)
	s.registry.Explain(r.Context(), decisions)
	for _, d := range decisions {
		s.metrics.checks[statusOf(d)].Inc()
	}
	return decisions, err
}

// suggest asks the registry about the name of a, for names that are available
// instead and, if withRival is set, for the rival.
func (s *site) suggest(r *http.Request, withRival bool, a registry.Application) (checkJSON, error) {
	d, err := s.registry.Suggest(r.Context(), a)
	if err != nil {
		return checkJSON{}, err
	}
	if withRival {
		decisions := []registry.Decision{d}
		s.registry.Explain(r.Context(), decisions)
		d = decisions[0]
	}
	s.metrics.checks[statusOf(d)].Inc()
	c := newCheckJSON(a.Name, d)
	if !c.Available {
		c.Suggestions = texts(d.Suggestions)
	}
	return c, nil
}

// metrics are the site's. Labels come from patterns and codes, never from what
// a client sends, so that they stay few.
type metrics struct {
	inFlight      prometheus.Gauge
	requests      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	registrations *prometheus.CounterVec
	checks        map[string]prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nametag_http_requests_in_flight", Help: "Requests being served now."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nametag_http_requests_total", Help: "Requests answered, by route and status."}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nametag_http_request_duration_seconds", Help: "Time from a request's header to the end of its answer, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"route"}),
		registrations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nametag_registrations_total", Help: "Registrations asked for, by result."}, []string{"result"}),
		checks: make(map[string]prometheus.Counter),
	}
	checks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nametag_checks_total", Help: "Names checked, by verdict."}, []string{"verdict"})
	for _, status := range []string{statusAvailable, string(registry.CodeTaken), string(registry.CodeSimilar), string(registry.CodeReserved), statusNotAllowed} {
		m.checks[status] = checks.WithLabelValues(status)
	}
	reg.MustRegister(m.inFlight, m.requests, m.duration, m.registrations, checks)
	return m
}

// observe counts a request that the route with this pattern has answered.
func (m *metrics) observe(pattern string, status int, took time.Duration) {
	if pattern == "" || pattern == noRoute {
		pattern = "none"
	}
	m.requests.WithLabelValues(pattern, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(pattern).Observe(took.Seconds())
}
