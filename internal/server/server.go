// Package server runs HTTP servers with limits, TLS and graceful shutdown.
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

// The limits of every server. They suit a program whose requests and answers are small.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	maxConnections    = 8192 // further ones wait in the system's queue
)

// Config configures a server.
type Config struct {
	Listener net.Listener
	Handler  http.Handler
	Log      *slog.Logger

	// TLS, if not nil, makes the server serve HTTPS, with HTTP/2 if NextProtos has it.
	TLS *tls.Config

	// Draining, if not nil, is called once when the shutdown begins, before the delay.
	Draining func()

	// ShutdownDelay is how long new connections are accepted after the shutdown has begun, so that load balancers can
	// notice it.
	ShutdownDelay time.Duration

	// ShutdownTimeout is how long active requests may take to finish after the delay. Then their connections are closed.
	ShutdownTimeout time.Duration
}

// Run serves until ctx ends and then shuts down gracefully: it stops accepting connections and lets active requests
// finish. The contexts of requests do not end with ctx. Run closes the listener, and all connections before it returns.
//
// The error is nil after a graceful shutdown, and not nil if serving failed or requests were cut off.
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
	failure := func(err error) error {
		return fmt.Errorf("serving on %s: %w", c.Listener.Addr(), errors.Join(err, srv.Close()))
	}
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
		return failure(err)
	case <-ctx.Done():
	}
	if c.Draining != nil {
		c.Draining()
	}
	select {
	case err := <-failed:
		return failure(err)
	case <-time.After(c.ShutdownDelay):
	}
	within, done := context.WithTimeout(base, c.ShutdownTimeout)
	defer done()
	err := srv.Shutdown(within)
	if err != nil {
		err = errors.Join(err, srv.Close())
		err = fmt.Errorf("requests that were active after %s were cut off: %w", c.ShutdownTimeout, err)
	}
	<-failed //nolint:errcheck // Serve closes the listener, even if it had not begun when the shutdown did
	return err
}

// RunAll runs servers concurrently until ctx ends or one of them fails, and then shuts all of them down as Run does. It
// returns the errors of all of them.
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

// errorLog logs what http.Server writes at the level warn, and failed handshakes, which scanners cause all the time, at
// the level debug.
type errorLog struct{ log *slog.Logger }

// Write implements io.Writer.
func (e errorLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		level = slog.LevelDebug
	}
	e.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}
