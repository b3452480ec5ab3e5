# `make` prints what there is to make. Everything it installs goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
N ?= 30
SEEDS ?= 2000

# What decides that nobody gets a message twice: every branch of it is tested.
CORE := runner/delivery/*,runner/ledger/*,runner/plan/*,runner/guards.py
CORE := $(CORE),runner/bird/replies.py,runner/bird/client.py,runner/bird/requests.py
CORE := $(CORE),runner/pipeline/sending.py,runner/pipeline/reconciling.py
CORE := $(CORE),runner/pipeline/rebuilding.py,runner/pipeline/ledgers.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # `test` runs its parts in order, with -j too
.PHONY: help demo test lint types unit kill faults freezes pace places simulate mutants coverage bench schema docs screenshots clean

help: ## this list
	@awk -F ':.*## ' '/^[.a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.flypast ## the whole way on a bundled example: validate, plan, send to a look-alike of Bird, report
	@$(BIN)/flypast demo

.venv: .venv/.dev ## flypast and the tools to work on it, in .venv

test: lint types unit ## lint, types and unit, in order

lint: .venv/.dev ## style and common mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev ## mypy, strict
	$(BIN)/mypy

unit: .venv/.dev ## all tests
	$(BIN)/python -m pytest -q -n 3 --dist loadgroup # one more than most machines have cores: many tests wait

kill: .venv/.dev ## kill -9 at every named point of a send and at random moments, N=30 times: no double, no unseen loss
	FLYPAST_TEST_KILLS=$(N) $(BIN)/python -m pytest -q -rP -n 2 tests/faults/test_kills.py

faults: .venv/.dev ## real faults in their long form: cut replies, 200,000 x 429, restarts, full disks, signals
	FLYPAST_TEST_FAULTS=long $(BIN)/python -m pytest -q -rP -n 2 tests/faults tests/test_benchmarks.py --ignore tests/faults/test_kills.py

freezes: .venv/.dev ## stop a run past its lease, let another send the rest, wake it, N=30 times: it sends nothing more
	FLYPAST_TEST_FREEZES=$(N) $(BIN)/python -m pytest -q -rP tests/postgres/test_frozen.py

pace: .venv/.dev ## three processes at one pace of 2,000/s for 60 s, one killed, one stopped and woken: the busiest second
	FLYPAST_TEST_PACE=60 $(BIN)/python -m pytest -q -rP tests/postgres/test_shared_pace.py -k killed

chaos: .venv/.dev ## workers killed, frozen and woken, the database restarted, two sends at once, N=200000 messages: no double
	FLYPAST_TEST_CHAOS=$(or $(filter-out 30,$(N)),200000) $(BIN)/python -m pytest -q -rP tests/postgres/test_chaos.py tests/postgres/test_workers.py

places: .venv/.dev ## one mistake at each place of the examples, all of them: one finding, exactly there
	FLYPAST_TEST_PLACES=all $(BIN)/python -m pytest -q -n 2 tests/test_each_place.py

simulate: .venv/.dev ## SEEDS=2000 sends in virtual time, with every fault; SEED=123 shows that one
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

mutants: .venv/.dev ## plant faults in the code that delivers: the simulator or a test must find each
	$(BIN)/python -m tests.simulation --mutants

bench: .venv/.dev ## the figures of benchmarks/README.md on this machine: about 20 minutes
	$(BIN)/python -m benchmarks

coverage: .venv/.dev ## all tests again, measured: every branch of the core, 95 % of all of it
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n 2 --dist loadgroup
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=95
	@echo "the core:"
	$(BIN)/coverage report --fail-under=100 --include='$(CORE)'

schema: .venv/.dev ## write the generated schemas anew
	$(BIN)/python -m runner.manifest.strictness

docs: .venv/.dev ## the site of docs/, in build/docs/site: guides, every command, key and finding
	$(BIN)/python -m docs.make_site

screenshots: .venv/.dev ## the pictures of the documentation, docs/images/*.png, taken of the real pages
	$(BIN)/python -m tests.pages.screenshots

clean: ## remove .venv, caches and builds
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps: a visitor's demo does not wait for linters. Both are old as soon as the requirements change.
.venv/.flypast: pyproject.toml constraints.txt | .venv/pyvenv.cfg
	@echo "installing flypast into .venv"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/pyvenv.cfg
	@echo "installing flypast and its development tools into .venv"
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@touch .venv/.flypast $@

.venv/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { echo "flypast needs Python 3.11 or newer, and there is no $(PYTHON):" \
	  "install it, or name another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "flypast needs Python 3.11 or newer," \
	  "and $(PYTHON) is $$($(PYTHON) -V): name a newer one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) can't make virtual environments here:" \
	  "on Debian and Ubuntu, install them with: sudo apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
