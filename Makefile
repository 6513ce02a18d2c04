# Two commands on a fresh machine: `make demo` and `make test`. Python 3.11 or newer and make are all they need.

PYTHONS = python3 python3.14 python3.13 python3.12 python3.11
PYTHON ?= $(shell for p in $(PYTHONS); do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN = .venv/bin
STAMP = .venv/installed

.PHONY: help setup demo test test-fast test-all docs benchmark clean

help:
	@echo "make demo       train on the built-in diabetes patients and write a report"
	@echo "make test       everything that must hold before a change is kept"
	@echo "make test-fast  the quick ones of these tests, as measured when they last ran: while working"
	@echo "make test-all   the same, with the wide and long checks"
	@echo "make docs       these documents as a site in build/site, which opens without a network"
	@echo "make setup      only .venv with the pinned packages and the rounds command"
	@echo "make benchmark  how to measure what the documentation claims"
	@echo "make clean      remove .venv, caches and runs"

setup: $(STAMP)

# A Debian without python3-venv has no ensurepip: then the system's own pip fills the environment.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Rounds needs Python 3.11 or newer, and none was found. Install it, or say where it is: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { rm -rf .venv; $(PYTHON) -m venv --without-pip .venv; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m pip --python $(BIN)/python --version >/dev/null 2>&1 || { \
		rm -rf .venv; echo "$(PYTHON) has no pip. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; }

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the pinned packages into .venv (once; minutes on a slow line)"
	@if $(BIN)/python -m pip --version >/dev/null 2>&1; then pip="$(BIN)/python -m pip"; else pip="$(PYTHON) -m pip --python $(BIN)/python"; fi; \
		$$pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $(STAMP)

demo: setup
	@rm -rf runs/demo
	$(BIN)/rounds train diabetes --out runs/demo

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist loadscope

test-fast: setup
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -q -n 2 --dist loadscope --quick

test-all: setup
	$(BIN)/python -m pytest -q -n 2 --dist loadscope -m "slow or not slow"

docs: setup
	@$(BIN)/python -c "import material, mkdocstrings" 2>/dev/null || { \
		if $(BIN)/python -m pip --version >/dev/null 2>&1; then pip="$(BIN)/python -m pip"; else pip="$(PYTHON) -m pip --python $(BIN)/python"; fi; \
		$$pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"; }
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "build/site/index.html"

benchmark: setup
	@echo "Each script measures one claim and prints JSON; peers are in benchmarks/requirements.txt:"
	@echo "  $(BIN)/python -m pip install -r benchmarks/requirements.txt"
	@for script in $$(grep -l __main__ benchmarks/*.py) benchmarks/ward.py; do echo "  $(BIN)/python -m benchmarks.$$(basename $$script .py)"; done

clean:
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist runs
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
