# Every target does all of its own set-up, in .venv beside this file. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test test-long lint requirements clean

help:
	@echo "make demo          set up and serve the demo and the example study at http://127.0.0.1:7860"
	@echo "make test          set up and run the linters and all tests but the long ones"
	@echo "make test-long     run the long tests"
	@echo "make lint          formatting, types and import contracts only"
	@echo "make requirements  pin requirements.txt and requirements-dev.txt anew from pyproject.toml"
	@echo "make clean         remove .venv and caches (not runs/, not var/)"

demo: $(VENV)/.serving
	$(BIN)/python app.py

test: lint browser
	$(BIN)/pytest -m "not long" --numprocesses auto --maxprocesses 4 --dist loadfile

test-long: $(VENV)/.development browser
	$(BIN)/pytest -m long

lint: $(VENV)/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The system's Chromium, else Playwright's own; without either, pytest lists the browser tests as skipped.
.PHONY: browser
browser: $(VENV)/.development
	@test -n "$$CHROMIUM" || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	command -v google-chrome >/dev/null || command -v google-chrome-stable >/dev/null || \
	$(BIN)/playwright install chromium || \
	echo "No Chromium: the tests marked 'browser' will NOT run. Debian: apt-get install chromium"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	{ echo "Python 3.11 to 3.13 is needed; choose one by: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	{ rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments. Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.serving: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the demo runs on: about 2 minutes on a fast line and 2.5 GB in $(VENV)."
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.development: requirements-dev.txt $(VENV)/.serving
	@echo "Installing the development tools: about 30 seconds and 0.3 GB more."
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@

requirements: $(VENV)/.development
	$(BIN)/python -m pip install --disable-pip-version-check uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --extra dev -c requirements.txt \
		pyproject.toml -o requirements-dev.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info
