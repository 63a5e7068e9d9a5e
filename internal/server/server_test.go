package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/server"
)

// A running is a server that Run serves in the background.
type running struct {
	url  string
	stop context.CancelFunc
	done chan error // gets the result of Run
}

func start(t *testing.T, c server.Config) running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	c.Listener, c.Log = l, slog.New(slog.DiscardHandler)
	r := running{"http://" + l.Addr().String(), stop, make(chan error, 1)}
	go func() { r.done <- server.Run(ctx, c) }()
	return r
}

// request starts a request and returns when the handler has begun it.
func request(t *testing.T, url string, entered <-chan struct{}) <-chan error {
	t.Helper()
	answered := make(chan error, 1)
	go func() {
		res, err := http.Get(url)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		answered <- err
	}()
	<-entered
	return answered
}

// blocking returns a handler that closes entered and answers after release is closed.
func blocking() (h http.HandlerFunc, entered, release chan struct{}) {
	entered, release = make(chan struct{}), make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		io.WriteString(w, "done")
	}, entered, release
}

func TestShutdownFinishesActiveRequests(t *testing.T) {
	t.Parallel()
	h, entered, release := blocking()
	draining := make(chan struct{})
	r := start(t, server.Config{Handler: h, ShutdownTimeout: time.Minute, Draining: func() { close(draining) }})
	answered := request(t, r.url, entered)
	r.stop()
	<-draining
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("the active request got no answer: %v", err)
	}
	if err := <-r.done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := http.Get(r.url); err == nil {
		t.Error("the server still accepts after Run has returned")
	}
}

func TestShutdownCutsOffRequestsAfterItsTimeout(t *testing.T) {
	t.Parallel()
	h, entered, release := blocking()
	defer close(release)
	r := start(t, server.Config{Handler: h, ShutdownTimeout: time.Millisecond})
	answered := request(t, r.url, entered)
	r.stop()
	err := <-r.done
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("Run: %v, want an error that says that requests were cut off", err)
	}
	if err := <-answered; err == nil {
		t.Error("the request was answered, but the handler was blocked")
	}
}

func TestShutdownDelayKeepsAccepting(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	r := start(t, server.Config{Handler: h, ShutdownDelay: 2 * time.Second, ShutdownTimeout: time.Minute,
		Draining: func() { close(draining) }})
	r.stop()
	<-draining
	res, err := http.Get(r.url)
	if err != nil {
		t.Fatalf("a request during the delay: %v", err)
	}
	res.Body.Close()
	if err := <-r.done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestHeadersAreLimited(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{Handler: http.NotFoundHandler(), ShutdownTimeout: time.Minute})
	req, err := http.NewRequestWithContext(t.Context(), "GET", r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 64 KiB: %s", res.Status)
	}
	if res, err = http.Get(r.url); err != nil || res.StatusCode != http.StatusNotFound {
		t.Fatalf("the next request: %v", err)
	}
	res.Body.Close()
	r.stop()
	<-r.done
}

func TestRunReportsThatServingFailed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = server.Run(t.Context(), server.Config{Listener: l, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("Run on a closed listener: %v, want an error that names the address", err)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "nametag_test_total", Help: "A test."}))
	h := server.Admin(metrics)
	for path, want := range map[string]string{
		"/":                         "/metrics",
		"/metrics":                  "nametag_test_total 0",
		"/debug/pprof/":             "goroutine",
		"/debug/pprof/heap?debug=1": "heap profile",
		"/debug/pprof/cmdline":      "server",
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("GET %s: %d, and the answer should contain %q", path, rec.Code, want)
		}
	}
}
