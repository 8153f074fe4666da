"""The folder of one search: its record first, then every attempt as it happens.

    folder = RunFolder.create(Path("out/runs/my-rm"), run)
    folder.add(attempt)                # one line in attempts.jsonl, on disk when this returns
    folder.finish("completed")

A search may die at any moment. What it has learned by then stays readable: `run.json` is written
before anything else, and each record is one line, flushed and synced on its own. A folder belongs
to one run; another run is refused rather than mixed in.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from argo_audit.errors import RunFolderError
from argo_audit.records import Attempt, Measurement, PolicyPrompt, Record, Run

RUN_FILE = "run.json"
FILES: dict[type[Record], str] = {
    Attempt: "attempts.jsonl",
    Measurement: "measurements.jsonl",
    PolicyPrompt: "prompts.jsonl",
}
_RUNS_IN_AN_OUT = (RUN_FILE, f"runs/*/{RUN_FILE}", f"*/runs/*/{RUN_FILE}")  # a run, audit, demo
Progress = Callable[[int, Attempt | None], None]


class RunFolder:
    """Writes one run's records; the search's Memory."""

    def __init__(self, path: Path, run: Run, progress: Progress):
        self.path, self.run, self._record = path, run.id, run
        self.progress = progress

    @classmethod
    def create(cls, path: Path, run: Run, progress: Progress = lambda *_: None) -> Self:
        """Start a run in a new or empty folder. Raises RunFolderError when it holds anything."""
        check_free(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"{path} cannot be made ({error.strerror}).\n  Remedy: name another --out"
            ) from error
        folder = cls(path, run, progress)
        folder._write_run(run)
        return folder

    def add(self, record: PolicyPrompt | Attempt | Measurement) -> None:
        """Append one record to its file; it is on disk when this returns."""
        with (self.path / FILES[type(record)]).open("a", encoding="utf-8") as file:
            file.write(record.model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def finish(self, outcome: str) -> None:
        """Record when and how the run ended."""
        ended = {"ended": datetime.now(UTC), "outcome": outcome}
        self._write_run(self._record.model_copy(update=ended))

    def _write_run(self, run: Run) -> None:
        write_whole(self.path / RUN_FILE, run.model_dump_json(indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file, replacing an earlier one; a reader never sees a part of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def check_free(path: Path) -> None:
    """Raise RunFolderError unless `path` is absent or an empty folder."""
    if not path.exists():
        return
    if not path.is_dir():
        raise RunFolderError(
            f"{path} is a file; the output needs a folder.\n  Remedy: name another --out"
        )
    if any(path.iterdir()):
        held = _held(path)
        raise RunFolderError(
            f"{path} already holds {held}; nothing in it was touched.\n"
            "  Remedy: name another --out, or move the folder away"
        )


def _held(path: Path) -> str:
    runs = sorted(found for pattern in _RUNS_IN_AN_OUT for found in path.glob(pattern))
    if not runs:
        return "files"
    try:
        run = Run.model_validate_json(runs[0].read_bytes())
    except ValueError:
        return f"another run ({runs[0]})"
    return f"another run: {run.id}, started {run.started:%Y-%m-%d %H:%M} ({run.outcome})"
