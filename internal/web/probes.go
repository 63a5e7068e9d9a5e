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

// probeTimeout is how long the database may take to prove that it is ready: less
// than those who probe usually wait.
const probeTimeout = 2 * time.Second

// healthz says that the process answers.
func (s *site) healthz(w http.ResponseWriter, r *http.Request) error {
	plain(w, http.StatusOK, "alive")
	return nil
}

// readyz says whether requests can be served: the database is reachable and
// its schema is right.
func (s *site) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		why := "The database cannot be used now; the log says why."
		if e, ok := errors.AsType[*registry.Error](err); ok {
			why = e.Message
		}
		exchangeOf(w).note(slog.String("error", err.Error()))
		plain(w, http.StatusServiceUnavailable, "not ready: "+why)
		return nil
	}
	plain(w, http.StatusOK, "ready")
	return nil
}

func plain(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, line) // a client that is gone reads nothing
}
