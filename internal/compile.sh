#!/bin/sh
# Runs a command of go that compiles, and tells every ten seconds that it goes on: internal/compile.sh go build ...
case " $* " in *" -race "*) race=-race ;; *) race= ;; esac
if [ "$("$1" list $race -f '{{.Stale}}' github.com/pganalyze/pg_query_go/v6/parser)" = true ]; then
  echo "Compiling PostgreSQL's parser, which is C: this takes minutes the first time."
fi
(seconds=0; while sleep 10 >/dev/null 2>&1; do seconds=$((seconds + 10)); echo "compiling, $seconds s"; done) &
trap "kill $! 2>/dev/null" EXIT
"$@"
