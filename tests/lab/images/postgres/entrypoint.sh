#!/bin/sh
# What client libraries expect of a Postgres image: the POSTGRES_* variables, init scripts, and the line "database
# system is ready to accept connections" twice (once for the init scripts' private server, once for the real one).
set -eu

# become_postgres ARGS…: as root, hand over the data directory and start again as the server's own user.
become_postgres() {
  mkdir -p "$PGDATA" /run/postgresql
  chown -R postgres:postgres "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
}

make_cluster() {
  password_file=$(mktemp)
  printf '%s\n' "${POSTGRES_PASSWORD:-unused}" >"$password_file"
  # shellcheck disable=SC2086 # the variable holds words
  initdb -D "$PGDATA" -U "$user" --pwfile="$password_file" --auth-local=trust --auth-host=trust \
    -E UTF8 --locale=C.UTF-8 --no-sync ${POSTGRES_INITDB_ARGS:-}
  rm -f "$password_file"
  echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
}

# run_init_scripts: on a server that listens on its own socket only, so nobody sees a half-made database.
run_init_scripts() {
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  [ "$database" = postgres ] || createdb -U "$user" "$database"
  for script in /docker-entrypoint-initdb.d/*; do
    # shellcheck disable=SC1090 # a sourced script is the user's own
    case $script in
      *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
      *.sql) psql -v ON_ERROR_STOP=1 -U "$user" -d "$database" -f "$script" ;;
      *.sql.gz) gunzip -c "$script" | psql -v ON_ERROR_STOP=1 -U "$user" -d "$database" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

case ${1:-postgres} in -*) set -- postgres "$@" ;; esac
[ "${1:-postgres}" = postgres ] || exec "$@"
[ "$(id -u)" != 0 ] || become_postgres "$@"

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
    echo 'Error: Database is uninitialized and POSTGRES_PASSWORD is not set' >&2
    exit 1
  fi
  make_cluster
  run_init_scripts
fi
exec "$@"
