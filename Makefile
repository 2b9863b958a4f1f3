# Needs Python >= 3.11 with pip, and nothing else: the rest goes into .venv, from pyproject.toml and constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test doctest coverage benchmark lint types docs package pins

help:  ## This list.
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

demo: $(READY)  ## Cluster 300 handwritten digits; results in demo-output/.
	$(BIN)/gfncp cluster examples/mnist-300.npz --checkpoint mnist --label-column label --output demo-output

test: $(READY)  ## Run the tests.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

doctest: $(READY)  ## Run the examples in docstrings.
	$(BIN)/pytest --doctest-modules --doctest-ignore-import-errors src

coverage: $(READY)  ## Run the tests, and name the lines that none of them reaches; fails below 90 %.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --cov --cov-report=term-missing:skip-covered

benchmark: $(READY)  ## Measure speed and memory; prints a table.
	$(BIN)/python benchmarks/speed.py

lint: $(READY)  ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(READY)  ## Build the documentation; open build/docs/index.html.
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

types: $(READY)  ## Check the types; pyright runs on Node.js, which it fetches if absent.
	$(BIN)/pyright --pythonpath $(BIN)/python

# The sdist is built from the checkout, the wheel from the sdist, and the wheel is used where nothing else is.
package: $(READY)  ## Build sdist and wheel into dist/; cluster with the wheel in an environment of its own.
	rm -rf dist build/package
	$(BIN)/python -m build --no-isolation
	$(PYTHON) -m venv --without-pip build/package
	$(PYTHON) -m pip --python build/package/bin/python install --quiet --constraint constraints.txt dist/*.whl
	build/package/bin/gfncp cluster examples/three-groups.csv --label-column group --output build/package/output

pins: $(READY)  ## Write the versions in .venv to constraints.txt, after an upgrade.
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --editable '.[dev,docs,ray]'
	sed '/^[^#]/d' constraints.txt > build/pins
	$(PYTHON) -m pip --python $(BIN)/python freeze --all --exclude-editable | sed 's/+cpu$$//' >> build/pins
	mv build/pins constraints.txt

# pip installs from outside, because some systems' Python makes no environment that has pip in it.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --constraint constraints.txt --editable '.[dev]'
	@touch $@
