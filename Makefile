# Everything a fresh machine needs: `make demo` shows what Vanisher does, `make test` proves it.
# Needs python3 (3.11 or newer) with its venv module, and a package index for pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.vanisher-stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: help venv demo test lint page-tools gallery rooms evaluate soak fuzz bench bench-daemon bench-gimp bench-batch torture clean

help:
	@echo "make demo      erase something from a photograph and show before and after"
	@echo "make test      the whole test suite"
	@echo "make lint      ruff and pyright"
	@echo "make page-tools  what the tests of the browser page need from npm (axe-core, TypeScript)"
	@echo "make gallery   a page of erasures on real photographs (prints where)"
	@echo "make rooms     rendered rooms, furnished and empty (prints where)"
	@echo "make evaluate  tables of quality and speed beside other tools"
	@echo "make soak fuzz torture   the daemon under load and under odd requests; a batch under kill -9"
	@echo "make bench     speed and memory beside other tools: erase, panorama, daemon, GIMP, batch"
	@echo "make clean     remove the environment and everything built"

venv: $(STAMP)

# torch first, by its constraint: any later plain "torch" requirement is then met already.
$(STAMP): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (a few minutes and about 1.5 GB the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --constraint constraints.txt torch
	@$(PIP) install --constraint constraints.txt --editable ".[demo,test,dev,bench]"
	@echo "Compiling the fill's inner loops once, so that the first erase is quick ..."
	@$(BIN)/python -c "from panorama import views; from vanisher_core import detail, shifts; detail.warm_up(); shifts.warm_up(); views.warm_up()"
	@touch $@

demo: $(STAMP)
	@$(BIN)/python -m samples.demo

# one worker for each core, at most four: every worker loads torch. A file's tests stay together, since they share processes.
test: $(STAMP)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/pyright

gallery: $(STAMP)
	@$(BIN)/python -m training.gallery

# no lock file: it would name the registry it was written with
page-tools:
	@npm install --silent --no-fund --no-audit --no-package-lock --prefix tests/local_server/page_tools

rooms: $(STAMP)
	@$(BIN)/python -m panorama.rooms --seeds 10000-10023 --width 1024 --out runs/rooms

soak fuzz: $(STAMP)
	@$(BIN)/python -m tests.local_server.$@

torture: $(STAMP)
	@$(BIN)/python -m tests.vanisher_core.batch_torture

bench: bench-daemon bench-gimp bench-batch
	@status=0; $(BIN)/python -m training.evaluate speed || status=1; \
	    $(BIN)/python -m training.evaluate panorama --rooms 1 --speed || status=1; exit $$status

bench-daemon: $(STAMP)
	@$(BIN)/python -m tests.local_server.benchmarks

bench-gimp: $(STAMP)
	@$(BIN)/python -m tests.gimp_plugin.benchmarks

bench-batch: $(STAMP)
	@$(BIN)/python -m tests.vanisher_core.batch_benchmarks all --ray

evaluate: $(STAMP)
	@status=0; for part in inpaint segment speed; do \
	    $(BIN)/python -m training.evaluate $$part || status=1; done; exit $$status

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
