package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"nametag/internal/pgtest"
	"nametag/internal/postgres"
	"nametag/internal/registry"
	"nametag/internal/storetest"
)

func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	if registry.ErrorCode(err) != registry.CodeUnavailable {
		t.Errorf("%s: %v, want CodeUnavailable", what, err)
	}
}

func TestAStoreOutlivesItsServer(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	s := open(t, c.URL(), postgres.Options{Migrate: true})
	rex := storetest.Enter(t, s, "Rex")
	for name, end := range map[string]func() error{"Stop": c.Stop, "Kill": c.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		for range 3 { // the first meets a broken connection, the others none
			_, err := s.Insert(t.Context(), []registry.Entry{{Pet: rex}})
			unavailable(t, "Insert after "+name, err)
			_, err = s.Insert(t.Context(), []registry.Entry{{Pet: rex, IdempotencyKey: "k"}})
			unavailable(t, "Insert with a key after "+name, err)
			_, err = s.Find(t.Context(), []string{"rex"})
			unavailable(t, "Find after "+name, err)
			_, err = s.List(t.Context(), registry.ListQuery{Limit: 1})
			unavailable(t, "List after "+name, err)
			_, err = s.ForgetKeys(t.Context(), time.Now())
			unavailable(t, "ForgetKeys after "+name, err)
			unavailable(t, "Ready after "+name, s.Ready(t.Context()))
		}
		if err := c.Restart(); err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("Ready after %s and Restart: %v", name, err)
		}
		if pets, err := s.Find(t.Context(), []string{"rex"}); err != nil || !pets["rex"].Same(rex) {
			t.Errorf("found %v, %v after %s and Restart; want %v", pets, err, name, rex)
		}
		storetest.Enter(t, s, "After "+name)
	}
}

// TestACrashLosesNoAnsweredRegistration kills the server. Registrations that were answered
// are there afterwards, and retries with the same idempotency keys settle the others.
func TestACrashLosesNoAnsweredRegistration(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	s := open(t, c.URL(), postgres.Options{Migrate: true})
	reg := registry.New(s, nil)
	application := func(i, j int) registry.Application {
		name := fmt.Sprintf("Pet %d of %d", j, i)
		return registry.Application{Name: name, FavoriteColor: "red", Category: "dog", IdempotencyKey: name}
	}
	const workers, before = 4, 50
	answered, doubtful := make([][]registry.Pet, workers), make([]registry.Application, workers)
	progress := make(chan struct{}, workers*before)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for j := 0; ; j++ {
				d, err := reg.Register(t.Context(), application(i, j))
				if err != nil {
					unavailable(t, "Register", err)
					doubtful[i] = application(i, j)
					return
				}
				answered[i] = append(answered[i], *d.Pet)
				if j < before {
					progress <- struct{}{}
				}
			}
		})
	}
	for range before {
		<-progress
	}
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	for i := range workers {
		if d, err := reg.Register(t.Context(), doubtful[i]); err != nil || d.Code != "" {
			t.Errorf("a retry after the crash: %v, %v", d, err)
		}
		for _, want := range answered[i] {
			if got, err := reg.Pet(t.Context(), want.Name.String()); err != nil || !got.Same(want) {
				t.Errorf("after the crash %v, %v; want %v", got, err, want)
			}
		}
	}
}

func TestACallEndsWithItsContextOrItsTimeout(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	patient := open(t, url, postgres.Options{Migrate: true, CallTimeout: time.Hour})
	entry := []registry.Entry{{Pet: storetest.Enter(t, patient, "Rex")}}
	s := open(t, url, postgres.Options{CallTimeout: 50 * time.Millisecond})
	blocker := raw(t, url)
	execute(t, blocker, `BEGIN; LOCK TABLE pets`)

	_, err := s.Insert(t.Context(), entry)
	unavailable(t, "Insert that takes too long", err)
	_, err = s.Find(t.Context(), []string{"rex"})
	unavailable(t, "Find that takes too long", err)

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := patient.Insert(ctx, entry)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Insert whose context ended: %v", err)
	}
	execute(t, blocker, `ROLLBACK`)
	if _, err := patient.Insert(t.Context(), entry); err != nil {
		t.Errorf("Insert afterwards: %v", err)
	}
}

func TestTheACMELockEndsWithItsHolder(t *testing.T) {
	url := pgtest.URL(t)
	holder, next := open(t, url, postgres.Options{Migrate: true}), open(t, url, postgres.Options{})
	if _, err := holder.LockACME(t.Context()); err != nil {
		t.Fatal(err)
	}
	locked := make(chan error)
	go func() {
		unlock, err := next.LockACME(t.Context())
		if err == nil {
			unlock()
		}
		locked <- err
	}()
	execute(t, raw(t, url), `SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	if err := <-locked; err != nil {
		t.Error(err)
	}
}

// TestServersShareADatabase runs servers on one database, half of which register the names
// in the opposite order, with two default isolation levels.
func TestServersShareADatabase(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"read committed", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			address := pgtest.URL(t)
			execute(t, raw(t, address), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''`+isolation+`''', current_database()); END $$`)
			const servers, size, rounds = 4, 50, 10
			names := make([]registry.Application, size)
			for i := range names {
				names[i] = registry.Application{Name: fmt.Sprint("Pet ", i), FavoriteColor: "red", Category: "cat"}
			}
			won := make([]int, servers)
			var wg sync.WaitGroup
			for i := range servers {
				s := open(t, address, postgres.Options{Migrate: true, MaxConns: 2})
				reg := registry.New(s, nil)
				wg.Go(func() {
					for round := range rounds {
						mine := slices.Clone(names[round*size/rounds : (round+1)*size/rounds])
						if i%2 == 0 {
							slices.Reverse(mine)
						}
						for j := range mine {
							if j%3 == 0 {
								mine[j].IdempotencyKey = fmt.Sprintf("%d: %s", i, mine[j].Name)
							}
						}
						outcomes, err := reg.RegisterAll(t.Context(), mine)
						if err != nil {
							t.Error(err)
						}
						for _, o := range outcomes {
							if o.Code == "" {
								won[i]++
							}
						}
					}
				})
			}
			wg.Wait()
			total := 0
			for _, n := range won {
				total += n
			}
			if total != size {
				t.Errorf("the servers gave away %d names %v, want %d", total, won, size)
			}
		})
	}
}

// TestAnInsertThatFailsHalfwayRegistersNothing makes reading the holder of a name fail.
func TestAnInsertThatFailsHalfwayRegistersNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, url, postgres.Options{Migrate: true})
	rex := storetest.Enter(t, s, "Rex")
	ada := rex
	ada.Name = must(registry.ParseName("Ada"))
	both := []registry.Entry{{Pet: ada}, {Pet: rex}}

	execute(t, raw(t, url), `UPDATE pets SET registered_at = 'infinity'`) // no time that Go could read
	if results, err := s.Insert(t.Context(), both); err == nil {
		t.Errorf("Insert: %v, though the holder of a name can't be read", results)
	}
	if pets, err := s.Find(t.Context(), []string{"ada"}); err != nil || len(pets) > 0 {
		t.Errorf("after an Insert that failed the book has %v (%v)", pets, err)
	}
	execute(t, raw(t, url), `UPDATE pets SET registered_at = now()`)
	results, err := s.Insert(t.Context(), both)
	if err != nil || results[0].Code != "" || results[1].Code != registry.CodeTaken {
		t.Errorf("a second Insert: %v, %v; want Ada registered", results, err)
	}
}
