package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/registry"
)

// An exchange is the ResponseWriter of every handler. It collects what the request's log event says.
type exchange struct {
	http.ResponseWriter
	code  int
	bytes int64
	id    string
	attrs []slog.Attr

	limited error // the form is rate-limited: registerPet answers with this error and what was typed
}

// exchangeOf returns w as the exchange that observe made of it. No other middleware may wrap w.
func exchangeOf(w http.ResponseWriter) *exchange { return w.(*exchange) }

func (x *exchange) note(attrs ...slog.Attr) { x.attrs = append(x.attrs, attrs...) }

// observe is the outermost middleware. It counts and logs each request when it is done, also after a panic.
func (s *site) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		x := &exchange{ResponseWriter: w, id: strconv.FormatUint(rand.Uint64(), 32)}
		w.Header()["X-Request-Id"] = []string{x.id}
		s.metrics.inFlight.Inc()

		defer func() {
			begun, v := false, recover()
			if v != nil {
				x.note(slog.String("stack", string(debug.Stack())))
				begun = s.failPanic(x, r, v)
			}
			s.metrics.inFlight.Dec()
			took := time.Since(start)
			s.metrics.observe(r.Pattern, x.status(), took)
			s.logRequest(x, r, took)
			if begun {
				panic(http.ErrAbortHandler) // so that the client does not take a part of the answer for all of it
			}
		}()
		next.ServeHTTP(x, r)
	})
}

// failPanic answers after a panic, and reports whether the answer had begun before.
func (s *site) failPanic(x *exchange, r *http.Request, v any) (begun bool) {
	err := fmt.Errorf("panic: %v", v)
	if x.code != 0 { // the answer has begun
		x.note(slog.String("error", err.Error()))
		x.code = http.StatusInternalServerError
		return true
	}
	s.fail(x, r, err)
	return false
}

func (s *site) logRequest(x *exchange, r *http.Request, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case x.status() == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case x.status() >= 500:
		level = slog.LevelError
	case r.Pattern == "GET /healthz", r.Pattern == "GET /readyz", r.Pattern == patternCheck && x.status() == http.StatusOK:
		level = slog.LevelDebug // frequent, and counted by metrics
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
		slog.String("client", clientAddr(r, s.trusted).String()),
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

// register registers a pet for a visitor, and counts and logs the result.
func (s *site) register(
	w http.ResponseWriter, r *http.Request, via registry.Via, a registry.Application,
) (registry.Decision, error) {
	d, err := s.registry.WithOrigin(via, "", "").Register(r.Context(), a)
	result := cmp.Or(string(d.Code), "registered")
	if err != nil {
		result = string(resultCode(err))
	}
	s.metrics.registrations.WithLabelValues(result).Inc()
	exchangeOf(w).note(slog.String("registration", result))
	return d, err
}

// codeGone is counted for a client that disconnected before the answer.
const codeGone registry.Code = "client_gone"

// resultCode returns the code of err. The end of a context is not an internal error.
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

// metrics are the site's metrics. Their labels are patterns and codes, never what a client sends, which bounds their
// number.
type metrics struct {
	inFlight      prometheus.Gauge
	requests      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	registrations *prometheus.CounterVec
	checks        map[string]prometheus.Counter

	// The metrics of answered checks. To look them up for each check would take 2 % of its CPU time: see parsePlain.
	checked   prometheus.Counter
	checkTime prometheus.Observer
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nametag_http_requests_in_flight", Help: "Requests being served now."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nametag_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "nametag_http_request_duration_seconds",
			Help:    "Time from a request's header to the end of its answer, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		registrations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nametag_registrations_total", Help: "Registrations asked for, by result."}, []string{"result"}),
		checks: make(map[string]prometheus.Counter),
	}
	checks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nametag_checks_total", Help: "Names checked, by verdict."}, []string{"verdict"})
	for _, status := range []string{statusAvailable, string(registry.CodeTaken), string(registry.CodeSimilar),
		string(registry.CodeReserved), statusNotAllowed} {
		m.checks[status] = checks.WithLabelValues(status)
	}
	m.checked, m.checkTime = m.requests.WithLabelValues(patternCheck, "200"), m.duration.WithLabelValues(patternCheck)
	reg.MustRegister(m.inFlight, m.requests, m.duration, m.registrations, checks)
	return m
}

// observe counts a request that the route with this pattern answered.
func (m *metrics) observe(pattern string, status int, took time.Duration) {
	switch {
	case pattern == patternCheck && status == http.StatusOK:
		m.checked.Inc()
		m.checkTime.Observe(took.Seconds())
		return
	case pattern == "", pattern == noRoute:
		pattern = "none"
	}
	m.requests.WithLabelValues(pattern, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(pattern).Observe(took.Seconds())
}
