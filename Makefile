# Everything a newcomer needs: `make run` to see it, `make test` to trust it.

SHELL := /bin/sh
BIN := .venv/bin
# Tests mostly wait for something to happen, so four run abreast, each file in one piece and in the order of
# tests/conftest.py: else those files with the fewest tests would come last, and those are the longest.
ABREAST := -n 4 --dist loadfile --no-loadscope-reorder
# Tools that only a release needs have an environment of their own.
RELEASE := .release/bin
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' ticker/__init__.py)
# Two builds of one commit are alike to the byte. Outside of a checkout: the earliest that a zip file can tell.
MOMENT = $(shell git log -1 --format=%ct 2>/dev/null || echo 315532800)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Hundreds of processes start in the tests: each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: .system help run test check lint fuzz autobahn bench scaling lock widget dist audit clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: $(BIN)/.run  ## set up, and serve with sample alerts on the embedded store (Ctrl+C stops it)
	@$(BIN)/ticker serve --samples

test: $(BIN)/python  ## set up what is missing, a browser and a Redis included, and run all checks and tests
	@$(MAKE) --no-print-directory -j 2 $(BIN)/.dev .system
	@$(BIN)/python tests/parts.py
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest $(ABREAST)

check: $(BIN)/.dev lint  ## the quick half of the tests: no browser, no faults, no load
	@$(BIN)/python -m pytest $(ABREAST) --ignore tests/e2e --ignore tests/faults --ignore tests/life

.system: $(BIN)/python
	@$(BIN)/python tests/parts.py --system

lint: $(BIN)/.dev
	@$(BIN)/ruff check ticker tests bench
	@$(BIN)/ruff format --check --quiet ticker tests bench || (echo "run: $(BIN)/ruff format ticker tests bench"; exit 1)
	@$(BIN)/mypy

fuzz: $(BIN)/.dev  ## what strangers send: 200 requests to each operation, and walks from one to the next (minutes)
	@$(BIN)/python -m tests.fuzz

autobahn: $(BIN)/.dev  ## the connections of readers against Autobahn's cases, into docs/conformance.md (minutes)
	@$(BIN)/python -m tests.autobahn

bench: $(BIN)/.dev  ## ticker beside the smallest possible server and the usual ones, into docs/performance.md (40 minutes)
	@$(BIN)/python -m bench.peers
	@$(BIN)/python -m bench --write

scaling: $(BIN)/.dev  ## how many machines an audience needs, and what it meets, into docs/scaling.md (minutes)
	@$(BIN)/python -m bench.scaling --write

widget: node_modules/.tools  ## make the one file that pages load out of web/widget's modules (needs Node)
	@node web/build.mjs

dist: $(BIN)/.dev $(RELEASE)/.tools  ## what a release is: wheel, sdist, locked requirements, SBOM, checksums, into dist/
	@rm -rf dist
	@SOURCE_DATE_EPOCH=$(MOMENT) $(BIN)/python -m hatchling build --directory dist
	@cp requirements.txt dist/ticker-$(VERSION)-requirements.txt
	@PYTHONWARNINGS=ignore $(RELEASE)/cyclonedx-py requirements --pyproject pyproject.toml --spec-version 1.6 --output-reproducible \
		--output-format JSON --output-file dist/ticker-$(VERSION).cdx.json --validate requirements.txt
	@cd dist && sha256sum ticker-* > SHA256SUMS

audit: $(RELEASE)/.tools  ## ask the advisory services about everything that is locked; what cannot be asked fails
	@status=0; for locked in requirements*.txt; do echo "$$locked"; \
		$(RELEASE)/pip-audit --strict --disable-pip --require-hashes -r $$locked || status=1; done; \
		npm audit --package-lock-only || status=1; exit $$status

LOCK = uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--python-version 3.11 --custom-compile-command "make lock" --upgrade

lock:  ## look for newer releases of everything we use, and lock them with their hashes (needs uv)
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --group build -o requirements-build.txt
	$(LOCK) --group autobahn -o requirements-autobahn.txt
	$(LOCK) pyproject.toml --extra otel --group dev -o requirements-dev.txt
	$(LOCK) --group release -o requirements-release.txt

clean:  ## remove what was made here, the sample data included
	rm -rf .venv .release node_modules .data dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .autobahn .bench bench/floor bench/load

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

$(RELEASE)/.tools: requirements-release.txt
	@sh .ci/venv.sh .release
	@$(RELEASE)/python -m pip install --quiet --require-hashes -r requirements-release.txt
	@touch $@
