package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"nametag/internal/migrate"
	"nametag/internal/registry"
)

var errReadOnly = errors.New("postgres: the store was opened for reading only")

// failure returns what err, of doing something with the database under ctx, means to a caller of the Store.
func failure(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("postgres: %s: %w", doing, ctx.Err())
	}
	if e, ok := errors.AsType[*migrate.SchemaError](err); ok {
		return e // its message is complete
	}
	err = fmt.Errorf("postgres: %s: %w", doing, err)
	if isUnavailable(err) {
		return registry.Unavailable(err)
	}
	return err
}

// isUnavailable reports whether err means that the database cannot be reached or is
// too busy, rather than that a statement is wrong.
func isUnavailable(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return isUnavailableState(e.Code) || isConnectError(err)
	}
	_, network := errors.AsType[net.Error](err)
	return network || isConnectError(err) ||
		errors.Is(err, errAgain) || errors.Is(err, errHeadMoved) || // after several attempts
		pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, context.DeadlineExceeded) || // of CallTimeout: failure has checked the caller's
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, puddle.ErrClosedPool) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isConnectError(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

// isUnavailableState does the same for an SQLSTATE (PostgreSQL documentation, appendix A).
func isUnavailableState(code string) bool {
	switch code {
	case "25006", // read_only_sql_transaction: the server became a standby
		"40001", "40P01", // serialization_failure, deadlock_detected: after several attempts
		"55P03": // lock_not_available
		return true
	}
	switch class := code[:min(2, len(code))]; class {
	case "08", "53", "58": // connection exception, insufficient resources, system error
		return true
	case "57": // operator intervention: shutdown, startup, a timeout of the server
		return true
	default:
		return false
	}
}

// isLostRace reports whether err means that the transaction conflicted with another
// and was rolled back: it may succeed when it is retried.
func isLostRace(err error) bool {
	if errors.Is(err, errAgain) || errors.Is(err, errHeadMoved) {
		return true
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	return e.Code == "23505" || // unique_violation
		strings.HasPrefix(e.Code, "40") && e.Code != "40003" // transaction rollback, its completion known
}
