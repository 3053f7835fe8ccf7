#!/bin/sh
# Runs the protocol's official conformance suite against a built server (default bin/mcp-postgres) on the demo database. It
# fails when a scenario fails that is not in the lists beside it, or one passes that is. It needs npx and the npm registry.
set -u
server=${1:-bin/mcp-postgres}
lists=$(dirname "$0")
work=$(mktemp -d)
"$server" --demo --transport streamable-http --port 0 2>"$work/log" &
pid=$!
trap 'kill $pid; wait $pid; rm -rf "$work"' EXIT
tries=100
until address=$(sed -n 's/.*msg=listening address=\([^ ]*\).*/\1/p' "$work/log") && [ -n "$address" ]; do
  tries=$((tries - 1))
  [ $tries -gt 0 ] && kill -0 $pid || { cat "$work/log"; exit 1; }
  sleep 0.3
done
suite() {
  version=$1 list=$2
  shift 2
  echo "== conformance $version $*"
  npx -y -p node@22 -p "@modelcontextprotocol/conformance@$version" conformance server --url "http://$address/mcp" \
    --expected-failures "$lists/$list" -o "$work/results" "$@" >"$work/out" 2>&1
  status=$?
  sed -n '/=== SUMMARY ===/,$p' "$work/out"
  [ $status -eq 0 ] || { [ -s "$work/out" ] && tail -n 20 "$work/out"; failed=1; }
}
failed=0
suite 0.1.16 legacy.yaml
suite 0.2.0-alpha.12 legacy.yaml --requirements 2025-11-25
suite 0.2.0-alpha.12 2026-07-28.yaml --requirements 2026-07-28
exit $failed
