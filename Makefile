# Fluxum: everything a developer does. Needs make and Python 3.11 or newer; `make help` lists it.

.DEFAULT_GOAL := check
.DELETE_ON_ERROR:
.PHONY: site man demo test slow engines all quick lint check fix bench bench-peers docs support recordings soak sim accounts hubs columns column-sums peers venue package clean help

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
PIP := $(PYTHON) -m pip -qq --disable-pip-version-check --no-input
CODE := src tests bench docs examples
# Compiled modules are kept, whatever the caller's environment says: without them every process that
# a test starts compiles aiohttp again, and each worker of pytest rewrites every test.
export PYTHONDONTWRITEBYTECODE :=
COMPILED := $(addsuffix /_fast.pyx,$(addprefix src/fluxum/,book model venues back bot store))
HEADERS := $(addsuffix /_fast.pxd,$(addprefix src/fluxum/,book model)) \
	$(wildcard src/fluxum/venues/_fast_*.pxi)

demo: $(VENV)/.run  ## show Fluxum against a simulated exchange; no network
	@$(BIN)/fluxum demo $(ARGS)

PYTEST := $(BIN)/pytest -n 3 --dist worksteal
test: $(VENV)/.dev  ## run the tests, three minutes; ARGS="-k pipe" goes to pytest
	@$(PYTHON) -m compileall -q src  # once, rather than in each process the tests start
	@$(PYTEST) -m "not slow" $(ARGS)

slow: $(VENV)/.dev  ## run the slow tests, which `make test` leaves out
	@$(PYTEST) -m slow --hypothesis-profile all $(ARGS)

engines: $(VENV)/.dev  ## install Chromium, its driver and Prometheus for the slow tests: needs apt-get and root
	@apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium prometheus >/dev/null
	@$(PIP) install -r requirements/browser.txt

all: test slow  ## run all tests

QUICK := model book flow ledger orders transport venues/test_subscriptions.py venues/test_rows.py \
	venues/binance/test_protocol.py venues/bybit/test_protocol.py venues/okx/test_protocol.py \
	venues/kraken/test_protocol.py venues/kraken/private/test_protocol.py test_tidy.py test_pacing.py \
	test_docs.py::test_generated_documents_are_current
quick: $(VENV)/.dev  ## run the tests that take a moment, while editing
	@$(BIN)/pytest -n 2 --hypothesis-profile quick -m "not slow and not network" \
		$(addprefix tests/,$(QUICK)) $(ARGS)

lint: $(VENV)/.dev  ## check format, style, types and the floors
	@$(BIN)/ruff format --check --quiet $(CODE)
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/mypy --no-error-summary $(CODE)
	@$(BIN)/basedpyright $(CODE)
	@$(BIN)/lint-imports --no-logo

check: lint test  ## lint and test: what must be green before and after a change

fix: $(VENV)/.dev  ## format, and mend what a machine can mend
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

bench: $(VENV)/.dev  ## measure what a frame costs at every exchange, beside a plain way: one table
	@$(PYTHON) bench/table.py $(ARGS)

BENCH_PEERS := .bench-peers
bench-peers: $(VENV)/.dev $(BENCH_PEERS)/.made  ## the same table, beside other people's clients in the same run
	@$(PYTHON) bench/table.py --peers $(BENCH_PEERS)/bin/python $(ARGS)

$(BENCH_PEERS)/.made: requirements/bench-peers.txt | $(PYTHON)
	@echo "setting up $(BENCH_PEERS) ..." >&2
	@$(PYTHON) -m venv $(BENCH_PEERS)
	@$(BENCH_PEERS)/bin/python -m pip -qq --disable-pip-version-check --no-input install -r requirements/bench-peers.txt
	@touch $@

docs: $(VENV)/.dev  ## write what is generated: the command line's reference, states, a screen
	@$(PYTHON) docs/generate.py

site: $(VENV)/.dev  ## build the documentation as a site: build/site/index.html
	@$(BIN)/sphinx-build -q -W --keep-going -d build/trees docs build/site
	@echo "build/site/index.html" >&2

man: $(VENV)/.dev  ## write the manual page: build/man/fluxum.1
	@$(BIN)/sphinx-build -q -W --keep-going -b man -d build/trees docs build/man
	@echo "build/man/fluxum.1" >&2

support: $(VENV)/.dev  ## run the conformance suite and write what `fluxum support` shows
	@FLUXUM_SUPPORT=src/fluxum/cli/support.json $(BIN)/pytest -q tests/venues/test_conformance.py tests/venues/test_conformance_account.py

RECORDINGS := $(or $(FLUXUM_RECORDINGS),../shared/recordings)
recordings: $(VENV)/.dev  ## prove every real recording there is by its exchange's own rule
	@$(BIN)/fluxum verify $(RECORDINGS)
	@$(BIN)/fluxum verify -x okx $(RECORDINGS)/okx/v5_books_seqid_BTC-USDT_20260824_excerpt.jsonl.gz

