package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"nametag/internal/registry"
)

// probeTimeout bounds the check of the database. It is shorter than the usual timeouts of probes.
const probeTimeout = 2 * time.Second

// healthz answers as long as the process is alive.
func (s *site) healthz(w http.ResponseWriter, r *http.Request) error {
	plain(w, http.StatusOK, "alive")
	return nil
}

// readyz reports whether the server can serve requests: the database is reachable and its schema matches the program.
func (s *site) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		message := "The database cannot be used now; the log says why."
		if e, ok := errors.AsType[*registry.Error](err); ok {
			message = e.Message
		}
		exchangeOf(w).note(slog.String("error", err.Error()))
		plain(w, http.StatusServiceUnavailable, "not ready: "+message)
		return nil
	}
	plain(w, http.StatusOK, "ready")
	return nil
}

// plain answers with a line of text.
func plain(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, line) // a disconnected client reads nothing
}
