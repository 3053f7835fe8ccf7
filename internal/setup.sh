#!/bin/sh
# Says in one line what must be installed before anything can be compiled, fetches the Go modules, and installs with
# apt-get what is missing of the packages that are named: internal/setup.sh [postgresql] [pgbouncer] [procps] [xz-utils]
set -u
go=${GO:-go}
lacking='' packages=''

lack() { lacking="$lacking${lacking:+; }$1"; }
stop() { echo "$1" >&2; exit 1; }
have() { command -v "$1" >/dev/null; }
any() { ls "$@" 2>/dev/null | grep -q .; }

version=$(sed -n 's/^go //p' go.mod)
if ! have "$go"; then
  lack "Go $version or later (https://go.dev/dl)"
elif ! GOTOOLCHAIN=local $go list -m >/dev/null 2>&1; then # it is older
  case $(cd / && $go env GOTOOLCHAIN) in
    ''|local) lack "Go $version or later, this is $(cd / && $go env GOVERSION) (https://go.dev/dl; from 1.21 on Go gets it itself: GOTOOLCHAIN=auto make ...)" ;;
    *) echo "Fetching Go $version."
      said=$($go list -m 2>&1) || stop "Go $version can't be fetched, is there a network? ($(echo "$said" | tail -n 1))" ;;
  esac
fi
cc=$($go env CC 2>/dev/null) || cc=cc
echo '#include <stdlib.h>' | $cc -E - >/dev/null 2>&1 || lack "a C compiler (apt-get install gcc libc6-dev; macOS: xcode-select --install)"

for package; do
  case $package in
    postgresql) [ -n "${TEST_POSTGRES_BIN:-}" ] || have initdb || any /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb \
        /opt/homebrew/opt/postgresql*/bin/initdb /usr/local/opt/postgresql*/bin/initdb /Applications/Postgres.app/Contents/Versions/*/bin/initdb ;;
    pgbouncer) have pgbouncer || any /usr/sbin/pgbouncer /opt/homebrew/bin/pgbouncer ;;
    procps) have ps ;;
    xz-utils) have xz ;;
  esac || packages="$packages $package"
done
sudo=
if [ -n "$packages" ] && have apt-get && [ "$(id -u)" != 0 ]; then
  sudo=sudo
  have sudo || lack "sudo, or as root: apt-get install$packages"
fi
[ -z "$lacking" ] || stop "Install first: $lacking."

if ! GOPROXY=off $go list -deps -test ./... >/dev/null 2>&1; then
  echo "Fetching Go modules."
  said=$($go list -deps -test ./... 2>&1) || stop "Go modules can't be fetched, is there a network? ($(echo "$said" | tail -n 1))"
fi
[ -n "$packages" ] || exit 0
have apt-get || { echo "Not installed, and no apt-get here:$packages. Install them (macOS: brew); without PostgreSQL 14 or later there is little to run."; exit 0; }
echo "Installing with apt-get:$packages"
$sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages ||
  stop "apt-get can't install$packages, is there a network?"
