package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"nametag/internal/index"
	"nametag/internal/queue"
	"nametag/internal/registry"
	"nametag/internal/server"
	"nametag/internal/web"
)

type serveCmd struct {
	addressFlags
	httpsFlags
	bookFlags
	logFlags
	RateLimit       rate         `default:"50" help:"How many requests a second each client may send; 0 for no limit."`
	TrustedProxies  proxies      `placeholder:"NETWORK,…" help:"Addresses and networks (CIDR) of the proxies before the server, whose X-Forwarded-For is believed, and with --behind-https-proxy their X-Forwarded-Proto."`
	AdminListen     adminAddress `placeholder:"HOST:PORT" help:"Where to serve metrics and profiles to operators, or off. By default 127.0.0.1:5001, or a free port when that is taken."`
	ShutdownTimeout duration     `default:"20s" help:"How long requests under way may take to finish when the server is told to stop."`
	ShutdownDelay   duration     `default:"0s" help:"How long to go on accepting requests before that, while /readyz says not ready, so that load balancers can learn of it."`
}

const defaultAdminListen = "127.0.0.1:5001"

// retention is how long the answers to idempotency keys are kept.
const retention = 24 * time.Hour

// Help implements kong.HelpProvider.
func (serveCmd) Help() string {
	return `Serves the registry until it gets SIGINT or SIGTERM, then finishes the requests under way; a second signal ends it at once. The database is created if it is not there, and brought up to date. Port 0 in an address is any free one: the log says which.

Examples:

    nametag serve
    nametag serve --domain pets.example
    nametag serve --listen 0.0.0.0:8080 --database postgres://nametag@db.example/nametag
    NAMETAG_DATABASE_FILE=/run/secrets/database nametag serve`
}

// Run implements the command.
func (c serveCmd) Run(ctx context.Context, p Process) (err error) {
	if err := c.checkHTTPS(); err != nil {
		return err
	}
	log := c.logger(p.Stderr)
	// The database first: who connects while it is awaited is refused, and not
	// left waiting.
	db, place, err := c.open(ctx, p, log, purpose{serve: true, migrate: true})
	if err != nil {
		return err
	}
	index := index.New(db, log)
	queue := queue.New(index)
	defer func() {
		closing(&err, queue) // a database that hangs may take a while
		log.Info("stopped")
	}()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	secure, err := c.newHTTPS(log, metrics, db)
	if err != nil {
		return err
	}
	on, err := c.listenAll(ctx, log)
	defer on.close()
	if err != nil {
		return err
	}

	log.Info("serving", c.facts(p, on, secure, place)...)
	return c.serve(ctx, p, log, on, secure, metrics, queue, index)
}

// facts are what an operator wants to know of a server that starts.
func (c serveCmd) facts(p Process, on listeners, secure https, place string) []any {
	scheme := "http"
	if secure.tls != nil {
		scheme = "https"
	}
	facts := []any{"url", urlOf(on.main, scheme), "https", secure.mode, "database", place, "policy", c.policy().Version(), "version", version(p).Version}
	if on.redirect != nil {
		facts = append(facts, "redirect", urlOf(on.redirect, "http"))
	}
	if on.admin != nil {
		facts = append(facts, "admin", urlOf(on.admin, "http"))
	}
	return facts
}

func urlOf(l net.Listener, scheme string) string { return address(l.Addr().String()).local(scheme) }

// serve runs the servers and the chores until ctx ends.
func (c serveCmd) serve(ctx context.Context, p Process, log *slog.Logger, on listeners, secure https, metrics *prometheus.Registry, queue *queue.Queue, index *index.Index) error {
	var draining atomic.Bool
	reg := c.registry(p, queue)
	watch(metrics, queue, index)
	site := web.New(web.Config{
		Registry: reg,
		Ready: func(ctx context.Context) error {
			if draining.Load() {
				return &registry.Error{Code: registry.CodeUnavailable, Message: "The server is shutting down."}
			}
			return queue.Ready(ctx)
		},
		Log:            log,
		Metrics:        metrics,
		RateLimit:      float64(c.RateLimit),
		TrustedProxies: c.TrustedProxies.prefixes,
		HTTPS:          c.siteHTTPS(on.main.Addr(), secure),
	})

	// Operators and chores stay until the last request has its answer.
	behind, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { collectSteadily(behind) })
	wg.Go(func() { forgetKeys(behind, log, queue) })
	wg.Go(func() { index.Run(behind) })
	wg.Go(func() {
		select { // one after the other reads the whole book
		case <-index.Filled():
			countViolations(behind, log, reg)
		case <-behind.Done():
		}
	})
	if secure.run != nil {
		wg.Go(func() { secure.run(behind) })
	}
	if on.admin != nil {
		wg.Go(func() {
			if err := serveAdmin(behind, log, on.admin, server.Admin(metrics)); err != nil {
				log.Error("the admin server failed", "error", err)
			}
		})
	}
	main := server.Config{
		Listener:        on.main,
		TLS:             secure.tls,
		Handler:         site,
		Log:             log,
		ShutdownDelay:   time.Duration(c.ShutdownDelay),
		ShutdownTimeout: time.Duration(c.ShutdownTimeout),
		Draining: func() {
			draining.Store(true)
			log.Info("shutting down")
		},
	}
	if on.redirect == nil {
		return server.Run(ctx, main)
	}
	redirect := main
	redirect.Listener, redirect.TLS, redirect.Draining = on.redirect, nil, nil
	return server.RunAll(ctx, main, redirect)
}

