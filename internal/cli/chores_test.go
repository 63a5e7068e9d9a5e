package cli

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nametag/internal/registry"
)

// A keyStore forgets keys; it fails on the second call.
type keyStore struct {
	registry.Store
	calls []time.Time // what it was told to forget
}

func (s *keyStore) ForgetKeys(_ context.Context, t time.Time) (int64, error) {
	s.calls = append(s.calls, t)
	if len(s.calls) == 2 {
		return 0, errors.New("the database is away")
	}
	return 3, nil
}

func TestIdempotencyKeysAreForgottenEveryHourAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var log strings.Builder
		var db keyStore
		begin := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { forgetKeys(ctx, slog.New(slog.NewTextHandler(&log, nil)), &db) })
		time.Sleep(2*time.Hour + time.Minute) // of the bubble's clock
		stop()
		wg.Wait()
		if len(db.calls) != 3 {
			t.Fatalf("%d calls in two hours, want one at the start and one an hour", len(db.calls))
		}
		for i, got := range db.calls {
			if want := begin.Add(time.Duration(i)*time.Hour - 24*time.Hour); !got.Equal(want) {
				t.Errorf("call %d forgets keys before %v, want %v", i, got, want)
			}
		}
		if !strings.Contains(log.String(), "the database is away") || !strings.Contains(log.String(), "keys=3") {
			t.Errorf("the log is\n%s", &log)
		}
	})
}

// A petStore has one page of pets, or an error instead.
type petStore struct {
	registry.Store
	pets []registry.Pet
	err  error
}

func (s petStore) List(context.Context, registry.ListQuery) ([]registry.Pet, error) {
	return s.pets, s.err
}

func TestPetsThatBreakThePolicyAreCounted(t *testing.T) {
	pet := func(name string, c registry.Category) registry.Pet {
		n, err := registry.ParseName(name)
		if err != nil {
			t.Fatal(err)
		}
		return registry.Pet{Name: n, Category: c}
	}
	policy, err := registry.NewPolicy(registry.Rules{Name: "short", Length: registry.LengthRule{Max: 3}})
	if err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, test := range []struct {
		name  string
		ctx   context.Context
		store petStore
		want  string
	}{
		{"all is well", t.Context(), petStore{pets: []registry.Pet{pet("Rex", "dog")}}, "level=DEBUG msg=\"no pet in the book breaks the policy\" pets=1 policy=" + policy.Version()},
		{"violations", t.Context(), petStore{pets: []registry.Pet{pet("Rex", "dog"), pet("Bella", "dog"), pet("Max", "horse")}},
			"level=INFO msg=\"pets in the book break the policy; they keep their names\" pets=3 violations=2 policy=" + policy.Version() + " names=\"nametag export | nametag policy try POLICY -\""},
		{"a failure", t.Context(), petStore{err: errors.New("the database is away")}, "level=WARN msg=\"the pets in the book that break the policy can't be counted\" policy=" + policy.Version() + " error=\"the database is away\""},
		{"the end", stopped, petStore{err: context.Canceled}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log strings.Builder
			logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			countViolations(test.ctx, logger, registry.New(test.store, nil).WithPolicy(policy))
			_, got, _ := strings.Cut(strings.TrimSpace(log.String()), " ")
			if got != test.want {
				t.Errorf("it logs\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestWhoRunsACommandIsSaid(t *testing.T) {
	for _, test := range []struct {
		flag who
		env  map[string]string
		want string
	}{
		{"", map[string]string{"USER": "ann"}, "ann"},
		{"", map[string]string{"USER": "root", "SUDO_USER": "bob"}, "bob"},
		{"", map[string]string{"USER": "ann", "SUDO_USER": "\a"}, "ann"},
		{"carol", map[string]string{"USER": "ann"}, "carol"},
		{"", nil, ""},
	} {
		p := Process{Getenv: func(name string) string { return test.env[name] }}
		if got := (whoFlag{As: test.flag}).who(p); got != test.want {
			t.Errorf("with --as=%s and %v: %q, want %q", test.flag, test.env, got, test.want)
		}
	}
}

func TestDataDirectories(t *testing.T) {
	home := map[string]string{"HOME": "/home/ann"}
	for _, test := range []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", home, "/home/ann/.local/share"},
		{"linux", map[string]string{"HOME": "/home/ann", "XDG_DATA_HOME": "/data"}, "/data"},
		{"linux", map[string]string{"HOME": "/home/ann", "XDG_DATA_HOME": "relative"}, "/home/ann/.local/share"},
		{"darwin", home, "/home/ann/Library/Application Support"},
		{"windows", map[string]string{"LocalAppData": `C:\Users\ann\AppData\Local`}, `C:\Users\ann\AppData\Local`},
		{"linux", nil, ""},
		{"darwin", nil, ""},
		{"windows", home, ""},
	} {
		got, err := dataDir(test.goos, func(name string) string { return test.env[name] })
		if got != filepath.FromSlash(test.want) || (err != nil) != (test.want == "") {
			t.Errorf("on %s with %v: %q, %v, want %q", test.goos, test.env, got, err, test.want)
		}
	}
}
