"""The facts of an audit at its end, gathered from what it prepared, stored and judged.

facts = gather(request, prepared, stored, judge)
"""

import os
from collections.abc import Sequence
from pathlib import Path

from argo_audit.audits.audit_facts import AuditFacts
from argo_audit.audits.labels import LabelSource
from argo_audit.audits.preparing import AnswerKey, Prepared
from argo_audit.audits.request import AuditRequest
from argo_audit.evals.logs import read_judgments
from argo_audit.files import Folder
from argo_audit.findings.yardsticks import Judged, ceiling, gain_over_raw, rm_on_raw
from argo_audit.judges.event_loop import open_loop
from argo_audit.pairs.splits import clusters
from argo_audit.records import HUMAN, Agreement, Label, Split, StoredRubric
from argo_audit.roles import Judge
from argo_audit.stats.agreement import Difference
from argo_audit.store import RubricStore, ref


def gather(
    request: AuditRequest, prepared: Prepared, stored: Sequence[StoredRubric], judge: Judge
) -> AuditFacts:
    """The facts of an audit whose rubrics are stored and evaluated."""
    key = prepared.answer_key
    return AuditFacts(
        population=prepared.population,
        store_root=_as_seen_from(request.out, RubricStore(request.store_root).folder)
        or request.store_root,
        log_root=_as_seen_from(request.out, Folder(request.log_root).local) or request.log_root,
        splits={name: len(pairs) for name, pairs in prepared.splits.items()},
        skipped=prepared.file.skipped,
        notes=prepared.file.told,
        truncated=sum(source.truncated for source in prepared.sources),
        read=sum(source.read for source in prepared.sources),
        stored=tuple(ref(rubric) for rubric in stored),
        rm_on_raw=_rm_on_raw(prepared),
        difference=_difference(request, prepared, stored),
        ceiling=_ceiling(prepared, key, judge) if key else None,
        manifest=key.manifest if key else None,
    )


def _as_seen_from(out: Path, folder: Path | None) -> str | None:
    """A folder of this machine relative to that of the audit, so that both can be moved."""
    if folder is None:
        return None
    return Path(os.path.relpath(folder.resolve(), out.resolve())).as_posix()


def _rm_labels(prepared: Prepared) -> LabelSource | None:
    """The first source that is not people, when there are raw labels to set it beside."""
    others = [source for source in prepared.sources if source.name != HUMAN]
    return others[0] if others and HUMAN in prepared.labels else None


def _rm_on_raw(prepared: Prepared) -> Agreement | None:
    source = _rm_labels(prepared)
    if source is None:
        return None
    labels, raw = (_held_out(prepared, name) for name in (source.name, HUMAN))
    return rm_on_raw(labels, raw, clusters(prepared.splits["held-out"]))


def _difference(
    request: AuditRequest, prepared: Prepared, stored: Sequence[StoredRubric]
) -> Difference | None:
    source = _rm_labels(prepared)
    by_source = {rubric.label_source: rubric for rubric in stored}
    if source is None or HUMAN not in by_source:
        return None
    judgments = read_judgments(request.log_root)
    by_rm, by_raw = (judgments[by_source[name].rubric.id] for name in (source.name, HUMAN))
    prompts = clusters(prepared.splits["held-out"])
    return gain_over_raw(_held_out(prepared, source.name), by_rm, by_raw, prompts)


def _ceiling(prepared: Prepared, key: AnswerKey, judge: Judge) -> Agreement:
    source = prepared.sources[0].name
    data = prepared.search_data(source)
    splits: tuple[Split, Split] = ("dev", "held-out")
    with open_loop() as loop:
        said = [loop.call(judge.judge, key.rubric, prepared.splits[name]) for name in splits]
    labels = [data.labels_for(prepared.splits[name], source) for name in splits]
    dev, held_out = (Judged(*both) for both in zip(said, labels, strict=True))
    return ceiling(dev, held_out, clusters(prepared.splits["held-out"]))


def _held_out(prepared: Prepared, source: str) -> list[Label]:
    return prepared.search_data(source).labels_for(prepared.splits["held-out"], source)
