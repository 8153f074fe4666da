"""`python -m benchmarks.suite [PYTEST OPTIONS]`: what the suite costs, in CPU seconds by file.

It runs what `make test` runs, on two processes, and prints the costliest file first: its tests,
the CPU seconds of their fixtures and of the tests themselves (subprocesses counted), then what
each process took to collect, the whole and the wall clock. A fixture that several files share is
paid by the first one that asks. The last line counts the bars that are met.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

REPOSITORY = Path(__file__).parent.parent
SUITE = (
    "--hypothesis-profile",
    "few",
    "-m",
    "not slow",
    "-n",
    "2",
    "--dist",
    "loadfile",
    "--no-loadscope-reorder",
)
"""The options of `make test`."""
WALL, COLLECTION = 150.0, 10.0
"""The bars: the wall clock of the suite, the CPU seconds of a process to collect it."""
_ROW = "{:<52} {:>6} {:>8} {:>8} {:>8}"


class Cost(NamedTuple):
    """What the tests of a file took: CPU seconds of fixtures and of tests."""

    file: str
    tests: int
    fixtures: float
    call: float

    @property
    def total(self) -> float:
        """Both."""
        return self.fixtures + self.call


class Notes(NamedTuple):
    """What the processes of a suite noted (benchmarks.clock)."""

    collection: Sequence[float]
    costs: Sequence[Cost]


def read(folder: Path) -> Notes:
    """The notes of all processes, the costliest file first."""
    noted = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    by_file: dict[str, list[dict[str, float]]] = defaultdict(list)
    for process in noted:
        for test, seconds in process["tests"].items():
            by_file[test.partition("::")[0]].append(seconds)
    costs = (_cost(file, tests) for file, tests in by_file.items())
    return Notes([n["collection"] for n in noted], sorted(costs, key=lambda c: -c.total))


def _cost(file: str, tests: Sequence[dict[str, float]]) -> Cost:
    call = sum(test.get("call", 0.0) for test in tests)
    return Cost(file, len(tests), sum(sum(test.values()) for test in tests) - call, call)


def page(notes: Notes, whole: float, wall: float) -> str:
    """The page: a line a file, then the whole, then the bars."""
    lines = [_ROW.format("File", "tests", "fixtures", "call", "CPU s")]
    lines += [_row(cost) for cost in notes.costs]
    each = ", ".join(f"{seconds:.1f}" for seconds in notes.collection)
    lines.append(f"collection, CPU s a process: {each}")
    lines.append(f"whole suite: {whole:.1f} CPU s, {wall:.1f} s wall")
    met = (wall < WALL, max(notes.collection, default=0.0) < COLLECTION)
    for name, bar, done in zip(("wall", "collection"), (WALL, COLLECTION), met, strict=True):
        lines.append(f"{'met' if done else 'not met'}: {name} under {bar:.0f} s")
    return "\n".join([*lines, f"bars met: {sum(met)} of {len(met)}"])


def _row(cost: Cost) -> str:
    seconds = (f"{s:.1f}" for s in (cost.fixtures, cost.call, cost.total))
    return _ROW.format(cost.file, cost.tests, *seconds)


def main(options: Iterable[str]) -> int:
    """Run the suite and print its page; the exit code is the suite's."""
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.clock", f"--clock={folder}"]
        before, began = sum(os.times()[2:4]), time.perf_counter()
        ended = subprocess.run([*call, *SUITE, *options], cwd=REPOSITORY, check=False)
        wall, whole = time.perf_counter() - began, sum(os.times()[2:4]) - before
        Console(width=200, soft_wrap=True).print(
            page(read(Path(folder)), whole, wall), markup=False
        )
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
