package web

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAnAnswerThatPanickedIsNotComplete panics after a part of an answer. The client must not take it for all of it.
func TestAnAnswerThatPanickedIsNotComplete(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &site{log: slog.New(slog.NewJSONHandler(&log, nil)), metrics: newMetrics(prometheus.NewRegistry())}
	server := httptest.NewServer(s.observe(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("broken")
	})))
	defer server.Close()
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v; want an error", body, err)
	}
	server.Close() // after the handler
	if !strings.Contains(log.String(), "panic: broken") {
		t.Errorf("the log has %s", &log)
	}
}
