package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
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
	"nametag/internal/sleep"
	"nametag/internal/web"
)

type serveCmd struct {
	addressFlags
	httpsFlags
	registryFlags
	logFlags
	RateLimit       float64        `type:"rate" default:"50" help:"The number of requests per second that each client may send; 0 for no limit."`
	TrustedProxies  []netip.Prefix `type:"proxies" placeholder:"NETWORK,…" help:"Addresses and networks (CIDR) of proxies whose X-Forwarded-For is trusted, and with --behind-https-proxy their X-Forwarded-Proto."`
	AdminListen     string         `type:"address-or-off" placeholder:"HOST:PORT" help:"The address of metrics and profiles for operators, or off. The default is 127.0.0.1:5001, or a free port if that is in use."`
	ShutdownTimeout time.Duration  `default:"20s" help:"How long requests in progress may take to finish when the server stops."`
	ShutdownDelay   time.Duration  `default:"0s" help:"How long the server still accepts requests when it stops, while /readyz reports not ready, so that load balancers notice."`
}

// keyRetention is how long idempotency keys are kept.
const keyRetention = 24 * time.Hour

func (serveCmd) Help() string {
	return `Serves until it gets SIGINT or SIGTERM, then finishes the requests in progress; a second signal ends it at
once. The server creates the database if it does not exist, and updates its schema. Port 0 in an address stands for any
free port, which the log names.

Examples:

    nametag serve
    nametag serve --domain pets.example
    nametag serve --listen 0.0.0.0:8080 --database postgres://nametag@db.example/nametag
    NAMETAG_DATABASE_FILE=/run/secrets/database nametag serve`
}

// A service is what a running server consists of.
type service struct {
	serveCmd
	log     *slog.Logger
	metrics *prometheus.Registry
	index   *index.Index
	queue   *queue.Queue
	reg     *registry.Registry
	https   https

	main, redirect, admin net.Listener // nil if they are off
}

func (c serveCmd) Run(ctx context.Context, p Process) (err error) {
	if err := c.checkHTTPS(); err != nil {
		return err
	}
	s := &service{serveCmd: c, log: c.logger(p.Stderr), metrics: prometheus.NewRegistry()}
	// The database comes first: until it is open, connections are refused and do not wait with the server.
	db, err := c.open(ctx, s.log, purpose{serve: true, migrate: true})
	if err != nil {
		return err
	}
	s.index = index.New(db, s.log)
	s.queue = queue.New(s.index)
	s.reg = c.registry(p, s.queue)
	defer func() {
		err = errors.Join(err, s.queue.Close()) // takes a while if the database hangs
		s.log.Info("stopped")
	}()
	s.addMetrics()
	if s.https, err = c.newHTTPS(s.log, s.metrics, db); err != nil {
		return err
	}

	// Listeners and background tasks stay until the last request has its answer.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop()
	if err := s.listenAll(background); err != nil {
		return err
	}
	s.logStart(p)
	s.start(background, &tasks)
	return s.serve(ctx)
}

// logStart logs what an operator wants to know of a server at its start.
func (s *service) logStart(p Process) {
	scheme := "http"
	if s.https.tls != nil {
		scheme = "https"
	}
	url := func(l net.Listener, scheme string) string { return urlOf(l.Addr().String(), scheme) }
	facts := []any{"url", url(s.main, scheme), "https", s.https.mode, "database", s.Database.String(),
		"policy", s.policy().Version(), "version", version(p).Version}
	if s.redirect != nil {
		facts = append(facts, "redirect", url(s.redirect, "http"))
	}
	if s.admin != nil {
		facts = append(facts, "admin", url(s.admin, "http"))
	}
	s.log.Info("serving", facts...)
}

// start starts the background tasks, which run until ctx ends.
func (s *service) start(ctx context.Context, tasks *sync.WaitGroup) {
	tasks.Go(func() { forgetKeys(ctx, s.log, s.queue) })
	tasks.Go(func() { s.index.Run(ctx) })
	tasks.Go(func() {
		select { // the index and the count each read the whole registry, one after the other
		case <-s.index.Filled():
			countViolations(ctx, s.log, s.reg)
		case <-ctx.Done():
		}
	})
	if s.https.run != nil {
		tasks.Go(func() { s.https.run(ctx) })
	}
	if s.admin != nil {
		tasks.Go(func() {
			err := server.Run(ctx, server.Config{Listener: s.admin, Handler: server.Admin(s.metrics), Log: s.log})
			if err != nil && ctx.Err() == nil { // at the end, requests may be cut off
				s.log.Error("the admin server failed", "error", err)
			}
		})
	}
}

