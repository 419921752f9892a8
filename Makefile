# What there is to do here: `make help`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
TEST_PATH := lib:fakes/qm:tests:.
GUEST_IMAGE := PYTHONPATH=fakes/qm $(PY) -m fake_pve.guests.image
# Bytecode is kept: each worker would compile all tests otherwise.
# Twice as many workers as processors: tests also wait, for guests and for processes. Neighbours stay in one process: they share guests.
WORKERS := $(shell expr $$(nproc) \* 2)
REPORT := build/acceptance
# In CI it is build/reliability.md, which is ignored, and every test that ends is told.
RELIABILITY_REPORT ?= docs/reliability.md
RELIABILITY_OUTPUT ?= -q
CHECKED := phoenix.py lib fakes/qm tests features

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fmt types schemas coverage bench reliability soak guest-image shell acceptance acceptance-clean acceptance-loopback record clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make ./phoenix.py work from this checkout (needs Python 3.11+ with venv)

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "phoenix needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	@test -x $(PY) || { echo "setting up $(VENV) …"; $(PYTHON) -m venv $(VENV) || { echo "hint: apt-get install python3-venv"; exit 1; }; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.ready pyproject.toml
	@echo "installing what the tests need …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.ready ## create, re-create, show, enter and delete VM 8001 on an embedded fake node
	@$(GUEST_IMAGE) --if-possible
	@fakes/qm/tools/demo.sh

test: $(VENV)/.dev ## the whole suite: features against the fake node, unit, property and contract tests
	@$(GUEST_IMAGE) --if-possible
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n $(WORKERS) --dist worksteal -q

lint: $(VENV)/.dev ## check style and formatting; change nothing
	@$(PY) -m ruff check $(CHECKED)
	@$(PY) -m ruff format --check $(CHECKED)

fmt: $(VENV)/.dev ## mend style and formatting
	@$(PY) -m ruff check --fix $(CHECKED)
	@$(PY) -m ruff format $(CHECKED)

types: $(VENV)/.dev ## mypy, strict
	@$(PY) -m mypy

schemas: $(VENV)/.ready ## write schemas/ from the models
	@$(PY) -m phoenix_pve.schemas schemas

coverage: $(VENV)/.dev ## write docs/fake-coverage.md from the fake and the recordings
	@$(PY) fakes/qm/tools/coverage.py

bench: $(VENV)/.dev ## print calls and times beside their budgets
	@$(PY) tests/bench.py

guest-image: $(VENV)/.ready ## build what guests that can be entered are made of; once, one to two minutes
	@$(GUEST_IMAGE) simulated

reliability: $(VENV)/.dev ## kill, disturb and race everything; write docs/reliability.md (half an hour)
	@mkdir -p build; : >build/reliability.jsonl
	@RELIABILITY=1 RELIABILITY_FIGURES=$(CURDIR)/build/reliability.jsonl \
	  $(PY) -m pytest -n $(WORKERS) --dist worksteal $(RELIABILITY_OUTPUT) tests/reliability; status=$$?; \
	  $(PY) tests/reliability/report.py build/reliability.jsonl $(RELIABILITY_REPORT) && rm -f build/reliability.jsonl && exit $$status

soak: $(VENV)/.dev ## 500 random life cycles with random trouble; a failure prints its seed
	@$(PY) tests/reliability/soak.py

shell: $(VENV)/.ready ## a shell with the fake qm, pct and pvesm on PATH and a fresh node to play with
	@fakes/qm/tools/shell.sh

acceptance: $(VENV)/.dev ## the Gherkin features against the fake node, or with HOST=pve1 against a real one; see docs/acceptance.md
	@ACCEPTANCE_HOST='$(HOST)' ACCEPTANCE_NODE=here ACCEPTANCE_REPORT=$(REPORT) KEEP='$(KEEP)' $(PY) -m pytest -q features/test_features.py \
	  --junitxml=$(REPORT)/junit.xml $(if $(HOST),-p no:xdist,-n auto)

acceptance-clean: $(VENV)/.dev ## remove what a broken-off `make acceptance HOST=…` left on that host
	@PYTHONPATH=$(TEST_PATH) $(PY) -m features.acceptance '$(HOST)'

acceptance-loopback: $(VENV)/.dev ## all features with the fake node behind a real sshd, then as against a real node with other names
	@ACCEPTANCE_NODE=ssh ACCEPTANCE_REPORT=$(REPORT)/loopback $(PY) -m pytest -q -n auto features/test_features.py
	@PYTHONPATH=$(TEST_PATH) $(PY) -m tests.remote.stand_in $(MAKE) acceptance HOST=stand-in REPORT=$(REPORT)/stand-in

record: $(VENV)/.dev ## record what the node HOST=pve1 does, and tell how the fake differs; see docs/acceptance.md
	@PYTHONPATH=$(TEST_PATH) $(PY) -m conformance.record '$(HOST)'

clean: ## remove what was built here, and end the guests that were started from here
	@PYTHONPATH=fakes/qm $(PYTHON) -m fake_pve.guests.sweep --here || true
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
