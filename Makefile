# Everything runs in the project's own environment, .venv, made by `make setup`.
PYTHON ?= python3
BIN := .venv/bin
APP := .venv/.app
TOOLS := .venv/.tools
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r

.PHONY: help setup app test demo bench lint reference pictures
help:  ## list what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(TOOLS)  ## make .venv and install what the app, the tests and the checks need
$(APP): requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else f"Python {v[0]}.{v[1]} was found; BlastLens needs 3.11 to 3.13: make {sys.argv[1]} PYTHON=python3.12")' $(or $(MAKECMDGOALS),setup)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what the app needs into .venv (6.6 GB, once; a few minutes) ..."
	@$(INSTALL) requirements.txt
	@touch $@
$(TOOLS): requirements-dev.txt $(APP)
	@echo "Installing what the tests and checks need into .venv (0.3 GB, once) ..."
	@$(INSTALL) requirements-dev.txt
	@touch $@

app: $(APP)  ## open the dashboard (meanwhile the demo trains unless DEMO=0, weights are fetched unless OFFLINE=1)
	@{ test "$(DEMO)" = 0 || $(BIN)/python -m modelzoo demo --once --queue >> demo.log 2>&1; \
	   test "$(OFFLINE)" = 1 || $(BIN)/python -m modelzoo weights --fetch >> fetch.log 2>&1; } &
	@$(BIN)/python -m streamlit run streamlit_app.py

test: $(TOOLS)  ## pass every test
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/python -m tests.clusters.slurm_here
	@$(BIN)/python -m tests.clusters.ray_here
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

demo: $(APP)  ## make synthetic smears and train on them what has ImageNet weights here
	@$(BIN)/python -m modelzoo demo

bench: $(TOOLS)  ## measure speed, as ratios side by side
	@$(BIN)/python -m benchmarks.training

lint: $(TOOLS)  ## style, types and who may import whom
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports

reference: $(APP)  ## train the papers' systems on one GPU: DATA="--data all-pbs=FOLDER --data c-nmc=FOLDER"
	@$(BIN)/python -m docs.train_reference $(DATA)

pictures: $(TOOLS)  ## draw the README's pictures from the running app
	@$(BIN)/python -m docs.pictures
