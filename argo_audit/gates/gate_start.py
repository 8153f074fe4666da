"""The first gates.toml of a finished audit.

    first_gates(Path("runs/my-rm"), Path("gates.toml"), rm=None).text

Paths in it count from the folder of the file. The reward model is asked: see `first_bounds`.
"""

import json
import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from math import floor
from pathlib import Path
from typing import NamedTuple

from argo_audit.audits.audit_facts import AuditFacts, read_facts
from argo_audit.audits.begun import asked_labels, asked_reward_model
from argo_audit.audits.found_folder import Allowed
from argo_audit.errors import InputError, RunFolderError
from argo_audit.gates.approved import Claimed, accepted
from argo_audit.gates.defaults import GateSettings, located
from argo_audit.gates.first_bounds import Fitting
from argo_audit.gates.gate_claims import TOLERANCE, unfound
from argo_audit.gates.gated_model import GatedModel
from argo_audit.gates.starter import UNWANTED, Known, starter
from argo_audit.kinds import GIVEN
from argo_audit.probes.edits.catalogue import descriptions
from argo_audit.records import HUMAN, StoredRubric
from argo_audit.reward_models.by_name import names_reward_model, path_in
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.store import HELD_OUT, ref

_ALLOWED = 0.05  # below the lowest held-out agreement that the audit found credible


class First(NamedTuple):
    """The text of a gates.toml, and what there is to know of those gates that are not as usual."""

    text: str
    moved: tuple[str, ...]

    @property
    def holds_none(self) -> bool:
        """Whether every gate is a comment: then there is nothing to record, or to run."""
        return not re.search(r"^\[\[", self.text, re.MULTILINE)


def first_gates(
    audit: Path, out: Path, rm: str | None, report: Path | None = None, allow: Allowed = ()
) -> First:
    """A gates.toml at `out`, for the reward model of an audit or another one, which is asked.

    `report` is where its findings are, if not in its own folder. Raises InputError for what is no
    finished audit, or does not say what it is of, and whatever the reward model raises.
    """
    facts = read_facts(audit, allow)
    stored = _learned(audit, facts)
    spec = located(rm or _audited(audit, allow), Path.cwd())
    subject = _subject(audit, spec, rm is None, str(facts.store(audit).folder or ""))
    known = Known(
        rm=_below(subject.spec, out),
        pairs=os.path.relpath(audit / HELD_OUT, out.parent),
        label=HUMAN if HUMAN in subject.data(None).file.labels else "",
        store=os.path.relpath(subject.settings.store or "", out.parent),
        rubric=ref(stored),
        settings=_settings(subject.settings),
    )
    found = _findings(report or audit, stored.label_source)
    if found is not None:
        paid = [name for name, one in descriptions().items() if (one.feature, "rewards") in found]
        place = os.path.relpath(report or audit, out.parent)
        known = known._replace(audit=place, audited=stored.label_source, paid=paid)
    fitting = Fitting(subject, [name for name in UNWANTED if name not in known.paid])
    biases = fitting.biases if found is None else fitting.of(unfound(found, TOLERANCE, {}))
    known = known._replace(
        at_least=fitting.agreement(known.rubric, _wanted(stored)),
        slack=fitting.slack(known.label, known.rubric),
        biases=biases,
    )
    return First(starter(known), tuple(_moved(known)))


def _moved(known: Known) -> Iterator[str]:
    """Gates whose bound is not the usual one, once for all that cannot be held for one reason."""
    single = {"no_worse_than": known.slack, "agreement": known.at_least}
    every = single | {f"bias {name}": bound for name, bound in known.biases.items()}
    reasons: dict[str, list[str]] = {}
    for name, bound in every.items():
        if bound.said:
            reasons.setdefault(bound.said, []).append(name)
    for said, names in reasons.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{names[0]}{more}: {said}"


def _subject(audit: Path, spec: str, of_audit: bool, store: str) -> GatedModel:
    """The reward model as it will be gated; asked as the audit asked it, but for its own code.

    Whether code of a checkpoint may run is said by whoever runs it, and never by a folder.
    """
    asked, accept = RewardModelSettings(), False
    if of_audit:
        with suppress(RunFolderError):
            asked, accept = asked_reward_model(audit)
    settings = GateSettings(
        pairs=str((audit / HELD_OUT).resolve()),
        store=store,
        reward_model=asked.model_copy(update={"trust_remote_code": False}),
        accept_failing_rm=accept,
    )
    return GatedModel(spec, settings, Path.cwd())


def _settings(settings: GateSettings) -> list[str]:
    """Lines of TOML for whatever is not as by default; a table, so it comes last."""
    changed = settings.reward_model.model_dump(exclude_defaults=True)
    lines = ["accept_failing_rm = true"] if settings.accept_failing_rm else []
    table = [f"{name} = {json.dumps(value)}" for name, value in changed.items()]
    return [*lines, *(["", "[reward_model]", *table] if table else [])]


def _wanted(stored: StoredRubric) -> float:
    """The agreement that was reached, less what may be lost; of chance at least."""
    reached = stored.held_out or stored.dev
    low = reached.accuracy_interval.low if reached.accuracy_interval else 0.5
    return max(0.5, floor(100 * (low - _ALLOWED)) / 100)


def _learned(audit: Path, facts: AuditFacts) -> StoredRubric:
    """The rubric of the reward model; of an audit of raw labels alone, theirs."""
    store = facts.store(audit)
    if store.folder is None:
        raise InputError(audit, "its rubrics are behind a URL", "copy its store to a folder")
    found = [store.get(name) for name in facts.stored]
    if not found:
        raise InputError(audit, "the audit has stored no rubric", "see its audit.md for why")
    return next((one for one in found if one.label_source != HUMAN), found[0])


def _audited(audit: Path, allow: Allowed) -> str:
    """The first reward model that the audit labelled with."""
    try:
        specs = asked_labels(audit, allow)
    except RunFolderError:
        specs = ()
    models = [spec for spec in specs if names_reward_model(spec)]
    named = [spec for spec in models if not spec.startswith(f"{GIVEN}:")]
    if models and not named:
        problem = f"its reward model is an object of Python ({models[0]}), which no file can name"
        raise InputError(audit, problem, "name the model that it is with --rm")
    if named:
        return located(named[0], Path.cwd())
    raise InputError(audit, "it does not say which reward model it is of", "name it with --rm")


def _below(spec: str, out: Path) -> str:
    """The spec with its path as seen from the folder of `out`."""
    before, path = path_in(spec) or (spec, "")
    return before + (os.path.relpath(path, out.parent) if path and Path(path).exists() else path)


def _findings(report: Path, name: str) -> Collection[Claimed] | None:
    """What the report has verified; None of an audit without findings."""
    try:
        return accepted(report, name)
    except InputError:
        return None
