"""Everything an audit is made from, read from what a search has left on disk.

    record = load_run(Path("out/runs/a-rm"))
    inputs = AuditInputs("Audit of my-rm", (record,), stored, evaluations)

Optional parts default to nothing, and a section that lacks its part says so: the audit of a search
that died half-way is still an audit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from argo_audit.agreement import Difference
from argo_audit.errors import InputError
from argo_audit.organism.populations import PlantedPreference
from argo_audit.records import (
    Agreement,
    Attempt,
    Conformance,
    Measurement,
    Record,
    Run,
    StoredRubric,
)

if TYPE_CHECKING:  # reading logs takes Inspect and pandas; a report needs only what was read
    from argo_audit.evals.logs import Evaluation

R = TypeVar("R", bound=Record)

RAW = "human"  # the label source of raw labels; any other is a reward model's name

_REMEDY = "point at the folder of a search, or run the search again into a new folder"


@dataclass(frozen=True)
class RunRecord:
    """One search as its folder holds it, and the file of the held-out pairs where it is known.

    `cut_off` counts last lines lost to an interruption.
    """

    run: Run
    attempts: tuple[Attempt, ...]
    measurements: tuple[Measurement, ...]
    folder: Path
    cut_off: int = 0
    held_out: Path | None = None


@dataclass(frozen=True)
class Planted:
    """What a population is known to prefer; `ceiling` is its rubric's held-out agreement."""

    preferences: tuple[PlantedPreference, ...]
    ceiling: Agreement | None = None


@dataclass(frozen=True)
class AuditInputs:
    """All that goes into a report. Mappings are keyed by population, except `log_files`.

    `planted` is what is known to be true; `rm_on_raw` how the reward model's own labels agree with
    the raw ones on held-out pairs; `differences` the paired difference in held-out agreement,
    RM-trained minus raw-trained, on the reward model's labels; `conformance` what was checked of
    reward models; `commands` repeat the audit.
    `log_files` says where the evaluation logs lie, by their names, as far as that is known.
    """

    title: str
    runs: tuple[RunRecord, ...]
    stored: tuple[StoredRubric, ...] = ()
    evaluations: "tuple[Evaluation, ...]" = ()
    log_files: Mapping[str, Path] = field(default_factory=dict)
    planted: Mapping[str, Planted] = field(default_factory=dict)
    rm_on_raw: Mapping[str, Agreement] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)
    conformance: Mapping[str, tuple[Conformance, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


def load_run(folder: Path) -> RunRecord:
    """Read `run.json`, `attempts.jsonl` and `measurements.jsonl` of one search.

    A last line without an end that cannot be read was cut off by an interruption: it is left out
    and counted. Raises InputError for a missing or unreadable `run.json` and for any other bad
    line; missing attempts or measurements are none.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise InputError(path, "no run is recorded here", _REMEDY)
    run = _parse(Run, path.read_bytes(), path, None)
    attempts, cut_attempts = _read_lines(Attempt, folder / "attempts.jsonl")
    measurements, cut_measurements = _read_lines(Measurement, folder / "measurements.jsonl")
    return RunRecord(run, attempts, measurements, folder, cut_attempts + cut_measurements)


def _read_lines(kind: type[R], path: Path) -> tuple[tuple[R, ...], int]:
    """The records of a JSONL file, and how many lines at its end were cut off (0 or 1)."""
    if not path.is_file():
        return (), 0
    *whole, last = path.read_bytes().split(b"\n")
    records = tuple(_parse(kind, line, path, i) for i, line in enumerate(whole, start=1))
    if not last:
        return records, 0
    try:
        return (*records, kind.model_validate_json(last)), 0
    except ValidationError:
        return records, 1


def _parse(kind: type[R], line: bytes, path: Path, number: int | None) -> R:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        problem = f"not a {kind.__name__}: {where}: {first['msg']}"
        raise InputError(path, problem, _REMEDY, number) from error
