"""The inputs joined: which rubric a run selected, where it is kept, how it agrees with whom.

    facts = Material(inputs, out_dir, (store_root,))
    trained = facts.principal("A")
    facts.held_out(trained, "human")

A run may store several rubrics (the best so far, as it went); the one that counts is the best on
dev by `agreement.selection_key`. Where a number is known from several places,
an evaluation log counts first (it can be opened and repeated), then the store, then the search's
own measurements. None of them: not measured.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from argo_audit.errors import InputError, StoreError
from argo_audit.findings.assessment import Assessment, assess
from argo_audit.findings.examples import Examples, HeldOut, examples, shown_features
from argo_audit.findings.inputs import AuditInputs, RunRecord
from argo_audit.findings.risks import Intent
from argo_audit.findings.safety import AuditVerdict, verdict_of
from argo_audit.findings.slopes import compared
from argo_audit.outside.caps import RECORD, read_whole
from argo_audit.pairs.pair_file import read
from argo_audit.records import (
    HUMAN,
    Agreement,
    EvidenceMethod,
    Finding,
    Rubric,
    Split,
    StoredRubric,
)
from argo_audit.report.markdown import link, linked
from argo_audit.report.names import run_name
from argo_audit.report.trained import Backed, Source, Trained, stored_path
from argo_audit.stats.agreement import selection_key
from argo_audit.store import from_document

if TYPE_CHECKING:
    from argo_audit.evals.logs import Evaluation

EMPTY = Rubric(text="").id
NO_RUBRIC = "no rubric"
LONGEST = "longest response"

ATTEMPTS, MEASUREMENTS, RUN = "attempts.jsonl", "measurements.jsonl", "run.json"


@dataclass(frozen=True)
class Checked:
    """What the checks found for one rubric, and the pairs that are shown of it, by feature.

    `shown` is a finding for each of these features; `left_out` counts further features.
    """

    assessment: Assessment
    shown: tuple[Finding, ...]
    examples: Mapping[str, tuple[Examples, ...]]
    left_out: int


@dataclass(frozen=True)
class Material:
    """The inputs, and the folders that links start from and lead to: rubrics lie in `stores`.

    Raises InputError when two runs share population and label source: the report could not tell
    them apart.
    """

    inputs: AuditInputs
    out_dir: Path
    stores: tuple[Path, ...]

    def __post_init__(self) -> None:
        seen: set[tuple[str, str]] = set()
        for record in self.inputs.runs:
            key = (record.run.population, record.run.label_source)
            if key in seen:
                problem = f"a second run of population {key[0]!r} on labels {key[1]!r}"
                raise InputError(record.folder, problem, "audit one of the two runs at a time")
            seen.add(key)

    @cached_property
    def populations(self) -> tuple[str, ...]:
        """In the order of the runs."""
        return tuple(dict.fromkeys(record.run.population for record in self.inputs.runs))

    @cached_property
    def all_trained(self) -> tuple[Trained, ...]:
        """By population; trained on a reward model's labels before trained on raw ones."""
        order = {population: i for i, population in enumerate(self.populations)}
        return tuple(
            sorted(
                map(self._trained, self.inputs.runs),
                key=lambda t: (order[t.population], t.label_source == HUMAN),
            )
        )

    def trained(self, population: str) -> list[Trained]:
        """The runs of one population; trained on a reward model's labels first."""
        return [t for t in self.all_trained if t.population == population]

    def principal(self, population: str) -> Trained:
        """The run that speaks for the population: on a reward model's labels, if there is one."""
        return self.trained(population)[0]

    def label_sources(self, population: str) -> list[str]:
        """What held-out agreement of this population was measured against; raw labels last."""
        found = {trained.label_source for trained in self.trained(population)}
        found |= {e.label_source for e in self.inputs.evaluations if e.population == population}
        for trained in self.trained(population):
            found |= {m.label_source for m in trained.record.measurements}
        first = self.principal(population).label_source
        return sorted(found, key=lambda source: (source == HUMAN, source != first, source))

    def held_out(self, trained: Trained, label_source: str) -> Backed:
        """Held-out agreement of the run's rubric with the labels of one source."""
        if trained.best is None:
            return Backed()
        rubric = trained.best.rubric.id
        for evaluation in self._evaluations(trained, label_source):
            if evaluation.rubric_id == rubric:
                return Backed(evaluation.agreement, self.log_href(evaluation.log))
        if trained.best.held_out is not None and trained.label_source == label_source:
            return Backed(trained.best.held_out, trained.source.href if trained.source else "")
        return self._measured(trained.record, rubric, label_source)

    def baseline(self, population: str, label_source: str, name: str) -> Backed:
        """Held-out agreement of NO_RUBRIC or LONGEST on one population."""
        for trained in self.trained(population):
            for evaluation in self._evaluations(trained, label_source):
                if name in evaluation.baselines:
                    return Backed(evaluation.baselines[name], self.log_href(evaluation.log))
        if name != NO_RUBRIC:
            return Backed()
        records = (trained.record for trained in self.trained(population))
        found = (self._measured(record, EMPTY, label_source) for record in records)
        return next((backed for backed in found if backed.agreement), Backed())

    def ceiling(self, population: str) -> Backed:
        """Held-out agreement of the planted rubric, where one was planted."""
        planted = self.inputs.planted.get(population)
        return Backed(planted.ceiling, self.kept_href(population)) if planted else Backed()

    def rm_on_raw(self, population: str) -> Backed:
        """Agreement of the reward model's own labels with the raw ones."""
        return Backed(self.inputs.rm_on_raw.get(population), self.kept_href(population))

    def evidence_href(self, trained: Trained, method: EvidenceMethod) -> str:
        """A link to what checks of a kind were computed from: pairs, or the newest probe's log."""
        if method == "slope":
            pairs = trained.record.held_out
            return self.href(pairs) if pairs else ""
        logs = self.inputs.probe_logs.get(trained.label_source, ())
        return self.log_href(logs[-1]) if logs else ""

    def recorded(self, record: RunRecord, *names: str) -> list[str]:
        """Links to the files of a run, of these names, that are there."""
        paths = (record.folder / name for name in names)
        return [link(path.name, self.href(path)) for path in paths if path.is_file()]

    def run_cell(self, trained: Trained, name: str = ATTEMPTS) -> str:
        """A run as tables name it, linked to the file of its that a row is computed from."""
        path = trained.record.folder / name
        return linked(run_name(trained), self.href(path) if path.is_file() else "")

    def kept_href(self, population: str) -> str:
        """A link to the file of what is in no run, log or store."""
        path = self.inputs.kept.get(population)
        return self.href(path) if path else ""

    def log_href(self, name: str) -> str:
        """A link to an evaluation log; empty for one on another machine: no browser follows it."""
        file = self.inputs.log_files.get(name)
        return self.href(file) if isinstance(file, Path) else ""

    @cached_property
    def checked(self) -> dict[str, Checked]:
        """What the checks found, by run: of those with a rubric and held-out pairs on record."""
        return {
            trained.record.run.id: self._checked(trained, trained.record.held_out)
            for trained in self.all_trained
            if trained.best is not None
            and trained.record.held_out is not None
            and trained.record.held_out.is_file()
        }

    @cached_property
    def assessments(self) -> dict[str, Assessment]:
        """The assessment of each run that was checked."""
        return {run: checked.assessment for run, checked in self.checked.items()}

    @cached_property
    def verdicts(self) -> dict[str, AuditVerdict]:
        """What is said of each run's labels, checked or not."""
        return {
            trained.record.run.id: verdict_of(
                trained.record.run,
                self.assessments.get(trained.record.run.id),
                self.held_out(trained, trained.label_source).agreement,
            )
            for trained in self.all_trained
        }

    def relative(self, path: Path) -> str:
        """`path` as it is reached from the report's folder."""
        return Path(os.path.relpath(path.resolve(), self.out_dir.resolve())).as_posix()

    def href(self, path: Path) -> str:
        """`path` as the report links to it."""
        return quote(self.relative(path))

    def _measured(self, record: RunRecord, rubric: str, label_source: str) -> Backed:
        """A held-out measurement of the search itself."""
        found = _measured(record, rubric, "held-out", label_source)
        path = record.folder / MEASUREMENTS
        return Backed(found, self.href(path) if path.is_file() else "") if found else Backed()

    def _checked(self, trained: Trained, held_out: Path) -> Checked:
        """The held-out pairs are read, compared, and let go, but for those that are shown."""
        file = read(held_out)
        labels = file.labels.get(trained.label_source, ())
        pairs = compared(file.pairs, labels)
        probed = self.inputs.probed.get(trained.label_source, ())
        found = assess(trained.text, pairs, probed, Intent(self.inputs.intent))
        shown, left_out = shown_features(found)
        kept = examples(shown, probed, HeldOut(file.pairs, labels, pairs))
        return Checked(found, tuple(shown), kept, left_out)

    def _evaluations(self, trained: Trained, label_source: str) -> "Iterator[Evaluation]":
        """Finished logs of the judge that the run was trained with."""
        key = (trained.population, label_source, trained.record.run.judge)
        for log in self.inputs.evaluations:
            if (log.population, log.label_source, log.judge) == key and log.status == "success":
                yield log

    def _trained(self, record: RunRecord) -> Trained:
        own = [stored for stored in self.inputs.stored if stored.run == record.run.id]
        best = max(own, key=_on_dev, default=None)
        if best is None:
            return Trained(record, None, None, None)
        store = self._store(best)
        path = store / stored_path(best)
        before = read_whole(path, RECORD).decode().removesuffix(best.rubric.text)
        return Trained(record, best, Source(self.href(path), before.count("\n") + 1), store)

    def _store(self, stored: StoredRubric) -> Path:
        """The root of the store that holds a rubric; raises StoreError when none does."""
        place = stored_path(stored)
        for store in self.stores:
            if _holds(store / place, stored):
                return store
        roots = ", ".join(map(str, self.stores)) or "no store"
        raise StoreError(
            f"{roots}: expected rubric {stored.rubric.id} at {place}, and it is not there.\n"
            "  Remedy: point at the store the run wrote to; `argo-audit store verify` checks it"
        )


def _holds(path: Path, stored: StoredRubric) -> bool:
    """Whether a file is this very rubric: stores may number different ones alike."""
    try:
        return from_document(read_whole(path, RECORD).decode()) == stored
    except (OSError, UnicodeDecodeError, StoreError):
        return False


def _measured(record: RunRecord, rubric: str, split: Split, source: str) -> Agreement | None:
    """One measurement of the search itself."""
    for m in record.measurements:
        if (m.rubric_id, m.split, m.label_source) == (rubric, split, source):
            return m.agreement
    return None


def _on_dev(stored: StoredRubric) -> tuple[tuple[float, float], int]:
    """What rubrics of one run are ranked by; the later of two equals is better."""
    return selection_key(stored.dev), stored.version
