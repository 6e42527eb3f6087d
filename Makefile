PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-lowest test-versions test-wheel lint types docs ground long honest bench hunt pictures baseline clean

run: .venv/.installed
	$(BIN)/ncfcheck check --profile quick

test: .venv/.installed-test
	$(BIN)/python -m pytest -n auto

# What users' claims, machines and files do, the long tests too, as a table: situation, outcome.
ground: .venv/.installed-test
	$(BIN)/python -m pytest -n auto tests/ground --ground

# The other long tests: forged witnesses, mutated files and the like.
long: .venv/.installed-test
	$(BIN)/python -m pytest -n auto tests --ignore tests/ground --ground -m long

# Error bars held against exact margins and flows, on HONEST adversarial instances of every claim: hours.
HONEST ?= 2000
honest: .venv/.installed-test
	HONEST=$(HONEST) $(BIN)/python -m pytest -n auto tests/honest
	$(BIN)/python -m tests.honest.flow_bars $(HONEST) 0 'flow.*' 'early.*' & \
	$(BIN)/python -m tests.honest.flow_bars $(HONEST) 0 'control.*' 'conjecture.*'; \
	found=$$?; wait $$! && exit $$found

# What the lowest versions of all that is needed, and releases of Hypothesis from the lowest to the newest, can do.
test-lowest: .venv-lowest/.installed
	.venv-lowest/bin/python -m tests.versions core

test-versions: .venv/.installed-test
	$(BIN)/python -m tests.versions hypothesis

# The wheel beside packages and files of other people's with names that were ours once.
test-wheel:
	rm -rf build/wheel .venv-wheel
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	.venv-wheel/bin/python -m pip install --quiet build/wheel/*.whl properties
	.venv-wheel/bin/python tests/wheel.py

lint: .venv/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/.installed-test build/types/ncfcheck
	$(BIN)/mypy

# The documents as a site in build/site; a warning is an error.
docs: .venv/.installed-test build/types/ncfcheck
	$(BIN)/mkdocs build

# The package by its import name, for tools that look for it in folders.
build/types/ncfcheck:
	mkdir -p build/types
	ln -s ../../checker $@

bench: .venv-bench/.installed
	.venv-bench/bin/python -m benchmarks

# The eight hardest theorems, BUDGET each: `make hunt BUDGET=1h` looks longer.
BUDGET ?= 300s
hunt: .venv/.installed
	$(BIN)/python -m benchmarks.hunts --budget $(BUDGET) -o docs/hunts.md

pictures: .venv/.installed-test
	$(BIN)/python docs/pictures/make.py

baseline: .venv/.installed
	$(BIN)/ncfcheck check --profile ci --update-baseline

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/.installed-test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

.venv-lowest/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --editable . $$(sed -n 's/^    "\([a-z0-9-]*\)>=\([0-9.]*\)",$$/\1==\2/p' pyproject.toml) 2>/dev/null
	touch $@

# What the benchmarks compare with has an environment of its own; what cannot be installed there is shown as such.
.venv-bench/.installed: pyproject.toml benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --editable .
	-grep -v '^#' benchmarks/requirements.txt | xargs -n 1 .venv-bench/bin/python -m pip install --quiet
	touch $@

clean:
	rm -rf .venv .venv-bench .venv-lowest .venv-wheel build *.egg-info
