package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"nametag/internal/registry"
	"nametag/internal/sleep"
)

// maxAttempts is how often a call is tried that others got in the way of.
const maxAttempts = 5

// Lost races, after which call tries again.
var (
	errAgain     = errors.New("the database changed meanwhile")
	errHeadMoved = errors.New("the journal's head moved meanwhile")
)

// call does something with the database within CallTimeout. It is done again,
// a bounded number of times, when the server undid it because of others, and
// when nothing of it reached the server.
func (s *Store) call(ctx context.Context, doing string, f func(context.Context) error) error {
	brief, cancel := context.WithTimeout(ctx, s.callTimeout)
	defer cancel()
	var err error
	for attempt := range maxAttempts {
		if attempt > 0 && backoff(brief, attempt) != nil {
			break
		}
		if err = f(brief); err == nil || !mayTryAgain(err) {
			break
		}
	}
	if err != nil && ctx.Err() == nil && s.closed.Load() {
		return registry.Unavailable(fmt.Errorf("postgres: %s: the store is closed: %w", doing, err))
	}
	return failure(ctx, doing, err)
}

func mayTryAgain(err error) bool {
	return isLostRace(err) || pgconn.SafeToRetry(err) && !isConnectError(err)
}

// backoff waits for a random time that grows with the number of attempts, so that
// transactions that conflicted do not conflict again.
func backoff(ctx context.Context, attempt int) error {
	return sleep.For(ctx, rand.N(time.Duration(attempt)*10*time.Millisecond))
}
