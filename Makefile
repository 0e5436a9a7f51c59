# Two commands on a fresh machine: `make quickstart` and `make test`. Both make their own environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-for-tests

.PHONY: help quickstart test test-all lint docs clean
help:
	@echo "make quickstart   data, training, F1 and a graph in a few minutes"
	@echo "make test         linters, types, layers, and the tests"
	@echo "make test-all     the same with the long tests"
	@echo "make docs         the documentation as a site, in site/"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "iepile needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[train,corpus]'
	@touch $@

$(TEST_STAMP): $(STAMP)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt \
		-e '.[train,corpus,formats,embeddings,ray,baselines,graph,rouge,quant,deepspeed,gguf,onnx,plot,serve,documents,docs,dev]'
	@touch $@

quickstart: $(STAMP)
	$(BIN)/iepile quickstart

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: lint
	$(BIN)/python -m pytest -m 'not slow' -n 2

test-all: lint
	$(BIN)/python -m pytest -n 2

docs: $(TEST_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf $(VENV) runs build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
