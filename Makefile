# One name for everything people and CI do here. `make` lists them.
# Needs Rust, Node, npm and the PostgreSQL 15+ server programs; everything else is fetched by the targets.
.DEFAULT_GOAL := help
SHELL := bash

CARGO ?= cargo
export BROWSER ?= chromium
SUDO := $(shell [ $$(id -u) = 0 ] || echo sudo)
# Warnings of our own crates are errors in CI, here and in the documentation alike.
STRICT := -D warnings

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: ## serve on port 8080 with a demo organisation (SQLite under ./data)
	$(CARGO) run --locked --bin clientele -- demo

.PHONY: test
test: lint docs test-sqlite test-postgres ## everything CI checks

.PHONY: test-sqlite
test-sqlite: build protocol browser ## all tests, tenants in SQLite files
	$(CARGO) test --workspace --locked --no-fail-fast

.PHONY: test-postgres
test-postgres: build protocol browser ## all tests, tenants in schemas of a private PostgreSQL
	tests/with-postgres $(CARGO) test --workspace --locked --no-fail-fast

.PHONY: bench
bench: ## measure what the design promises; writes docs/benchmarks.md
	$(CARGO) build --release --locked --workspace
	TEST_POSTGRES_FSYNC=on TEST_POSTGRES_BUFFERS=1GB tests/with-postgres $(CARGO) bench --locked --workspace --bench promises

.PHONY: soak
soak: ## long trials: kills and whatever CI cannot wait for; writes docs/benchmarks.md
	$(CARGO) build --release --locked --workspace
	TEST_POSTGRES_FSYNC=on tests/with-postgres $(CARGO) bench --locked -p tests --bench soak

.PHONY: fmt
fmt: ## format the code
	$(CARGO) fmt --all

.PHONY: lint
lint: ## formatting and clippy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- $(STRICT)

.PHONY: docs
docs: ## the documentation of the code builds without a warning
	RUSTDOCFLAGS="$(STRICT)" $(CARGO) doc --workspace --no-deps --locked

# The programs themselves, which tests of the command line and of crashes start.
.PHONY: build
build:
	$(CARGO) build --workspace --locked

# A browser for what people click. Debian's, unless there is one.
.PHONY: browser
browser:
	@command -v $(BROWSER) >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -q -y --no-install-recommends chromium; }

# The reference implementations that judge our GraphQL endpoints.
.PHONY: protocol
protocol: tests/protocol/node_modules/.package-lock.json
tests/protocol/node_modules/.package-lock.json: tests/protocol/package-lock.json
	npm ci --prefix tests/protocol
	@touch $@
