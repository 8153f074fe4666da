"""Finished audits as annotated pairs, made from what they left on disk.

    path = export([Path("runs/a")], Path("a.json"), "My reward model")

No model is loaded: the held-out pairs have their labels, the eval logs what was judged.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from argo_audit.audits.audit_facts import RUNS, AuditFacts, read_facts
from argo_audit.audits.found_folder import Allowed
from argo_audit.audits.given_parts import Place, folders
from argo_audit.audits.reporting import side_of
from argo_audit.errors import InputError
from argo_audit.evals.judging import NO_RUBRIC, RUBRIC
from argo_audit.evals.logs import LoggedSubject, read_subjects
from argo_audit.evals.reading import judgments_of
from argo_audit.files import on_disk, write_whole
from argo_audit.pairs.pair_file import read
from argo_audit.records import HUMAN
from argo_audit.report.annotated_pairs import (
    AnnotatedPairs,
    Annotator,
    Exported,
    Said,
    annotated_pairs,
)
from argo_audit.search.journal import read_run
from argo_audit.store import HELD_OUT


def export(
    audits: Place | Sequence[Place],
    out: Place,
    name: str = "Audit",
    allow: Allowed = (),
) -> AnnotatedPairs:
    """Write held-out pairs with everybody's preference to a JSON file, for Feedback Forensics.

    It is dated as the newest of the audits' runs; the same audits give the same bytes.

    Args:
        audits: Folders of finished audits, or one.
        out: The file; its folder is made.
        name: What the data set is called.
        allow: What the audits may name outside their folders, as the error says that asks for it.

    Returns:
        What was written: the pairs, and who preferred what.

    Raises:
        InputError: When a folder is not a finished audit or its held-out pairs are not there.
    """
    places, out = folders(audits), on_disk(out)
    if out.is_dir():
        raise InputError(out, "it is a folder, and a file is written", f"name {out / 'pairs.json'}")
    populations = [_population(folder, read_facts(folder, allow)) for folder in places]
    runs = (read_run(run) for folder in places for run in sorted((folder / RUNS).iterdir()))
    made = annotated_pairs(populations, name, max(run.ended or run.started for run in runs))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, made.to_json())
    return made


def _population(folder: Path, facts: AuditFacts) -> Exported:
    file, side = read(folder / HELD_OUT), side_of(facts, facts.store(folder))
    return Exported(
        pairs=file.pairs,
        label_source=side.label_source if side else HUMAN,
        labels=file.labels,
        judges=tuple(_judges(facts.logs(folder))),
    )


def _judges(logs: str | Path) -> Iterator[Said]:
    """The judge with each rubric, and what was judged beside: without one, and by rules."""
    for logged in read_subjects(logs):
        if logged.log.status == "success":
            names = dict.fromkeys(name for pair in logged.pairs for name in pair.judgments)
            yield from (_said(logged, name) for name in names)


def _said(logged: LoggedSubject, name: str) -> Said:
    p_a = {one.pair_id: one.p_a for one in judgments_of(logged.pairs, name)}
    judge, facts = logged.log.judge, logged.facts
    if name == RUBRIC:
        shown, described, kind = f"{judge} with {facts.rubric_ref}", facts.rubric_text, "judge"
    elif name == NO_RUBRIC:
        shown, described, kind = f"{judge} without a rubric", "The judge's own taste", "judge"
    else:
        shown, described, kind = name, f"By rule: {name}", "rule"
    return Said(Annotator(name=shown, description=described, type=kind), p_a)
