"""What a search has on record: its files, and how they are read after it was cut short.

    journal, torn = read_journal(Path("out/runs/my-rm"))
    journal.attempts[-1].policy_reward, journal.used()["judge, training"].calls

Each file holds records of one kind, one JSON line each, in the order in which they happened. Since
lines are appended and synced, an interruption can tear the last line only.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from argo_audit.errors import InputError, problems
from argo_audit.files import RUN_FILE, append, cut
from argo_audit.outside.caps import RECORD, read_lines, read_whole
from argo_audit.records import (
    Attempt,
    Measurement,
    PolicyPrompt,
    Record,
    Run,
    Step,
    Usage,
    Weighing,
)

FILES: dict[type[Record], str] = {
    Attempt: "attempts.jsonl",
    Measurement: "measurements.jsonl",
    PolicyPrompt: "prompts.jsonl",
    Step: "steps.jsonl",
    Weighing: "lines.jsonl",
}
_REMEDY = "point at the folder of a search, or run the search again into a new folder"
R = TypeVar("R", bound=Record)


@dataclass
class Journal:
    """What a search has on record, in the order in which it happened."""

    attempts: list[Attempt] = field(default_factory=list)
    prompts: list[PolicyPrompt] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    weighings: list[Weighing] = field(default_factory=list)

    def take(self, records: Iterable[Record]) -> None:
        """Append records, each to the list of its kind."""
        lists: dict[type[Record], list[Any]] = {
            Attempt: self.attempts,
            Measurement: self.measurements,
            PolicyPrompt: self.prompts,
            Step: self.steps,
            Weighing: self.weighings,
        }
        for record in records:
            lists[type(record)].append(record)

    def asked_lines(self) -> Usage:
        """What asking lines took; a judge may tell what it was spared beside its usage."""
        spared = sum(max(0, one.saved - one.usage.saved) for one in self.weighings)
        return Usage.total(one.usage for one in self.weighings) + Usage(saved=spared)

    def used(self) -> dict[str, Usage]:
        """What the search took, by role and phase."""
        return ({"judge, lines": self.asked_lines()} if self.weighings else {}) | {
            "judge, training": Usage.total(attempt.usage for attempt in self.attempts),
            "judge, selection": Usage.total(measured.usage for measured in self.measurements),
            "policy": Usage.total(step.policy for step in self.steps),
            "rewriter": Usage.total(step.rewriter for step in self.steps),
        }


def read_run(folder: Path) -> Run:
    """The record of a search. Raises InputError when there is none that can be read."""
    path = folder / RUN_FILE
    if not path.is_file():
        raise InputError(path, "no run is recorded here", _REMEDY)
    return _parse(Run, read_whole(path, RECORD), path, None)


def read_journal(folder: Path) -> tuple[Journal, int]:
    """What a search has on record, and how many lines were torn by an interruption.

    A torn line is a last line without an end that cannot be read: it is left out and counted.
    Raises InputError for any other bad line; missing files hold nothing.
    """
    journal, torn = Journal(), 0
    for kind, name in FILES.items():
        records, cut = _read_lines(kind, folder / name)
        journal.take(records)
        torn += cut
    return journal, torn


def cut_torn_line(kind: type[Record], path: Path) -> None:
    """Cut a torn last line off a file of records, or end one that is whole but for its end."""
    if not path.is_file():
        return
    last = deque(read_lines(path), maxlen=1).pop() if path.stat().st_size else b"\n"
    if last.endswith(b"\n"):
        return
    try:
        kind.model_validate_json(last)
    except ValidationError:
        cut(path, path.stat().st_size - len(last))
    else:
        append(path, "\n")


def _read_lines(kind: type[R], path: Path) -> tuple[list[R], int]:
    """The records of a JSONL file, and how many lines at its end were torn (0 or 1)."""
    if not path.is_file():
        return [], 0
    records: list[R] = []
    for number, line in enumerate(read_lines(path), start=1):
        if line.endswith(b"\n"):
            records.append(_parse(kind, line[:-1], path, number))
            continue
        try:
            records.append(kind.model_validate_json(line))
        except ValidationError:
            return records, 1
    return records, 0


def _parse(kind: type[R], line: bytes, path: Path, number: int | None) -> R:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        problem = f"not a {kind.__name__}: {problems(error, kind, quote=False)[0]}"
        raise InputError(path, problem, _REMEDY, number) from error
