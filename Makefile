# `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# One thing after the other, but for the two halves of the tests: see `test`.
ifndef HALVES
.NOTPARALLEL:
endif

# Holds the argument that makes cargo use a toolchain with the wasm32 target; usually empty.
WASM32 := target/wasm32-toolchain
CARGO_WASM32 = cargo $$(cat $(WASM32))
# Everything that is for this machine; the same selection everywhere, so that nothing is built twice.
NATIVE := --workspace --exclude astropass-wasm --locked
FOR_WASM32 := --locked --target wasm32-unknown-unknown --target-dir target/wasm32
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Where the tests in browsers find the embedded server, and everything finds what setup installed.
export ASTROPASS_SERVER := $(abspath $(or $(CARGO_TARGET_DIR),target))/debug/astropass-server
export PATH := $(CURDIR)/target/tools:$(PATH)

.PHONY: help
help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## installs what the tests need (Debian; does nothing when it is all there)
	@tests/setup/debian
	@tests/setup/node-packages
	@tests/setup/wasm-tools/install
	@tests/setup/wasm32 $(WASM32) >/dev/null

.PHONY: test
test: ## everything that must pass: set-up, checks, and all tests
test: setup check package check-size build-server build-dashboard
	tests/search-output target/test-output 20 \
	    $(MAKE) HALVES=1 --jobs=2 --output-sync=recurse test-rust test-web

# The second half. Browsers mostly wait, while the first half computes.
.PHONY: test-web
test-web:
	$(MAKE) HALVES= --jobs=1 test-wasm test-browser test-packaging check-reproducible

.PHONY: test-rust
test-rust: ## core, the native crate, the command: on this machine
	@tests/setup/node-packages tests/servers
	MAKEFLAGS= cargo test $(NATIVE) -- --show-output # else it warns of a make whose jobs it does not share

.PHONY: test-wasm
test-wasm: wasm-tools $(WASM32) ## the wasm crate and core's vectors, in Chromium
	CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner \
	CHROMEDRIVER="$$(command -v chromedriver)" \
	WASM_BINDGEN_TEST_DRIVER_TIMEOUT=600 WASM_BINDGEN_TEST_TIMEOUT=600 \
	    $(CARGO_WASM32) test --package astropass-wasm --tests $(FOR_WASM32)

# Node.js 20 counts this for a whole file, however many tests it has: they have deadlines of their own.
FILE_LIMIT = --test-timeout=1800000

.PHONY: test-browser
test-browser: package build-server build-dashboard ## the packed npm package and the dashboard, in Chromium and Firefox
	@tests/setup/node-packages tests/servers tests/browser
	cd tests/browser && node --test --test-concurrency=4 $(FILE_LIMIT) --test-reporter=spec

# Where the tests write what they have counted; that it is set makes their numbers the full ones.
SOAK = $(abspath $(or $(CARGO_TARGET_DIR),target))/soak.txt

.PHONY: soak
soak: setup ## processes, tabs, kills and fuzzing, with large numbers (hours); prints what was counted
	@rm -f $(SOAK)
	@code=0; $(MAKE) soak-native soak-browser || code=$$?; $(MAKE) soak-table; \
	    $(MAKE) soak-fuzz || code=$$?; exit $$code

.PHONY: soak-table
soak-table:
	@awk -F '\t' -v form='%-78s %6s %5s %7s %4s %6s\n' ' \
	    BEGIN { printf form, "", "rounds", "kills", "orphans", "lost", "time" } \
	    { printf form, $$1, $$2, $$3, $$4, $$5, $$6 }' $(SOAK)

.PHONY: soak-native
soak-native:
	ASTROPASS_SOAK=$(SOAK) cargo test $(NATIVE) --test soak -- --test-threads=1

.PHONY: soak-browser
soak-browser: package build-server
	@tests/setup/node-packages tests/servers tests/browser
	cd tests/browser && ASTROPASS_SOAK=$(SOAK) node --test --test-concurrency=1 storm.test.mjs

.PHONY: test-packaging
test-packaging: package build-server ## the packed npm package in fresh projects: bundlers and runtimes
	@tests/setup/node-packages tests/packaging
	cd tests/packaging && node --test --test-concurrency=3 $(FILE_LIMIT) --test-reporter=spec

# Seconds for each target, and which of them.
FUZZ_SECONDS = 600
FUZZ_TARGETS = $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs)))

