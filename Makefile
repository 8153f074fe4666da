# Two commands on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# One torch thread per process, and no spinning threads: several times faster on a busy small machine.
export OMP_NUM_THREADS = 1
export OMP_WAIT_POLICY = PASSIVE

.PHONY: demo test check lock bench bench-judge bench-coverage bench-evals bench-audit bench-gate bench-report clean

demo: .venv/installed
	$(BIN)/argo-audit demo

test: .venv/installed
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed
	$(BIN)/python -m benchmarks

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

# Everything a developer needs, at the versions of the lock.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,dev]'
	touch $@

# Locks every dependency of every extra; run it after changing pyproject.toml. One torch for all.
lock: .venv/installed
	$(BIN)/uv pip compile pyproject.toml --all-extras --python-version 3.11 --universal \
	  --no-annotate --no-header --output-file constraints.txt --upgrade
	sed -i -E '/^torch==/d' constraints.txt
	echo 'torch==2.13.0' >> constraints.txt

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