venue: $(VENV)/.dev  ## begin a new exchange: NAME=bitstamp
	@$(PYTHON) docs/scaffold.py $(NAME)

soak: $(VENV)/.dev  ## an hour of virtual time, then ten real minutes: nothing may grow
	@$(PYTHON) tests/simulation/soak.py --virtual 3600 --rate 1250
	@$(PYTHON) tests/simulation/soak.py --real 600 --rate 400

sim: $(VENV)/.dev  ## simulated days with faults: SEEDS=200, or one SEED=n
	@$(PYTHON) tests/simulation/days.py $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200))

accounts: $(VENV)/.dev  ## simulated hours of trading with faults: SEEDS=200, or one SEED=n; VENUE=bybit
	@$(PYTHON) tests/simulation/account_days.py --venue $(or $(VENUE),kraken) $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200))

hubs: $(VENV)/.dev  ## a million reads of a consolidated book, then a week of a hub: a quarter of an hour
	@PYTHONPATH=tests $(PYTHON) tests/simulation/hub_days.py --reads 1000000 --days 7

columns: $(VENV)/.dev  ## a simulated week to columns and back: rows = events, sums exact; DAYS=7
	@PYTHONPATH=tests $(PYTHON) tests/simulation/columns.py --days $(or $(DAYS),7)

READERS := .readers
column-sums: $(VENV)/.dev $(READERS)/.made  ## columns of all recordings and exchanges: each row, and the sums in five libraries; ARGS="--rate 60"
	@PYTHONPATH=tests $(PYTHON) tests/simulation/column_sums.py --readers $(READERS)/bin/python $(ARGS)

$(READERS)/.made: requirements/readers.txt | $(PYTHON)
	@echo "setting up $(READERS) ..." >&2
	@$(PYTHON) -m venv $(READERS)
	@$(READERS)/bin/python -m pip -qq --disable-pip-version-check --no-input install -r requirements/readers.txt
	@touch $@

PEERS := .peers
peers: $(VENV)/.dev $(PEERS)/.made  ## try other people's clients at the simulated exchanges: CLIENTS="ccxt pybit"
	@$(PYTHON) tests/peers/table.py $(PEERS)/bin/python $(CLIENTS)

$(PEERS)/.made: requirements/peers.txt | $(PYTHON)
	@echo "setting up $(PEERS) ..." >&2
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip -qq --disable-pip-version-check --no-input install -r requirements/peers.txt
	@touch $@

PACKAGE := .package
PYTHONS := $(or $(ON),$(PYTHON))
package: $(VENV)/.dev $(PACKAGE)/.made  ## build sdist and wheels, try each in new environments: ON="python3.11 python3.13" EXTRAS=cli,all
	@PYTHONPATH=tests:docs $(PYTHON) tests/package/table.py $(PACKAGE)/bin/python $(PYTHONS) --extras $(or $(EXTRAS),cli)

$(PACKAGE)/.made: requirements/package.txt | $(PYTHON)
	@echo "setting up $(PACKAGE) ..." >&2
	@$(PYTHON) -m venv $(PACKAGE)
	@$(PACKAGE)/bin/python -m pip -qq --disable-pip-version-check --no-input install -r requirements/package.txt
	@touch $@

clean:  ## remove all that was made here, .venv included
	@rm -rf $(VENV) $(PEERS) $(BENCH_PEERS) $(READERS) $(PACKAGE) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -f $(COMPILED:.pyx=.c) $(COMPILED:_fast.pyx=_fast*.so)

help:  ## list all this
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

# Set-up: what a stamp stands for is installed again when the pins or the package's facts change.

$(VENV)/.run: requirements/run.txt pyproject.toml $(COMPILED) $(HEADERS) | $(PYTHON)
	@echo "setting up $(VENV) ..." >&2
	@$(PIP) install --no-compile -r requirements/run.txt
	@$(PIP) install --no-build-isolation --no-deps -e .
	@$(BIN)/fluxum --version >&2
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/run.txt pyproject.toml $(COMPILED) $(HEADERS) | $(PYTHON)
	@echo "setting up $(VENV) ..." >&2
	@$(PIP) install --no-compile -r requirements/dev.txt
	@$(PIP) install --no-build-isolation --no-deps -e .
	@$(BIN)/fluxum --version >&2
	@touch $(VENV)/.run $@

$(PYTHON):
	@for python in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			$$python -m venv $(VENV) && exit 0; \
			rm -rf $(VENV); exit 1; \
		fi; \
	done; \
	echo "Fluxum needs Python 3.11 or newer; found: $$(python3 --version 2>&1)" >&2; exit 1
