#!/bin/sh
# Tries the server on poolers and engines: internal/engines.sh [VERSION...], where a version is one of internal/versions.sh.
# PgBouncer and pgpool come by apt-get, PGlite by npm into .cache. CITUS_BIN names the directory of the binaries (postgres,
# initdb) of a PostgreSQL that Citus is installed in; without it Citus is left out.
set -u
sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
if command -v apt-get >/dev/null; then
  need=
  for package in pgbouncer pgpool2; do
    [ -x "/usr/sbin/${package%2}" ] || command -v "${package%2}" >/dev/null || need="$need $package"
  done
  if [ -n "$need" ]; then
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $need || echo "could not be had:$need"
  fi
fi
node=$PWD/.cache/engines
if [ ! -d "$node/node_modules/@electric-sql/pglite-socket" ]; then
  mkdir -p "$node" && npm install --silent --no-audit --no-fund --prefix "$node" @electric-sql/pglite @electric-sql/pglite-socket ||
    echo "could not be had: PGlite"
fi
status=0
echo "== poolers, PGlite${CITUS_BIN:+, Citus}"
ENGINES=1 ENGINES_NODE_MODULES=$node/node_modules go test -count=1 -v ./internal/test/engines > "$node/log" 2>&1 || status=1
grep -E '^ *(--- |ok|FAIL|[a-z_]+\.go:)' "$node/log"
# Extensions are tried on the PostgreSQL that is installed. Those that Debian's packages lack are skipped.
extensions="ip4r hll semver prefix rational numeral asn1oid pgmp orafce similarity jsquery rum q3c periods tdigest first-last-agg"
major=$(ls /usr/lib/postgresql 2>/dev/null | sort -n | tail -1)
all=1 lacking=
if command -v apt-get >/dev/null && [ -n "$major" ]; then
  for extension in $extensions; do
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "postgresql-$major-$extension" >/dev/null 2>&1 ||
      { lacking="$lacking $extension"; all=; }
  done
  [ -z "$lacking" ] || echo "could not be had:$lacking"
fi
echo "== extensions"
ENGINES=$all go test -count=1 -v ./registry -run 'TestExtensions' > "$node/log-extensions" 2>&1 || status=1
grep -E '^ *(--- |ok|FAIL|[a-z_]+\.go:)' "$node/log-extensions"
[ $# = 0 ] || sh internal/versions.sh "$@" || status=1
exit $status
