"""A pytest plugin that notes the CPU seconds of each test, of its subprocesses too.

    pytest -p benchmarks.clock --clock FOLDER     # one <process>.json a process of the suite

It imports pytest and the standard library alone, so that what it measures is the suite.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Seconds = dict[str, float]
"""CPU seconds by phase: setup, call and teardown, as pytest has them."""


def cpu() -> float:
    """CPU seconds of this process and of its children, also (on Linux) of those that still run."""
    return sum(os.times()[:4]) + sum(map(_of, _children()))


def _children() -> list[Path]:
    """The processes that this one has started and that still run."""
    listed = Path("/proc/self/task").glob("*/children")
    return [Path("/proc", child) for path in listed for child in _said(path).split()]


def _said(path: Path) -> str:
    """What a file says, unless its thread has just ended."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _of(process: Path) -> float:
    """Of one process and of its children that have ended, as /proc has them."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the notes go."""
    parser.addoption("--clock", type=Path, required=True, help="folder for the CPU seconds")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to note."""
    config.pluginmanager.register(Clock(config.getoption("--clock")), "argo_audit_clock")


class Clock:
    """The notes of one process."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._collection = 0.0
        self._tests: dict[str, Seconds] = {}

    def pytest_collection_finish(self) -> None:
        """All that it took to come here: the interpreter, pytest and every import of a test."""
        self._collection = cpu()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Note the setup: its fixtures."""
        with self._noted(item, "setup"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Note the test itself."""
        with self._noted(item, "call"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        """Note what it leaves."""
        with self._noted(item, "teardown"):
            return (yield)

    def pytest_sessionfinish(self) -> None:
        """Write the notes; a process that distributes the tests has none."""
        if self._tests:
            process = os.environ.get("PYTEST_XDIST_WORKER", "main")
            notes = {"collection": self._collection, "tests": self._tests}
            (self._folder / f"{process}.json").write_text(json.dumps(notes), encoding="utf-8")

    @contextmanager
    def _noted(self, item: pytest.Item, phase: str) -> Iterator[None]:
        began = cpu()
        try:
            yield
        finally:
            self._tests.setdefault(item.nodeid, {})[phase] = cpu() - began
