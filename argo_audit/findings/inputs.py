"""Everything an audit is made from, read from what a search has left on disk.

    record = load_run(Path("out/runs/a-rm"))
    inputs = AuditInputs("Audit of my-rm", (record,), stored, evaluations)

Optional parts default to nothing, and a section that lacks its part says so: the audit of a search
that died half-way is still an audit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from argo_audit.organism.populations import PlantedPreference
from argo_audit.probes.probe import Probed
from argo_audit.records import (
    Agreement,
    Attempt,
    Conformance,
    Measurement,
    Run,
    StoredRubric,
    Usage,
)
from argo_audit.search.journal import read_journal, read_run
from argo_audit.stats.agreement import Difference

if TYPE_CHECKING:  # reading logs takes Inspect and pandas; a report needs only what was read
    from argo_audit.evals.logs import Evaluation
    from argo_audit.findings.crossing import Crossing
    from argo_audit.judges.judge_checks import JudgeFound


@dataclass(frozen=True)
class RunRecord:
    """One search as its folder holds it, and the file of the held-out pairs where it is known.

    `cut_off` counts last lines lost to an interruption; `asked_lines` is what asking the judge
    about lines took, which is in no attempt.
    """

    run: Run
    attempts: tuple[Attempt, ...]
    measurements: tuple[Measurement, ...]
    folder: Path
    cut_off: int = 0
    held_out: Path | None = None
    asked_lines: Usage = field(default_factory=Usage)


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
    RM-trained minus raw-trained, on the reward model's labels; `conformance` what was checked
    of reward models, in the files `checks`, and `judge_checks` what was of judges; `probed` are
    their edited responses, by their names, and `probe_logs` the names of the logs that hold
    them, oldest first; `intent` is what the user wants rewarded, as a rubric; `crossings` set
    two populations' pairs, labels and rubrics against each other; `commands` repeat the audit.
    `log_files` says where the evaluation logs lie, by their names, as far as that is known:
    paths, or URLs. `kept` are the files of `planted`, `rm_on_raw` and `differences`; `files` is
    everything on this machine that numbers come from, and `made_from` is what is needed to put
    these inputs together again.
    """

    title: str
    runs: tuple[RunRecord, ...]
    stored: tuple[StoredRubric, ...] = ()
    evaluations: "tuple[Evaluation, ...]" = ()
    log_files: Mapping[str, Path | str] = field(default_factory=dict)
    planted: Mapping[str, Planted] = field(default_factory=dict)
    rm_on_raw: Mapping[str, Agreement] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)
    conformance: Mapping[str, tuple[Conformance, ...]] = field(default_factory=dict)
    probed: Mapping[str, tuple[Probed, ...]] = field(default_factory=dict)
    probe_logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    intent: str = ""
    crossings: "tuple[Crossing, ...]" = ()
    notes: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    judge_checks: "Mapping[str, tuple[JudgeFound, ...]]" = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    checks: tuple[Path, ...] = ()
    kept: Mapping[str, Path] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    made_from: Mapping[str, JsonValue] = field(default_factory=dict)


def load_run(folder: Path) -> RunRecord:
    """Read what one search has on record; see `journal` for torn lines.

    Raises InputError for a missing or unreadable `run.json` and for any other bad line; missing
    attempts or measurements are none.
    """
    run = read_run(folder)
    journal, torn = read_journal(folder)
    attempts, measurements = tuple(journal.attempts), tuple(journal.measurements)
    asked = journal.asked_lines()
    return RunRecord(run, attempts, measurements, folder, torn, asked_lines=asked)
