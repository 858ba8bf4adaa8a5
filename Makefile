# Two commands do everything on a fresh machine with Python 3.11-3.13: `make demo` and `make test`.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS := -q --disable-pip-version-check --no-input --no-compile
ARGS ?=

# 3.12 and 3.11 first: the EPANET toolkit has its own wheels there.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; then echo $$p; break; fi; done)

.PHONY: help demo test install lint types imports unit soak screenshots lock tools peers clean

help:
	@echo "make demo         the whole system on this machine, with a simulated town   (ARGS=\"--for 180 --report out.json\")"
	@echo "make test         everything, from nothing                                       (ARGS=\"tests/unit/edge\", ARGS=\"-k spool\")"
	@echo "make install      .venv with every extra and the development tools"
	@echo "make lint         ruff, import contracts, mypy --strict"
	@echo "make soak         the long proofs"
	@echo "make screenshots  pictures of the console from a running demo, into docs/images"
	@echo "make lock         hashed locks from pyproject.toml (needs uv)"

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Khettara needs Python 3.11, 3.12 or 3.13 (on Debian: apt install python3 python3-venv)"; exit 1; fi
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module (on Debian: apt install python3-venv)"; exit 1; }
	@echo "· virtual environment with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/python
	@if [ ! -f $(VENV)/.dev ]; then echo "· installing the locked packages"; \
	$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes --only-binary=:all: -r requirements/demo.txt; fi
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
	@touch $@

# The extras too: Dask and matplotlib run in the tests, though nothing needs them.
$(VENV)/.dev: requirements/dev.txt requirements/extras.txt pyproject.toml | $(BIN)/python
	@echo "· installing the locked packages and the development tools"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes --only-binary=:all: -r requirements/dev.txt -r requirements/extras.txt
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.demo

install: $(VENV)/.dev

demo: $(VENV)/.demo
	@$(BIN)/khettara demo $(ARGS)

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy

# What the tests use beside Python: installed where we may, named where we may not. libmodbus and mbpoll are peers we did not write.
tools:
	@missing=""; command -v mosquitto >/dev/null 2>&1 || [ -x /usr/sbin/mosquitto ] || missing="$$missing mosquitto"; \
	command -v chromium >/dev/null 2>&1 || missing="$$missing chromium"; \
	command -v mbpoll >/dev/null 2>&1 || missing="$$missing mbpoll"; \
	[ -e /usr/include/modbus/modbus.h ] || missing="$$missing libmodbus-dev"; \
	command -v gcc >/dev/null 2>&1 || missing="$$missing gcc libc6-dev"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "· installing$$missing"; (apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing) >/dev/null 2>&1 \
	      || echo "could not install$$missing: the tests that need them will skip and say so"; \
	  else echo "for every test install:$$missing (on Debian: apt install$$missing); without them the tests that need them skip and say so"; fi; fi

NODE_PEERS := tests/support/timescale tests/support/modbus_peers tests/support/axe
peers:
	@if command -v npm >/dev/null 2>&1; then for folder in $(NODE_PEERS); do \
	  [ -d $$folder/node_modules ] || { echo "· installing $$folder (npm)"; \
	  (cd $$folder && npm install --silent --no-package-lock --ignore-scripts --no-audit --no-fund) || echo "npm failed: the tests that need $$folder will skip and say so"; }; \
	done; else echo "no node on this machine: the tests of TimescaleDB, of modbus-serial and of axe-core will skip and say so"; fi

# Most tests wait more than they compute, so they run in a few parts side by side (tests/support/side_by_side.py), the demonstration
# and lint too.
test: install tools peers
	@$(BIN)/python -m tests.support.side_by_side $(ARGS)

unit: install
	@$(BIN)/python -m pytest -q tests/unit $(ARGS)

soak: install tools peers
	@$(BIN)/python -m pytest -q -m slow $(ARGS)

screenshots: install tools
	@$(BIN)/python docs/screenshots.py $(ARGS)

UV := uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade -q pyproject.toml
RUN_EXTRAS := --extra edge --extra centre --extra simulator --extra embedded --extra build
lock:
	$(UV) $(RUN_EXTRAS) --extra dashboards --extra dev -o requirements/dev.txt
	$(UV) $(RUN_EXTRAS) -c requirements/dev.txt -o requirements/demo.txt
	$(UV) --extra edge --extra build -c requirements/dev.txt -o requirements/edge.txt
	$(UV) --extra scale --extra plots --extra oidc -c requirements/dev.txt -o requirements/extras.txt

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis $(addsuffix /node_modules,$(NODE_PEERS))
