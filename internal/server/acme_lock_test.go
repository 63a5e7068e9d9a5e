package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// A lockedStore is locked by another server.
type lockedStore struct{ ACMEStore }

func (lockedStore) LoadACME(context.Context, string) ([]byte, error) { return nil, nil }

func (lockedStore) LockACME(ctx context.Context) (func(), error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestWaitingForAnotherOrderIsNoFaultOfTheDatabase lets the time of an order end while another server orders.
func TestWaitingForAnotherOrderIsNoFaultOfTheDatabase(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	config := ACMEConfig{Store: lockedStore{}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := (&acmeCache{config: config, domain: "pets.example"}).Get(ended, "pets.example")
	if !errors.Is(err, errBusy) || log.Len() > 0 {
		t.Errorf("%v, want errBusy; the log has %s", err, &log)
	}
	if _, check := (&ACME{config: config}).advise(err, 1); strings.Contains(check, "database") {
		t.Errorf("the advice is %q", check)
	}
}
