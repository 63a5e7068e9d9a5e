package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"nametag/internal/registry"
)

func TestALostRaceIsRetriedAFewTimes(t *testing.T) {
	t.Parallel()
	s := &Store{callTimeout: time.Minute}
	for _, test := range []struct {
		name     string
		failures int
		err      error
		calls    int
		code     registry.Code
	}{
		{"deadlock", 2, &pgconn.PgError{Code: "40P01"}, 3, ""},
		{"serialization", 1, &pgconn.PgError{Code: "40001"}, 2, ""},
		{"unique violation", 1, &pgconn.PgError{Code: "23505"}, 2, ""},
		{"forgotten key", 1, errAgain, 2, ""},
		{"endless races", 1000, errHeadMoved, maxAttempts, registry.CodeUnavailable},
		{"endless deadlocks", 1000, &pgconn.PgError{Code: "40P01"}, maxAttempts, registry.CodeUnavailable},
		{"out of memory", 1, &pgconn.PgError{Code: "53200"}, 1, registry.CodeUnavailable},
		{"a statement is wrong", 1, &pgconn.PgError{Code: "42601"}, 1, registry.CodeInternal},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			err := s.call(t.Context(), "test", func(context.Context) error {
				calls++
				if calls <= test.failures {
					return test.err
				}
				return nil
			})
			if calls != test.calls || registry.ErrorCode(err) != test.code {
				t.Errorf("%d calls, %v; want %d calls, code %q", calls, err, test.calls, test.code)
			}
			if err != nil && !errors.Is(err, test.err) {
				t.Errorf("%v does not wrap its cause", err)
			}
		})
	}
}
