"""The first gates.toml of a finished audit.

text = first_gates(Path("runs/my-rm"), Path("gates.toml"), rm=None)

Paths in it count from the folder of the file.
"""

import os
from pathlib import Path

from argo_audit.audits.audit_facts import AuditFacts, read_facts
from argo_audit.audits.begun import asked_labels
from argo_audit.errors import InputError, RunFolderError
from argo_audit.gates.approved import accepted
from argo_audit.gates.defaults import located
from argo_audit.gates.starter import Known, starter
from argo_audit.pairs.pair_file import read
from argo_audit.probes.edits.catalogue import descriptions
from argo_audit.records import HUMAN, StoredRubric
from argo_audit.reward_models.by_name import names_reward_model, path_in
from argo_audit.store import HELD_OUT, ref

_ALLOWED = 0.05  # below the lowest held-out agreement that the audit found credible


def first_gates(audit: Path, out: Path, rm: str | None, report: Path | None = None) -> str:
    """The text of a gates.toml at `out`, for the reward model of an audit or another one.

    `report` is where its findings are, if not in its own folder. Raises InputError for what is no
    finished audit, or does not say what it is of.
    """
    facts = read_facts(audit)
    stored = _learned(audit, facts)
    reached = stored.held_out or stored.dev
    least = (reached.accuracy_interval.low if reached.accuracy_interval else 0.5) - _ALLOWED
    known = Known(
        rm=_below(rm or _audited(audit), out),
        pairs=os.path.relpath(audit / HELD_OUT, out.parent),
        label=HUMAN if HUMAN in read(audit / HELD_OUT).labels else "",
        store=os.path.relpath(facts.store(audit).folder or "", out.parent),
        rubric=ref(stored),
        at_least=max(0.5, least),
    )
    return starter(_with_findings(known, report or audit, out, stored.label_source))


def _learned(audit: Path, facts: AuditFacts) -> StoredRubric:
    """The rubric of the reward model; of an audit of raw labels alone, theirs."""
    store = facts.store(audit)
    if store.folder is None:
        raise InputError(audit, "its rubrics are behind a URL", "copy its store to a folder")
    found = [store.get(name) for name in facts.stored]
    if not found:
        raise InputError(audit, "the audit has stored no rubric", "see its audit.md for why")
    return next((one for one in found if one.label_source != HUMAN), found[0])


def _audited(audit: Path) -> str:
    """The first reward model that the audit labelled with."""
    try:
        specs, folder = asked_labels(audit)
    except RunFolderError:
        specs, folder = (), audit
    for spec in specs:
        if names_reward_model(spec):
            return located(spec, folder)
    raise InputError(audit, "it does not say which reward model it is of", "name it with --rm")


def _below(spec: str, out: Path) -> str:
    """The spec with its path as seen from the folder of `out`."""
    before, path = path_in(spec) or (spec, "")
    return before + (os.path.relpath(path, out.parent) if path and Path(path).exists() else path)


def _with_findings(known: Known, report: Path, out: Path, name: str) -> Known:
    """The report and what it has verified to be paid for; nothing of an audit without findings."""
    try:
        found = accepted(report, name)
    except InputError:
        return known
    paid = [name for name, one in descriptions().items() if (one.feature, "rewards") in found]
    return known._replace(audit=os.path.relpath(report, out.parent), audited=name, paid=paid)
