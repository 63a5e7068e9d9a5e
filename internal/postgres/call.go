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

// maxAttempts bounds the attempts of a call that loses races.
const maxAttempts = 5

// Lost races, which call retries.
var (
	errAgain     = errors.New("the database changed meanwhile")
	errHeadMoved = errors.New("the journal's head moved meanwhile")
)

// write is call for an f that writes.
func (s *Store) write(ctx context.Context, doing string, f func(context.Context) error) error {
	if s.readOnly {
		return errReadOnly
	}
	return s.call(ctx, doing, f)
}

// call runs f, which uses the database, within CallTimeout. It retries f a bounded
// number of times if f lost a race or nothing reached the server.
func (s *Store) call(ctx context.Context, doing string, f func(context.Context) error) error {
	brief, cancel := context.WithTimeout(ctx, s.callTimeout)
	defer cancel()
	var err error
	for attempt := range maxAttempts {
		if attempt > 0 && retryBackoff(brief, attempt) != nil {
			break
		}
		if err = f(brief); err == nil || !isRetryable(err) {
			break
		}
	}
	if err != nil && ctx.Err() == nil && s.closed.Load() {
		return registry.Unavailable(fmt.Errorf("postgres: %s: the store is closed: %w", doing, err))
	}
	return failure(ctx, doing, err)
}

func isRetryable(err error) bool {
	return isLostRace(err) || pgconn.SafeToRetry(err) && !isConnectError(err)
}

// retryBackoff waits for a random time that grows with the number of attempts, so that
// transactions that conflicted do not conflict again.
func retryBackoff(ctx context.Context, attempt int) error {
	return sleep.For(ctx, rand.N(time.Duration(attempt)*10*time.Millisecond))
}
