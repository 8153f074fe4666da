"""Baselines: what a reward model paid for the pairs, in numbered files that are never rewritten.

    baselines = Baselines(Path("baselines"))
    baselines.latest("main").rm_fingerprint          # of baselines/main/0003.json
    baselines.write("main", new)                     # makes 0004.json

A file holds the rewards of every pair beside what pins them: fingerprints of reward model and data,
what agreement was held to, package versions, machine. With the rewards a comparison is paired, pair
by pair, and it can be made by another measure later. What would make it a comparison of two
different things is refused with the difference; other package versions are not, they are told.
"""

import os
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from argo_audit.errors import GateError, InputError, brief
from argo_audit.files import Folder, remove_parts
from argo_audit.gates.gated_model import Data, Held
from argo_audit.outside.caps import RECORD, read_whole
from argo_audit.records import Interval, Label, Record
from argo_audit.reward_models.versions import installed
from argo_audit.stats.agreement import preference

PACKAGES = ("argo-audit", "inspect-ai", "numpy", "scipy", "torch", "transformers")
_NUMBERED = re.compile(r"(\d{4,})\.json")
_NAME = re.compile(r"[\w.-]+")


class NewBaseline(Record):
    """What a reward model paid for some pairs; `agreement` with what it was `held` to.

    `rewards` are those of (A, B), by pair id. `rm_fingerprint` is the reward model's own; of one
    that cannot say what pins it, it is made from its name and these rewards.
    """

    reward_model: str
    rm_fingerprint: str
    data_fingerprint: str
    pairs: str
    held: Held
    agreement: float | None
    interval: Interval | None
    packages: dict[str, str]
    machine: dict[str, str]
    rewards: dict[str, tuple[float, float]]


class Baseline(NewBaseline):
    """A numbered file of a baseline."""

    number: int = Field(ge=1)
    created: datetime

    def labels(self) -> dict[str, Label]:
        """What the reward model preferred, by pair id."""
        return {
            pair_id: Label(
                pair_id=pair_id,
                p_a=preference(*rewards),
                source=self.reward_model,
                rewards=rewards,
            )
            for pair_id, rewards in self.rewards.items()
        }


class Baselines:
    """A folder of baselines: one folder for each name, numbered files in it."""

    def __init__(self, folder: Path) -> None:
        """Nothing is made until something is written."""
        self.folder = folder

    def latest(self, name: str) -> Baseline:
        """The last of a name. Raises GateError where there is none, InputError for a broken one."""
        numbers = self._numbers(name)
        if not numbers:
            raise GateError(
                f"there is no baseline {name!r} in {self.folder}\n"
                "  Remedy: record one with --gate-update, on a reward model that you trust, and "
                "commit it"
            )
        return self._read(name, numbers[-1])

    def write(self, name: str, new: NewBaseline) -> Baseline:
        """Make the next number, or return the last one if that says the same already.

        Safe with several writers: a number is taken by one of them.
        """
        if not _NAME.fullmatch(name):
            raise GateError(f"{name!r} cannot name a baseline\n  Remedy: letters, digits, . _ -")
        root = Folder(self.folder)
        remove_parts((self.folder / name).glob(".*"))
        while True:
            numbers = self._numbers(name)
            if numbers and _same(last := self._read(name, numbers[-1]), new):
                return last
            made = Baseline(
                number=max(numbers, default=0) + 1, created=datetime.now(UTC), **dict(new)
            )
            root.make(name)
            content = made.model_dump_json(indent=1).encode() + b"\n"
            if root.create(f"{name}/{made.number:04d}.json", content):
                return made

    def path(self, name: str, number: int) -> Path:
        """Where a baseline lies."""
        return self.folder / name / f"{number:04d}.json"

    def _numbers(self, name: str) -> list[int]:
        there = (self.folder / name).glob("*.json")
        return sorted(int(found[1]) for path in there if (found := _NUMBERED.fullmatch(path.name)))

    def _read(self, name: str, number: int) -> Baseline:
        path = self.path(name, number)
        try:
            return Baseline.model_validate_json(read_whole(path, RECORD))
        except (OSError, ValidationError) as error:
            problem = f"not a baseline: {brief(error, Baseline)}"
            remedy = "restore it from your repository; baselines are written, never edited"
            raise InputError(path, problem, remedy) from error


def check_comparable(baseline: Baseline, data: Data, held: Held) -> None:
    """Raise GateError, with every difference, where data or judge are others than then."""
    then = _pins(baseline.data_fingerprint, baseline.held)
    now = _pins(data.file.fingerprint, held)
    different = [
        f"  {name}: {then[name]}, now {now[name]}" for name in then if then[name] != now[name]
    ]
    if different:
        lines = "\n".join(different)
        raise GateError(
            f"baseline {baseline.number:04d} is of something else, and was not compared:\n{lines}\n"
            "  Remedy: measure what was measured then, or record a new one with --gate-update, on "
            "the reward model that you trust; what is held to two things has a baseline for each"
        )


def changed(baseline: Baseline) -> tuple[str, ...]:
    """Packages and machine that are others than then, in words."""
    then = baseline.packages | baseline.machine
    now = installed(*PACKAGES) | machine()
    return tuple(
        f"{name} was {then[name]}, is {now.get(name, 'absent')}"
        for name in then
        if then[name] != now.get(name, "absent")
    )


def machine() -> dict[str, str]:
    """What numbers may depend on of this machine; nothing that names it."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": str(os.cpu_count() or 0),
    }


def _pins(data_fingerprint: str, held: Held) -> Mapping[str, str]:
    return {
        "pairs": data_fingerprint[:12],
        "labels": held.labels or "none",
        "rubric": held.rubric_id or "none",
        "judge": held.judge or "none",
    }


def _same(last: Baseline, new: NewBaseline) -> bool:
    """Whether both are of the same measurement; machine and packages may differ."""
    told = {"packages", "machine", "number", "created"}
    return last.model_dump(exclude=told) == new.model_dump(exclude=told)
