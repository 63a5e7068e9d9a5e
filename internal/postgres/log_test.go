package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nametag/internal/index"
	"nametag/internal/pgtest"
	"nametag/internal/postgres"
	"nametag/internal/queue"
	"nametag/internal/registry"
	"nametag/internal/storetest"
)

// newServer returns a registry as a server uses it: with a queue and a filled index.
func newServer(t *testing.T, s *postgres.Store) *registry.Registry {
	x := index.New(s, slog.New(slog.DiscardHandler))
	q := queue.New(x)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { x.Run(ctx) })
	t.Cleanup(func() {
		stop()
		wg.Wait()
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	<-x.Filled()
	return registry.New(q, nil)
}

// logsNoErrors calls f twice at once, with 0 and 1, and checks that PostgreSQL logs no error meanwhile.
func logsNoErrors(t *testing.T, c *pgtest.Cluster, f func(server int)) {
	t.Helper()
	before, err := c.Log()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
	log, err := c.Log()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(log[len(before):]) {
		if strings.Contains(line, "ERROR:") || strings.Contains(line, "FATAL:") {
			t.Error("PostgreSQL logs ", line)
		}
	}
}

func TestTwoServersLogNoErrors(t *testing.T) {
	c := pgtest.Start(t)
	asked := open(t, c.URL(), postgres.Options{SkipSchemaCheck: true})
	var stores [2]*postgres.Store
	var errs [2]error
	logsNoErrors(t, c, func(server int) {
		var opened atomic.Bool
		var wg sync.WaitGroup
		wg.Go(func() {
			for !opened.Load() {
				_ = asked.Ready(t.Context()) // it is not until the end
			}
		})
		stores[server], errs[server] = postgres.Open(t.Context(), c.URL(), postgres.Options{Migrate: true})
		opened.Store(true)
		wg.Wait()
	})
	var servers [2]*registry.Registry
	for i, s := range stores {
		servers[i] = newServer(t, storetest.Opened(t, s, errs[i]))
	}
	register := func(server int, name, key string) (registered bool) {
		a := registry.Application{Name: name, FavoriteColor: "red", Category: "cat", IdempotencyKey: key}
		d, err := servers[server].Register(t.Context(), a)
		if err != nil {
			t.Errorf("Register %q: %v", name, err)
		}
		return err == nil && d.Code == ""
	}

	t.Run("registering", func(t *testing.T) {
		// Two of three names are asked for at both servers, and half of the visitors send idempotency keys.
		const visitors, each = 10, 30
		var registered atomic.Int64
		logsNoErrors(t, c, func(server int) {
			var wg sync.WaitGroup
			for v := range visitors {
				wg.Go(func() {
					for i := range each {
						name, key := fmt.Sprintf("Pet %d of %d", i, v), ""
						if i%3 == 0 {
							name = fmt.Sprintf("%s at %d", name, server)
						}
						if v%2 == 0 {
							key = fmt.Sprintf("%s from %d", name, server)
						}
						if register(server, name, key) {
							registered.Add(1)
						}
					}
				})
			}
			wg.Wait()
		})
		if got, want := registered.Load(), int64(visitors*each*4/3); got != want {
			t.Errorf("%d pets are registered, want %d", got, want)
		}
	})
	t.Run("sending a registration twice", func(t *testing.T) {
		logsNoErrors(t, c, func(server int) {
			for i := range 30 {
				if name := fmt.Sprint("Twice ", i); !register(server, name, name) {
					t.Errorf("%s: one of the two is refused", name)
				}
			}
		})
	})
	t.Run("administering", func(t *testing.T) {
		logsNoErrors(t, c, func(server int) {
			reg := servers[server]
			for i := range 10 {
				old, renamed, reserved := fmt.Sprintf("Pet 1 of %d", i), fmt.Sprint("Renamed ", i), fmt.Sprint("Reserved ", i)
				_, rename := reg.Rename(t.Context(), old, renamed, false)
				_, correct := reg.Correct(t.Context(), renamed, "blue", "dog")
				_, release := reg.Release(t.Context(), renamed)
				_, reserve := reg.Reserve(t.Context(), reserved)
				_, unreserve := reg.Unreserve(t.Context(), old)
				register(server, old, "")
				for _, err := range []error{rename, correct, release, reserve, unreserve} {
					if code := registry.ErrorCode(err); err != nil && code != registry.CodeNotFound && code != registry.CodeTaken {
						t.Error(err)
					}
				}
			}
		})
	})
	t.Run("hanging up", func(t *testing.T) {
		logsNoErrors(t, c, func(server int) {
			for i := range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%30)*100*time.Microsecond)
				_, _ = stores[server].Find(ctx, []string{"pet 1 of 1"}) // some are found and some are not
				cancel()
			}
		})
	})
}
