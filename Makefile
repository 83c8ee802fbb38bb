# `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Holds the argument that makes cargo use a toolchain with the wasm32 target; usually empty.
WASM32 := target/wasm32-toolchain
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

.PHONY: help
help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## installs what the tests need (Debian; does nothing when it is all there)
	@tests/setup/debian
	@tests/setup/wasm32 $(WASM32) >/dev/null

.PHONY: test
test: setup check ## everything that must pass: set-up, checks, and all tests
	cargo test --workspace --locked

.PHONY: demo
demo: ## the whole job on this machine, in a temporary home (INTERACTIVE=1: you approve it)
	cargo build --locked -p astropass-cli -p astropass-tests --bin ast --bin demo
	@$${CARGO_TARGET_DIR:-target}/debug/demo

.PHONY: bench
bench: ## speed and memory beside other programs; fails when a bound is missed
	cargo build --release --locked -p astropass-cli
	cargo build --release --locked -p astropass-tests --bin bench
	cargo build --release --locked --manifest-path tests/bench-peers/Cargo.toml \
	    --target-dir $${CARGO_TARGET_DIR:-target}
	@$${CARGO_TARGET_DIR:-target}/release/bench

.PHONY: check
check: check-format check-lints check-docs check-wasm32 ## the checks without the tests

.PHONY: check-format
check-format:
	cargo fmt --all --check

.PHONY: check-lints
check-lints:
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: check-docs
check-docs:
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked

.PHONY: check-wasm32
check-wasm32: $(WASM32)
	cargo $$(cat $(WASM32)) build --package astropass-core --locked \
	    --target wasm32-unknown-unknown --target-dir target/wasm32

$(WASM32):
	@tests/setup/wasm32 $@ >/dev/null

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
deny: ## licences, banned and doubtful dependencies (cargo install cargo-deny --locked)
	cargo deny --workspace check

.PHONY: fix
fix: ## formats, and applies what clippy can mend
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all
