"""The folder of one search: its record first, then every attempt as it happens.

    folder = RunFolder.create(Path("out/runs/my-rm"), run)
    folder.add(attempt)                # one line in attempts.jsonl, on disk when this returns
    folder.finish("completed")

    folder = RunFolder.reopen(Path("out/runs/my-rm"), run)      # after kill -9
    folder.journal.attempts            # all that was on disk

A search may die at any moment. What it has learned by then stays readable: `run.json` is written
before anything else, and records are appended as lines, flushed and synced. Only the last line can
be torn; `reopen` cuts it off. A folder belongs to one run: another run, or the same with another
configuration or other data, is refused with the difference shown.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from argo_audit.errors import RunFolderError, brief
from argo_audit.files import RUN_FILE, append, check_free, write_whole
from argo_audit.records import Attempt, Measurement, PolicyPrompt, Run, Step, Weighing
from argo_audit.search.journal import FILES, Journal, cut_torn_line, read_journal, read_run

_OF_THE_RUN = ("id", "config", "seed", "data_fingerprint", "rm_fingerprint", "packages")
COMPLETED = "completed"
Progress = Callable[[int, Attempt | None], None]


class RunFolder:
    """Writes one run's records; the search's Memory."""

    def __init__(self, path: Path, run: Run, progress: Progress):
        self.path, self.run, self._record = path, run.id, run
        self.progress = progress
        self.go_on: Callable[[], bool] = lambda: True
        self.journal = Journal()

    @classmethod
    def create(cls, path: Path, run: Run, progress: Progress = lambda *_: None) -> Self:
        """Start a run in a new or empty folder. Raises RunFolderError when it holds anything."""
        check_free(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"{path} cannot be made ({brief(error)}).\n  Remedy: name another folder"
            ) from error
        folder = cls(path, run, progress)
        folder._write_run()
        return folder

    @classmethod
    def begin(cls, path: Path, run: Run, progress: Progress = lambda *_: None) -> Self:
        """Create the folder of a run, or reopen it where the run has been begun before."""
        begun = (path / RUN_FILE).is_file()
        return cls.reopen(path, run, progress) if begun else cls.create(path, run, progress)

    @classmethod
    def reopen(cls, path: Path, run: Run, progress: Progress = lambda *_: None) -> Self:
        """Go on with the run of a folder, which must be `run` in all but its times.

        A torn last line of a file is cut off. Raises RunFolderError when the folder holds another
        run, with the differences, and InputError for a line that cannot be read.
        """
        begun = read_run(path)
        check_same(path, _same(begun), _same(run))
        if begun.outcome != COMPLETED:
            now = (*begun.resumed, datetime.now(UTC))
            update = {"resumed": now, "ended": None, "outcome": "running"}
            begun = begun.model_copy(update=update)
        folder = cls(path, begun, progress)
        for kind, name in FILES.items():
            cut_torn_line(kind, path / name)
        folder.journal = read_journal(path)[0]
        folder._write_run()
        return folder

    @property
    def outcome(self) -> str:
        """How the run ended, or "running"."""
        return self._record.outcome

    @property
    def started(self) -> datetime:
        """When the run began, the first time."""
        return self._record.started

    def add(self, *records: PolicyPrompt | Attempt | Step | Measurement | Weighing) -> None:
        """Append records to their files, those of a kind at once; on disk when this returns."""
        for kind, name in FILES.items():
            lines = [r.model_dump_json() + "\n" for r in records if isinstance(r, kind)]
            if lines:
                append(self.path / name, "".join(lines))
        self.journal.take(records)

    def finish(self, outcome: str) -> None:
        """Record when and how the run ended, and what it took."""
        ended = {"ended": datetime.now(UTC), "outcome": outcome, "used": self.journal.used()}
        self._record = self._record.model_copy(update=ended)
        self._write_run()

    def _write_run(self) -> None:
        write_whole(self.path / RUN_FILE, self._record.model_dump_json(indent=1) + "\n")


def check_same(path: Path, begun: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise RunFolderError, with every difference, unless both are equal."""
    differences = list(_differences(begun, now))
    if differences:
        lines = "\n".join(f"  {line}" for line in differences)
        raise RunFolderError(
            f"{path} already holds a run with another configuration; nothing in it was touched:\n"
            f"{lines}\n  Remedy: go on as it was begun, or name another folder"
        )


def _same(run: Run) -> dict[str, Any]:
    return run.model_dump(mode="json", include=set(_OF_THE_RUN))


def _differences(begun: Any, now: Any, where: str = "") -> Iterator[str]:
    """Every place in which two JSON values differ, as "search.steps: 40, now 60"."""
    if isinstance(begun, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*begun, *now]):
            yield from _differences(
                begun.get(key), now.get(key), f"{where}.{key}" if where else str(key)
            )
    elif begun != now:
        yield f"{where}: {begun}, now {now}"
