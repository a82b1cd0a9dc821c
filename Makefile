# make demo | desktop | screenshots | screenshots-dark | test | quick | windows | bench | lint | audit | format | site | clean. Everything runs from .venv, which is set up when it is needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
QUICK := Testing/Layering $(addprefix Testing/Lib/,network volume model output inference datasets judge)
TORCH := $(shell sed -n '/^torch==/p' constraints.txt)

.DEFAULT_GOAL := help
.PHONY: help demo desktop screenshots screenshots-dark test quick windows bench lint audit format site clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    segment the brain of the MNI152 template, then both hippocampi; says where the results are"
	@echo "make desktop the module's panel and slice views in a window of its own, without Slicer"
	@echo "make screenshots  take the pictures of the tutorial"
	@echo "make screenshots-dark  the same in a dark theme, to be looked at"
	@echo "make test    run all tests"
	@echo "make quick   the tests that take no minute together"
	@echo "make windows the tests of library, scenes and panel with Python for Windows, under Wine"
	@echo "make bench   how long CompactSeg and others take here; writes benchmarks/RESULTS.md"
	@echo "make lint    ruff and mypy"
	@echo "make audit   known vulnerabilities of the packages in constraints.txt; needs the network"
	@echo "make format  let ruff put the code into shape"
	@echo "make site    the documentation as a site, in build/site"
	@echo "make clean   remove .venv, caches and results of the demo"

demo: $(VENV)/.installed-demo
	@$(BIN)/python examples/demo.py

# On a machine without a screen: make desktop ARGUMENTS='--segment --screenshot desktop.png'
desktop: $(VENV)/.installed-development
	@$(BIN)/python Testing/Qt/desktop.py $(ARGUMENTS)

# PICTURES='start region' takes these only
screenshots: $(VENV)/.installed-development
	@$(BIN)/python docs/make_screenshots.py $(PICTURES)

screenshots-dark: $(VENV)/.installed-development
	@$(BIN)/python docs/make_screenshots.py --dark $(PICTURES)

# Without their bytecode each of the many processes that tests start compiles the library anew.
test quick: export PYTHONDONTWRITEBYTECODE =

# Each core begins with a part of the files, in a process with a scene, a window and workers of its own, and takes tests
# of others when its own are done.
test: $(VENV)/.installed-development
	$(BIN)/python -m pytest -n auto --dist worksteal

# What starts no process, trains nothing and opens no window; few drawn examples.
quick: $(VENV)/.installed-development
	@HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest -n auto -q -m 'not slow' $(QUICK)

# ARGUMENTS='-m CompactSegLib.cli models' runs something else than the tests
windows: $(VENV)/.installed-development
	@$(BIN)/python Testing/Windows/windows_python.py $(ARGUMENTS)

# ARGUMENTS='--parts head --repeats 1' measures less
bench: $(VENV)/.installed-development
	@$(BIN)/python -m benchmarks.bench $(ARGUMENTS)

lint: $(VENV)/.installed-development
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

# Strict: a package that nobody could look up is a failure, not a pass. The report is there only if all were looked up.
audit: build/audit/bin/pip-audit
	@rm -f build/audit/report
	@$< --strict --disable-pip --no-deps --requirement constraints.txt --output build/audit/report 2> build/audit/log; \
	failed=$$?; \
	if [ -s build/audit/report ]; then cat build/audit/report; \
	elif [ $$failed = 0 ]; then tail -n 1 build/audit/log; \
	else echo "constraints.txt: not audited, as advisories could not be had ($$(tail -n 1 build/audit/log | cut -c 1-200));" \
	"run make audit where the network reaches them." >&2; fi; exit $$failed

build/audit/bin/pip-audit:
	@$(PYTHON) -m venv build/audit && build/audit/bin/python -m pip --disable-pip-version-check --quiet install pip-audit \
	|| { echo "constraints.txt: not audited, as pip-audit could not be installed; run make audit with a network." >&2; exit 1; }

format: $(VENV)/.installed-development
	$(BIN)/python -m ruff check --fix
	$(BIN)/python -m ruff format

site: $(VENV)/.installed-site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist demo-output

# Stamps: an installation is repeated when what it was made from changes.
$(VENV)/.installed-demo: pyproject.toml $(VENV)/.installed-torch
	$(PIP) install --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/.installed-development: pyproject.toml $(VENV)/.installed-torch
	$(PIP) install --constraint constraints.txt --editable '.[demo,dicom-seg,dask,training,test,test-slicer,lint]'
	@touch $(VENV)/.installed-demo $@

$(VENV)/.installed-site: pyproject.toml $(VENV)/.installed-torch
	$(PIP) install --constraint constraints.txt --editable '.[docs]'
	@touch $@

# Before anything that depends on torch, and alone: with torch absent, another package's open range
# would bring the newest build there is, with gigabytes of CUDA libraries.
$(VENV)/.installed-torch: constraints.txt $(VENV)/.made
	$(PIP) install --constraint constraints.txt '$(TORCH)'
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The versions in constraints.txt need Python 3.11 or newer, and $(PYTHON) is %d.%d; name another one: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Setting up $(VENV), which takes some minutes the first time"
	$(PYTHON) -m venv $(VENV)
	@touch $@
