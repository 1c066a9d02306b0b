# Everything that people run. `make demo` and `make test` work on a fresh machine; the rest are their parts.
SHELL := /bin/bash
.DEFAULT_GOAL := help

LAB := tests/lab/lab
E2E := DOCKER_BROKER_E2E=1 cargo test --quiet --test

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: image
image: ## Build the image docker-broker:latest with the engine of `DOCKER_HOST` or /var/run/docker.sock
	docker build --tag docker-broker:latest .

.PHONY: demo
demo: ## Show the main job: Postgres through the broker, three refusals, an audit, nothing left behind
	@cargo build --quiet
	@deploy/demo

.PHONY: test
test: ## All tests: unit, contract, corpus, facts, oracle, and end to end on two real engines
	@tests/run-all

.PHONY: check
check: ## Format, lints, licences and sources of dependencies, documentation
	cargo fmt --all --check
	cargo clippy --quiet --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items --locked
	tests/deny
	@echo "check: passed"

.PHONY: unit
unit: ## Unit and contract tests, without any engine
	cargo test --quiet --lib --test it

.PHONY: corpus
corpus: ## The attack corpus against a recording engine
	cargo test --quiet --test it corpus -- --nocapture

.PHONY: facts
facts: ## Every operation, parameter and field of the published specifications has its place
	tests/facts/derive --check
	cargo test --quiet --test facts

.PHONY: oracle
oracle: ## The engine's own API server reads what was forwarded
	DOCKER_BROKER_E2E=1 cargo test --quiet --test oracle

.PHONY: e2e
e2e: e2e-cli e2e-python e2e-java e2e-run e2e-limits e2e-owners refusals e2e-dry-run e2e-sidecar e2e-kill chaos ## All end-to-end tests

.PHONY: e2e-cli
e2e-cli: lab-packages ## The docker CLI through the broker, next to the docker CLI directly
	$(E2E) e2e-cli

.PHONY: e2e-python
e2e-python: lab-packages ## The stock Testcontainers suite for Python
	tests/e2e/suites/prepare python
	$(E2E) e2e-python

.PHONY: e2e-java
e2e-java: lab-packages ## The stock Testcontainers suites for Java
	tests/e2e/suites/prepare java
	$(E2E) e2e-java

.PHONY: e2e-run
e2e-run: lab-packages ## `docker-broker run` around the Java suite: to its end, and broken off at five points
	tests/e2e/suites/prepare java
	$(E2E) e2e-run

.PHONY: refusals
refusals: lab-packages ## Everything that must be refused, on real engines, and what went upstream
	$(E2E) refusals

.PHONY: chaos
chaos: lab-packages ## Everything dies at random, 200 seeded rounds (DOCKER_BROKER_CHAOS_ROUNDS, DOCKER_BROKER_SEED)
	$(E2E) chaos

.PHONY: e2e-dry-run
e2e-dry-run: lab-packages ## The policy `dry-run`: each rule kept and broken once
	$(E2E) e2e-dry-run

.PHONY: e2e-sidecar
e2e-sidecar: lab-packages ## The image by both builders, and the compose files as shipped: an agent that reaches its own network and nothing else
	tests/e2e/suites/prepare python
	$(E2E) e2e-sidecar

.PHONY: e2e-limits
e2e-limits: lab-packages ## Limits, lifetimes and quotas, and hogs that do not keep to them
	$(E2E) e2e-limits

.PHONY: e2e-owners
e2e-owners: lab-packages ## Two owners on one broker, 20 clients each: nobody touches what is not theirs, and quotas are exact
	$(E2E) e2e-owners

.PHONY: e2e-kill
e2e-kill: lab-packages ## Kill -9 of client, broker and engine at random moments
	$(E2E) e2e-kill

.PHONY: lab-packages
lab-packages:
	@$(LAB) install

.PHONY: lab-up
lab-up: ## Start the throw-away engines
	$(LAB) install && $(LAB) up all && $(LAB) images all

.PHONY: lab-down
lab-down: ## Stop them
	$(LAB) down all
