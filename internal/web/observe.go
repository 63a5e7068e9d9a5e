package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nametag"
)

// requestInfo is what is noted of a request on its way, for the one event that
// is logged of it, and of its answer. It is the request's context, and one of its
// values.
type requestInfo struct {
	context.Context
	answer recorder
	ids    [1]string // its id, as the value of a header
	client netip.Addr
	attrs  []slog.Attr

	// limited is why a form must not be registered now; the form's handler
	// answers with it, and with what was typed.
	limited error
}

func (i *requestInfo) add(attrs ...slog.Attr) { i.attrs = append(i.attrs, attrs...) }

type infoKey struct{}

// Value implements context.Context.
func (i *requestInfo) Value(key any) any {
	if key == (infoKey{}) {
		return i
	}
	return i.Context.Value(key)
}

func infoOf(r *http.Request) *requestInfo {
	return r.Context().Value(infoKey{}).(*requestInfo)
}

// observe is the outermost layer: it counts and logs a request when it is done,
// whatever became of it.
func (s *site) observe(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		info := &requestInfo{Context: r.Context(), answer: recorder{ResponseWriter: w}, ids: [1]string{rand.Text()[:12]}, client: clientAddr(r, trusted)}
		r = r.WithContext(info)
		rec := &info.answer
		w.Header()["X-Request-Id"] = info.ids[:]
		s.metrics.inFlight.Inc()

		defer func() {
			if v := recover(); v != nil {
				info.add(slog.String("stack", string(debug.Stack())))
				s.failPanic(rec, r, v)
			}
			s.metrics.inFlight.Dec()
			took := time.Since(start)
			s.metrics.observe(r, rec.status(), took)
			s.logRequest(r, rec, info, took)
		}()
		next.ServeHTTP(rec, r)
	})
}

func (s *site) failPanic(rec *recorder, r *http.Request, v any) {
	err := fmt.Errorf("panic: %v", v)
	if rec.code != 0 { // too late for another answer
		infoOf(r).add(slog.String("error", err.Error()))
		rec.code = http.StatusInternalServerError
		return
	}
	s.fail(rec, r, err)
}

func (s *site) logRequest(r *http.Request, rec *recorder, info *requestInfo, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case rec.status() == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case rec.status() >= 500:
		level = slog.LevelError
	case r.Pattern == "GET /healthz", r.Pattern == "GET /readyz", r.Pattern == patternCheck && rec.status() == http.StatusOK:
		level = slog.LevelDebug // there are many of them, and metrics count them
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	attrs := append([]slog.Attr{
		slog.String("id", info.ids[0]),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", rec.status()),
		slog.Int64("bytes", rec.bytes),
		slog.Float64("seconds", took.Seconds()),
		slog.String("client", info.client.String()),
	}, info.attrs...)
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// A recorder notes what is answered.
type recorder struct {
	http.ResponseWriter
	code  int
	bytes int64
}

func (rec *recorder) WriteHeader(code int) {
	if rec.code == 0 {
		rec.code = code
	}
	rec.ResponseWriter.WriteHeader(code)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.code == 0 {
		rec.code = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(b)
	rec.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

func (rec *recorder) status() int {
	if rec.code == 0 {
		return http.StatusOK
	}
	return rec.code
}

// register registers through the registry, as a visitor who comes by via, and
// counts and notes the result.
func (s *site) register(r *http.Request, via nametag.Via, a nametag.Application) (nametag.Pet, error) {
	pet, err := s.registry.As(via, "", "").Register(r.Context(), a)
	result := "registered"
	if err != nil {
		result = string(resultCode(err))
	}
	s.metrics.registrations.WithLabelValues(result).Inc()
	infoOf(r).add(slog.String("registration", result))
	return pet, err
}

// codeGone is counted for a client that hung up before its answer.
const codeGone nametag.Code = "client_gone"

// resultCode returns the code of err, in which contexts that ended are no
// defects of ours.
func resultCode(err error) nametag.Code {
	switch {
	case errors.Is(err, context.Canceled):
		return codeGone
	case errors.Is(err, context.DeadlineExceeded):
		return nametag.CodeUnavailable
	default:
		return nametag.ErrorCode(err)
	}
}

// check asks the registry, also for the pets that are in the way, and counts the
// verdicts.
func (s *site) check(r *http.Request, names ...string) ([]nametag.Verdict, error) {
	verdicts, err := s.registry.Check(r.Context(), names...)
	s.registry.Explain(r.Context(), verdicts)
	for _, v := range verdicts {
		s.metrics.checks[v.Status].Inc()
	}
	return verdicts, err
}

// suggest returns the verdict on one name, with others that could be had instead
// and, if it is to be explained, the pet that is in the way.
func (s *site) suggest(r *http.Request, explained bool, a nametag.Application) (verdictJSON, error) {
	v, err := s.registry.Suggest(r.Context(), a)
	if err != nil {
		return verdictJSON{}, err
	}
	if explained {
		verdicts := []nametag.Verdict{v}
		s.registry.Explain(r.Context(), verdicts)
		v = verdicts[0]
	}
	s.metrics.checks[v.Status].Inc()
	told := newVerdictJSON(a.Name, v)
	if !told.Available {
		told.Suggestions = texts(v.Suggestions)
	}
	return told, nil
}

// metrics are the site's. Labels come from patterns and codes, never from what
// a client sends, so that they stay few.
type metrics struct {
	inFlight      prometheus.Gauge
	requests      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	registrations *prometheus.CounterVec
	checks        map[nametag.Status]prometheus.Counter
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
		checks: make(map[nametag.Status]prometheus.Counter),
	}
	checks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nametag_checks_total", Help: "Names checked, by verdict."}, []string{"verdict"})
	for _, verdict := range []nametag.Status{nametag.Available, nametag.Taken, nametag.Similar, nametag.ReservedNow, nametag.NotAllowed} {
		m.checks[verdict] = checks.WithLabelValues(string(verdict))
	}
	reg.MustRegister(m.inFlight, m.requests, m.duration, m.registrations, checks)
	return m
}

func (m *metrics) observe(r *http.Request, status int, took time.Duration) {
	route := r.Pattern
	if route == "" || route == noRoute {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
}