.PHONY: soak-fuzz
soak-fuzz: ## fuzzes every target for ten minutes (FUZZ_SECONDS=N, FUZZ_TARGETS=…); prints what was done
	@tests/setup/fuzz
	@tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_TARGETS)

.PHONY: package
package: wasm-tools $(WASM32) ## builds the npm package: target/npm/astropass-VERSION.tgz
	@tests/setup/node-packages npm
	node npm/build.mjs

.PHONY: dashboard
dashboard: build-dashboard build-server ## builds everything and serves the example dashboard beside the embedded server
	@node examples/dashboard/serve.mjs

.PHONY: demo
demo: ## the whole job on this machine, in a temporary home (INTERACTIVE=1: you approve it)
	cargo build --locked -p astropass-cli -p astropass-tests --bin ast --bin demo
	@$${CARGO_TARGET_DIR:-target}/debug/demo

.PHONY: bench
bench: bench-native bench-browser ## speed, memory and size beside other programs; fails when a bound is missed

.PHONY: bench-native
bench-native:
	cargo build --release --locked -p astropass-cli
	cargo build --release --locked -p astropass-tests --bin bench
	cargo build --release --locked --manifest-path tests/bench-peers/Cargo.toml \
	    --target-dir $${CARGO_TARGET_DIR:-target}
	@$${CARGO_TARGET_DIR:-target}/release/bench

.PHONY: bench-browser
bench-browser: package build-server
	@tests/setup/node-packages tests/servers tests/packaging tests/bench-browser
	@node tests/bench-browser/bench.mjs

.PHONY: check
check: check-format check-npm check-lints check-docs check-wasm32 ## the checks without the tests

.PHONY: check-format
check-format:
	cargo fmt --all --check

.PHONY: check-lints
check-lints:
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: check-npm
check-npm:
	@tests/setup/node-packages npm
	npm run --silent --prefix npm check

.PHONY: check-docs
check-docs:
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked

.PHONY: check-wasm32
check-wasm32: $(WASM32)
	$(CARGO_WASM32) build --package astropass-core --package astropass-wasm $(FOR_WASM32)
	@if $(CARGO_WASM32) clippy --version >/dev/null 2>&1; then \
	    $(CARGO_WASM32) clippy --package astropass-wasm --all-targets $(FOR_WASM32) -- -D warnings; \
	else \
	    echo 'skipped: the toolchain for wasm32 has no clippy; check-lints has seen the crate for this machine'; \
	fi

.PHONY: check-cross
check-cross: ## type-checks for macOS and Windows, as far as the toolchain here allows
	@tests/setup/cross

.PHONY: check-msrv
check-msrv: ## builds with the oldest Rust that is promised, where rustup has it
	@if rustup toolchain list 2>/dev/null | grep -q '^$(MSRV)'; then \
	    cargo +$(MSRV) check --workspace --locked --target-dir target/msrv; \
	else \
	    echo 'skipped: Rust $(MSRV) is not installed (rustup toolchain install $(MSRV))'; \
	fi

.PHONY: deny
deny: ## licences, sources, banned and vulnerable dependencies (cargo install cargo-deny --locked)
	@tests/supply-chain/deny

.PHONY: audit
audit: ## vulnerable dependencies of the npm package, its tests and its example
	@tests/supply-chain/audit

.PHONY: semver
semver: ## what the crates changed since the last release (cargo install cargo-semver-checks --locked)
	@tests/supply-chain/semver $(BASELINE)

.PHONY: check-size
check-size: package ## fails when what a page loads for the npm package is too large
	@tests/setup/node-packages tests/bench-browser
	@node tests/bench-browser/size.mjs

.PHONY: check-reproducible
check-reproducible: package ## builds the wasm again, elsewhere and from nothing: the same hash
	node npm/check-reproducible.mjs

# What the targets above are made with.

$(WASM32):
	@tests/setup/wasm32 $@ >/dev/null

.PHONY: wasm-tools
wasm-tools:
	@tests/setup/wasm-tools/install

.PHONY: build-server
build-server:
	cargo build $(NATIVE) --bin astropass-server

.PHONY: build-dashboard
build-dashboard: package
	@tests/setup/node-packages examples/dashboard
	npm run --silent --prefix examples/dashboard build

.PHONY: fix
fix: ## formats, and applies what clippy can mend
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all
