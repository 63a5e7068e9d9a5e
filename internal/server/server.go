// Package server runs HTTP servers that have a limit on everything and stop
// gracefully.
package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// The limits of every server. They are for a program whose requests and
// answers are small; a page of a thousand pets is the largest.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	maxConnections    = 8192 // more wait in the system's queue until one ends
)

// Config says what Run serves, and how it ends.
type Config struct {
	Listener net.Listener
	Handler  http.Handler
	Log      *slog.Logger

	// TLS, if it is not nil, has the server speak HTTPS, with HTTP/2 if it is
	// among the protocols there.
	TLS *tls.Config

	// Draining, if it is not nil, is called once when the shutdown begins,
	// before the delay.
	Draining func()

	// ShutdownDelay is how long new connections are still accepted after the
	// shutdown has begun, so that load balancers can learn of it.
	ShutdownDelay time.Duration

	// ShutdownTimeout is how long requests under way may take to finish after
	// that; then their connections are closed.
	ShutdownTimeout time.Duration
}

// Run serves until ctx ends and then shuts down gracefully: it stops to
// accept, and every request under way gets its answer. The contexts of requests
// do not end with ctx. Run closes the listener; when it returns, no connection
// is left.
//
// The error is nil after a graceful shutdown. It is not nil when serving
// failed, or when requests had to be cut off.
func Run(ctx context.Context, c Config) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler:           c.Handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(errorLog{c.Log}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return base },
		TLSConfig:         c.TLS,
	}
	failed := make(chan error, 1)
	go func() {
		l := lazyListener{netutil.LimitListener(c.Listener, maxConnections)}
		if c.TLS != nil {
			failed <- srv.ServeTLS(l, "", "")
		} else {
			failed <- srv.Serve(l)
		}
	}()

	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", c.Listener.Addr(), errors.Join(err, srv.Close()))
	case <-ctx.Done():
	}
	if c.Draining != nil {
		c.Draining()
	}
	delay := time.NewTimer(c.ShutdownDelay)
	defer delay.Stop()
	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", c.Listener.Addr(), errors.Join(err, srv.Close()))
	case <-delay.C:
	}
	err := shutdown(base, srv, c.ShutdownTimeout)
	<-failed //nolint:errcheck // Serve closes the listener, even if it had not begun when the shutdown did
	return err
}

// RunAll runs servers side by side until ctx ends or one of them fails, and
// then shuts all of them down as Run does. The error is that of all of them.
func RunAll(ctx context.Context, configs ...Config) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(configs))
	var wg sync.WaitGroup
	for i, c := range configs {
		wg.Go(func() {
			defer stop()
			errs[i] = Run(ctx, c)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// errorLog is where http.Server writes: at the level warn, or debug where a
// handshake failed, which scanners make happen all day.
type errorLog struct{ log *slog.Logger }

func (e errorLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		level = slog.LevelDebug
	}
	e.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}

func shutdown(ctx context.Context, srv *http.Server, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return fmt.Errorf("requests that were still under way after %s were cut off: %w", timeout, errors.Join(err, srv.Close()))
	}
	return nil
}
