package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"nametag/internal/registry"
	"nametag/internal/sleep"
)

// cancelDelay is how long a statement may run after its context has ended. Nearly all statements end by themselves within
// that time. Cancelling one costs a connection and logs an error in PostgreSQL, which must not happen each time that a
// visitor closes a page.
const cancelDelay = 500 * time.Millisecond

// parseURL returns the configuration of the pool. Its error neither contains nor wraps the URL, which has a password.
func parseURL(connString string, opts Options) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(connString)
	if err != nil {
		return nil, errors.New("the URL of the database cannot be used: " + describeURLError(connString, err) +
			". It has the form postgres://user:password@host:5432/database, with special characters of the password escaped")
	}
	if opts.MaxConns > 0 {
		config.MaxConns = int32(opts.MaxConns)
	}
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.PingTimeout = 5 * time.Second
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "nametag"
	}
	config.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn(), DeadlineDelay: cancelDelay}
	}
	config.AfterConnect = prepareSession
	if opts.ReadOnly {
		config.AfterConnect = prepareReadOnlySession
	}
	return config, nil
}

// describeURLError describes err, an error of parsing connString, without revealing any secret of connString.
func describeURLError(connString string, err error) string {
	const vague = "it is not well formed"
	u, uerr := url.Parse(connString)
	parseErr, ok := errors.AsType[*pgconn.ParseConfigError](err)
	if uerr != nil || u.Host == "" || !ok {
		return vague
	}
	_, reason, ok := strings.Cut(parseErr.Error(), "`: ")
	password, _ := u.User.Password()
	if !ok || password != "" && strings.Contains(reason, password) {
		return vague
	}
	return reason
}

// prepareSession sets what the Store relies on, whatever the defaults of the server,
// the database and the user are: a commit is on disk, a statement sees what was
// committed before it, and a client that stalls in a transaction does not block all
// writers.
func prepareSession(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `
		SELECT set_config('default_transaction_isolation', 'read committed', false),
		       set_config('idle_in_transaction_session_timeout', '5s', false),
		       CASE WHEN current_setting('synchronous_commit') = 'off'
		            THEN set_config('synchronous_commit', 'on', false) END`)
	return err
}

// prepareReadOnlySession does the same, and makes the session read-only.
func prepareReadOnlySession(ctx context.Context, conn *pgx.Conn) error {
	if err := prepareSession(ctx, conn); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, `SELECT set_config('default_transaction_read_only', 'on', false)`)
	return err
}

// awaitServer waits until the server accepts a connection, for as long as ctx and
// opts.ConnectTimeout allow. It returns an error that waiting cannot fix at once.
func awaitServer(ctx context.Context, pool *pgxpool.Pool, opts Options) error {
	waiting, cancel := context.WithTimeout(ctx, opts.ConnectTimeout)
	defer cancel()
	const longestPause = 2 * time.Second
	var last error
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := tryServer(waiting, pool)
		if err == nil {
			return nil
		}
		if permanent := describeConnError(pool.Config().ConnConfig, err); permanent != nil {
			return permanent
		}
		if waiting.Err() == nil || last == nil {
			last = err // not the expiry of waiting
		}
		if waiting.Err() == nil {
			opts.Logger.WarnContext(ctx, "waiting for PostgreSQL", "server", address(pool.Config().ConnConfig), "error", err)
		}
		if sleep.For(waiting, pause) == nil {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("postgres: wait for the server: %w (%w)", ctx.Err(), last)
		}
		return registry.Unavailable(fmt.Errorf("postgres: %s accepted no connection within %v: %w",
			address(pool.Config().ConnConfig), opts.ConnectTimeout, last))
	}
}

// An encodingError is the encoding of a database that cannot store every name.
type encodingError string

func (e encodingError) Error() string {
	return fmt.Sprintf("the database has the encoding %s: create it again with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", string(e))
}

func tryServer(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if encoding := conn.Conn().PgConn().ParameterStatus("server_encoding"); encoding != "UTF8" {
		return encodingError(encoding)
	}
	return nil
}

// describeConnError returns what the operator must fix if err, of a connection to the
// server, will not go away by itself; nil if it may.
func describeConnError(config *pgx.ConnConfig, err error) error {
	if e, ok := errors.AsType[encodingError](err); ok {
		return e
	}
	if isCertificateError(err) {
		return fmt.Errorf("the certificate of PostgreSQL at %s is not trusted: check sslmode and sslrootcert "+
			"in the URL of the database: %w", address(config), err)
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return nil
	}
	switch e.Code {
	case "28P01": // invalid_password
		return fmt.Errorf("PostgreSQL at %s refuses the password of user %s: correct it in the URL of the database",
			address(config), config.User)
	case "28000": // invalid_authorization_specification
		return fmt.Errorf("PostgreSQL at %s does not let user %s in (%s): correct the URL of the database or pg_hba.conf",
			address(config), config.User, e.Message)
	case "3D000": // invalid_catalog_name
		return fmt.Errorf("PostgreSQL at %s has no database %s: create it, or correct the URL of the database",
			address(config), config.Database)
	case "42501": // insufficient_privilege
		return fmt.Errorf("PostgreSQL at %s does not let user %s into database %s: GRANT CONNECT to that user",
			address(config), config.User, config.Database)
	}
	return nil
}

func isCertificateError(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, hostname := errors.AsType[x509.HostnameError](err)
	return verification || authority || hostname
}

func address(config *pgx.ConnConfig) string {
	return net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
}
