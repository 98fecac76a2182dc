# Everything a newcomer needs: `make run` to see it, `make test` to trust it.

SHELL := /bin/sh
BIN := .venv/bin
# Tests mostly wait for something to happen, so four run abreast, each file in one piece.
ABREAST := -n 4 --dist loadfile
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Hundreds of processes start in the tests: each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check lint fuzz autobahn bench scaling lock widget wheel clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: $(BIN)/.run  ## set up, and serve with sample alerts on the embedded store (Ctrl+C stops it)
	@$(BIN)/ticker serve --samples

test: $(BIN)/.dev  ## set up what is missing, a browser and a Redis included, and run all checks and tests
	@$(BIN)/python tests/parts.py
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest $(ABREAST)

check: $(BIN)/.dev lint  ## the quick half of the tests: no browser, no faults, no load
	@$(BIN)/python -m pytest $(ABREAST) --ignore tests/e2e --ignore tests/faults --ignore tests/life

lint: $(BIN)/.dev
	@$(BIN)/ruff check ticker tests bench
	@$(BIN)/ruff format --check --quiet ticker tests bench || (echo "run: $(BIN)/ruff format ticker tests bench"; exit 1)
	@$(BIN)/mypy

fuzz: $(BIN)/.dev  ## what strangers send: 200 requests to each operation, and walks from one to the next (minutes)
	@$(BIN)/python -m tests.fuzz

autobahn: $(BIN)/.dev  ## the connections of readers against Autobahn's cases, into docs/conformance.md (minutes)
	@$(BIN)/python -m tests.autobahn

bench: $(BIN)/.dev  ## ticker beside the smallest possible server and the usual ones, into docs/performance.md (an hour)
	@$(BIN)/python -m bench.peers
	@$(BIN)/python -m bench --write

scaling: $(BIN)/.dev  ## how many machines an audience needs, and what it meets, into docs/scaling.md (minutes)
	@$(BIN)/python -m bench.scaling --write

widget: node_modules/.tools  ## make the one file that pages load out of web/widget's modules (needs Node)
	@node web/build.mjs

wheel: $(BIN)/.dev  ## build the wheel, web files inside, into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

LOCK = uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--python-version 3.11 --custom-compile-command "make lock" --upgrade

lock:  ## look for newer releases of everything we use, and lock them with their hashes (needs uv)
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --group build -o requirements-build.txt
	$(LOCK) --group autobahn -o requirements-autobahn.txt
	$(LOCK) pyproject.toml --extra otel --group dev -o requirements-dev.txt

clean:  ## remove what was made here, the sample data included
	rm -rf .venv node_modules .data dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .autobahn .bench bench/floor bench/load

node_modules/.tools: package.json package-lock.json
	@npm ci --ignore-scripts --silent
	@touch $@

$(BIN)/python:
	@sh .ci/venv.sh .venv

$(BIN)/.run: $(BIN)/python requirements.txt requirements-build.txt pyproject.toml
	@echo "installing what ticker needs into .venv (once)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt -r requirements-build.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/.dev: $(BIN)/.run requirements-dev.txt
	@echo "installing what the tests need into .venv (once)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@
