"""Cells of a benchmark: run once, kept as one JSON line each, skipped when they are there.

    ledger = Ledger(out / "trials.jsonl", Finished[Trial, Outcome])
    results = measured(trials, partial(run_trial, folder=out), ledger, jobs=2, say=print)

A cell is a frozen record of its whole configuration and its key is the fingerprint of that record:
a changed default makes a new cell, an interrupted benchmark goes on where it stopped. Changed code
does not show in the key; measure it into a new folder. Only the parent process writes the file.
"""

import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Generic, TypeVar

from argo_audit.audits.workers import ONE_THREAD
from argo_audit.records import Record, fingerprint

C = TypeVar("C", bound=Record)
R = TypeVar("R", bound=Record)
T = TypeVar("T")
Say = Callable[[str], None]


class Finished(Record, Generic[C, R]):
    """A cell and what was measured."""

    cell: C
    result: R


class Ledger(Generic[C, R]):
    """The finished cells of a file, one JSON line each."""

    def __init__(self, path: Path, row: type[Finished[C, R]]):
        """Read what is there; a last line that an interruption cut off is removed."""
        self._path, self._row = path, row
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, encoding="utf-8")
        rows = map(row.model_validate_json, whole.splitlines())
        self._results = {key(finished.cell): finished.result for finished in rows}

    def get(self, cell: C) -> R | None:
        """What was measured for `cell`; None when it has yet to be run."""
        return self._results.get(key(cell))

    def add(self, cell: C, result: R) -> None:
        """Append one finished cell; it is on disk when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(self._row(cell=cell, result=result).model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._results[key(cell)] = result


def key(cell: Record) -> str:
    """16 hex digits that stand for a configuration."""
    return fingerprint(f"{type(cell).__name__} {cell.model_dump_json()}", 16)


def measured(
    cells: Sequence[C], work: Callable[[C], R], ledger: Ledger[C, R], jobs: int, say: Say
) -> Mapping[str, R]:
    """The results of all `cells` by key; those not in the ledger are run and added to it."""
    missing = [cell for cell in cells if ledger.get(cell) is None]
    say(f"{len(cells)} cells, {len(cells) - len(missing)} of them measured before")
    for cell, result in in_parallel(missing, work, jobs, say):
        ledger.add(cell, result)
    return {key(cell): found for cell in cells if (found := ledger.get(cell)) is not None}


def in_parallel(
    items: Sequence[C], work: Callable[[C], T], jobs: int, say: Say
) -> Iterator[tuple[C, T]]:
    """Each item with its result as it is done, in `jobs` new processes of one thread each."""
    if not items:
        return
    os.environ.update(ONE_THREAD)
    started, context = time.monotonic(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_start) as pool:
        waiting = {pool.submit(work, item): item for item in items}
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                yield waiting[future], future.result()
                say(_progress(done, len(items), time.monotonic() - started))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _progress(done: int, total: int, seconds: float) -> str:
    left = seconds / done * (total - done)
    return f"{done} of {total} done after {seconds:.0f} s, about {left:.0f} s left"


def _start() -> None:
    """One torch thread; the libraries' notes on their own renamed arguments are not progress."""
    import torch

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=FutureWarning)
