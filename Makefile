# Needs Python >= 3.11 with pip, and nothing else: the rest goes into .venv, from pyproject.toml and constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test coverage benchmark lint types

help:  ## This list.
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

demo: $(READY)  ## Cluster 300 handwritten digits; results in demo-output/.
	$(BIN)/gfncp cluster examples/mnist-300.npz --checkpoint mnist --label-column label --output demo-output

test: $(READY)  ## Run the tests.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

coverage: $(READY)  ## Run the tests, and name the lines that none of them reaches; fails below 90 %.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --cov --cov-report=term-missing:skip-covered

benchmark: $(READY)  ## Measure speed and memory; prints a table.
	$(BIN)/python benchmarks/speed.py

lint: $(READY)  ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check the types of the public interface; pyright runs on Node.js, which it fetches if absent.
	$(BIN)/pyright --pythonpath $(BIN)/python

# pip installs from outside, because some systems' Python makes no environment that has pip in it.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --constraint constraints.txt --editable '.[dev]'
	@touch $@