// watch registers what operators may want to know of the book's two helpers.
func watch(metrics *prometheus.Registry, queue *queue.Queue, index *index.Index) {
	gauge := func(name, help string, value func() float64) {
		metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("nametag_queue_calls", "Registrations that wait for the next transaction.", func() float64 { return float64(queue.Waiting()) })
	gauge("nametag_index_names", "Names that are checked in memory; 0 until they have been read.", func() float64 {
		names, _ := index.Size()
		return float64(names)
	})
	gauge("nametag_index_bytes", "Memory that these names take.", func() float64 {
		_, bytes := index.Size()
		return float64(bytes)
	})
	gauge("nametag_index_ready", "1 while names are checked in memory, 0 while the database is asked.", func() float64 {
		if index.AsOf().IsZero() {
			return 0
		}
		return 1
	})
	gauge("nametag_index_age_seconds", "How long ago the index was last known to have every name; 0 while it has none.", func() float64 {
		if asOf := index.AsOf(); !asOf.IsZero() {
			return time.Since(asOf).Seconds()
		}
		return 0
	})
}

// serveAdmin runs the server for operators until ctx ends. Nobody waits for
// what is asked of it then.
func serveAdmin(ctx context.Context, log *slog.Logger, l net.Listener, h http.Handler) error {
	err := server.Run(ctx, server.Config{Listener: l, Handler: h, Log: log})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// forgetKeys forgets old idempotency keys, now and every hour until ctx ends.
func forgetKeys(ctx context.Context, log *slog.Logger, db registry.Store) {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		switch n, err := db.ForgetKeys(ctx, time.Now().Add(-retention)); {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("forgetting old idempotency keys failed; it is tried again in an hour", "error", err)
		case n > 0:
			log.Info("forgot old idempotency keys", "keys", n)
		}
		select {
		case <-hourly.C:
		case <-ctx.Done():
			return
		}
	}
}

// listeners are the addresses of a server.
type listeners struct {
	main     net.Listener
	redirect net.Listener // nil if there is none
	admin    net.Listener // nil if it is off
}

// listenAll opens the addresses. With an error, too, some may be open.
func (c serveCmd) listenAll(ctx context.Context, log *slog.Logger) (on listeners, err error) {
	if on.main, err = listen(ctx, c.listen(), "--listen (NAMETAG_LISTEN)"); err != nil {
		return on, err
	}
	if a := c.redirectListen(); a != "" {
		if on.redirect, err = listen(ctx, a, settingRedirect); err != nil {
			return on, err
		}
	}
	on.admin, err = c.listenAdmin(ctx, log)
	return on, err
}

func (on listeners) close() {
	for _, l := range []net.Listener{on.main, on.redirect, on.admin} {
		if l != nil {
			l.Close() // the server has mostly done so
		}
	}
}

// listenAdmin opens the address for operators; nil if it is off. The default
// address gives way when somebody else has it.
func (c serveCmd) listenAdmin(ctx context.Context, log *slog.Logger) (net.Listener, error) {
	switch c.AdminListen {
	case "off":
		return nil, nil
	case "":
		l, err := listen(ctx, defaultAdminListen, "--admin-listen (NAMETAG_ADMIN_LISTEN)")
		if err == nil {
			return l, nil
		}
		log.Warn("the default address for operators can't be used; a free port takes its place", "error", err)
		return listen(ctx, "127.0.0.1:0", "--admin-listen (NAMETAG_ADMIN_LISTEN)")
	default:
		return listen(ctx, address(c.AdminListen), "--admin-listen (NAMETAG_ADMIN_LISTEN)")
	}
}

// listen opens an address that setting sets.
func listen(ctx context.Context, a address, setting string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", string(a))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program listens on %s already; choose another address with %s", a, setting)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another address with %s", a, err, setting)
	}
	return l, nil
}