// serve serves the site until ctx ends.
func (s *service) serve(ctx context.Context) error {
	var draining atomic.Bool
	if s.https.tls != nil {
		_, s.https.site.Port, _ = net.SplitHostPort(s.main.Addr().String())
	}
	site := server.Config{
		Listener: s.main,
		TLS:      s.https.tls,
		Handler: web.New(web.Config{
			Registry: s.reg,
			Ready: func(ctx context.Context) error {
				if draining.Load() {
					return &registry.Error{Code: registry.CodeUnavailable, Message: "The server is shutting down."}
				}
				return s.queue.Ready(ctx)
			},
			Log:            s.log,
			Metrics:        s.metrics,
			RateLimit:      s.RateLimit,
			TrustedProxies: s.TrustedProxies,
			HTTPS:          s.https.site,
		}),
		Log:             s.log,
		ShutdownDelay:   s.ShutdownDelay,
		ShutdownTimeout: s.ShutdownTimeout,
		Draining: func() {
			draining.Store(true)
			s.log.Info("shutting down")
		},
	}
	if s.redirect == nil {
		return server.Run(ctx, site)
	}
	redirect := site
	redirect.Listener, redirect.TLS, redirect.Draining = s.redirect, nil, nil
	return server.RunAll(ctx, site, redirect)
}

// addMetrics registers the metrics of the process, the queue and the index.
func (s *service) addMetrics() {
	s.metrics.MustRegister(collectors.NewGoCollector())
	s.metrics.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		s.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("nametag_queue_calls", "Registrations that wait for the next transaction.", func() float64 {
		return float64(s.queue.Waiting())
	})
	gauge("nametag_index_names", "Names in the in-memory index; 0 until it is filled.", func() float64 {
		names, _ := s.index.Size()
		return float64(names)
	})
	gauge("nametag_index_bytes", "Memory of the index.", func() float64 {
		_, bytes := s.index.Size()
		return float64(bytes)
	})
	gauge("nametag_index_ready", "1 while the index answers checks, 0 while the database does.", func() float64 {
		if s.index.AsOf().IsZero() {
			return 0
		}
		return 1
	})
	gauge("nametag_index_age_seconds", "Time since the index was up to date; 0 until it is filled.", func() float64 {
		if asOf := s.index.AsOf(); !asOf.IsZero() {
			return time.Since(asOf).Seconds()
		}
		return 0
	})
}

// forgetKeys deletes old idempotency keys, now and every hour until ctx ends.
func forgetKeys(ctx context.Context, log *slog.Logger, db registry.Store) {
	for {
		switch n, err := db.ForgetKeys(ctx, time.Now().Add(-keyRetention)); {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("deleting old idempotency keys failed; the next attempt is in an hour", "error", err)
		case n > 0:
			log.Info("deleted old idempotency keys", "keys", n)
		}
		if sleep.For(ctx, time.Hour) != nil {
			return
		}
	}
}

// countViolations logs how many pets violate the policy. It reads the whole registry.
func countViolations(ctx context.Context, log *slog.Logger, reg *registry.Registry) {
	version := reg.Policy().Version()
	switch violations, pets, err := reg.CountViolations(ctx); {
	case ctx.Err() != nil:
	case err != nil:
		log.Warn("counting the pets that violate the policy failed", "policy", version, "error", err)
	case violations > 0:
		log.Info("pets violate the policy; they keep their names", "pets", pets, "violations", violations,
			"policy", version, "names", "nametag export | nametag policy try POLICY -")
	default:
		log.Debug("no pet violates the policy", "pets", pets, "policy", version)
	}
}

// listenAll opens the addresses until ctx ends.
func (s *service) listenAll(ctx context.Context) (err error) {
	if s.main, err = listen(ctx, s.listen(), "listen"); err != nil {
		return err
	}
	if s.redirect, err = listen(ctx, s.redirectListen(), "redirect-listen"); err != nil {
		return err
	}
	if s.AdminListen != "" {
		s.admin, err = listen(ctx, s.AdminListen, "admin-listen")
		return err
	}
	if s.admin, err = listen(ctx, "127.0.0.1:5001", "admin-listen"); err != nil {
		s.log.Warn("the default address for operators is not available; using a free port", "error", err)
		s.admin, err = listen(ctx, "127.0.0.1:0", "admin-listen")
	}
	return err
}

// listen opens an address that a flag sets, until ctx ends. If the address is off, the listener is nil.
func listen(ctx context.Context, address, flag string) (net.Listener, error) {
	if address == "off" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program already listens on %s; choose another address with %s",
			address, setting(flag))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another address with %s", address, err, setting(flag))
	}
	context.AfterFunc(ctx, func() { l.Close() })
	return l, nil
}
