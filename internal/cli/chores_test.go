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

	"nametag"
)

// A keyStore forgets keys; it fails on the second call.
type keyStore struct {
	nametag.Store
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
