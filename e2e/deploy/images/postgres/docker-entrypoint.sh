#!/bin/sh
# Starts PostgreSQL. The first start creates the database that the environment describes.
set -eu

fail() {
    printf 'docker-entrypoint.sh: %s\n' "$1" >&2
    exit 1
}

# value NAME DEFAULT prints the variable NAME, or else the content of the file that NAME_FILE names, or else DEFAULT.
value() {
    eval "text=\${$1:-} file=\${$1_FILE:-}"
    [ -z "$text" ] || [ -z "$file" ] || fail "$1 and $1_FILE are both set; set only one"
    [ -z "$file" ] || text=$(cat "$file") || fail "$1_FILE can't be read; check the path"
    printf '%s' "${text:-$2}"
}

case ${1:-} in
-*) set -- postgres "$@" ;;
esac
if [ "${1:-}" != postgres ]; then
    exec "$@"
fi
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    find "$PGDATA" ! -user postgres -exec chown postgres {} +
    find /run/postgresql ! -user postgres -exec chown postgres {} +
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

initialise() {
    user=$(value POSTGRES_USER postgres)
    database=$(value POSTGRES_DB "$user")
    password=$(value POSTGRES_PASSWORD '')
    [ -n "$password" ] || fail "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must be set for the first start"

    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    # shellcheck disable=SC2086 # split into arguments
    printf '%s\n' "$password" | initdb --username="$user" --pwfile=/dev/stdin \
        --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"

    # No network connections until the initialisation is complete.
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" --wait start
    [ "$database" = postgres ] || createdb --username="$user" --maintenance-db=postgres -- "$database"
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
        *.sh) sh "$script" ;;
        *.sql) psql --no-psqlrc --set ON_ERROR_STOP=1 --username="$user" --dbname="$database" --file="$script" ;;
        esac
    done
    pg_ctl -D "$PGDATA" --mode=fast --wait stop
}

[ -s "$PGDATA/PG_VERSION" ] || initialise
unset POSTGRES_PASSWORD
exec "$@"
