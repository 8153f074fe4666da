"""The suite on finished audits: what `argo-audit eval RUN` does.

    found = evaluate([Path("out")], Path("out/evals"), told=told)

A run's rubrics, held-out pairs, labels, reward models and judge are those of its audit. Several
runs are several populations, and are crossed.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from argo_audit.audits.audit_facts import read_facts
from argo_audit.audits.begun import read_request
from argo_audit.audits.found_folder import Allowed
from argo_audit.audits.given_parts import spec_of
from argo_audit.audits.labels import LabelRecords
from argo_audit.audits.named_by_request import reward_models_of, used_by_evals
from argo_audit.audits.record_list import RecordList
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import ArgoError, InputError
from argo_audit.evals.logs import unfinished
from argo_audit.evals.results import ResultRow
from argo_audit.evals.suite import SUITE, AuditedRun, SuiteTask, Told, rows, run_suite
from argo_audit.files import join
from argo_audit.judges.inspect_models import open_models
from argo_audit.judges.opening import seat_of
from argo_audit.pairs.pair_file import read
from argo_audit.records import HUMAN
from argo_audit.reward_models.by_name import can_be_asked
from argo_audit.reward_models.fitting import FIT
from argo_audit.reward_models.reward_model_settings import Temperature
from argo_audit.roles import Judge
from argo_audit.store import HELD_OUT, file_name, slug

EVALS = "evals"
"""Where the suite's logs lie in the folder of an audit, apart from those that its report reads."""


def evaluate(  # noqa: PLR0913 - all but the first two are left out as a rule
    runs: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    judge: str | Judge | None = None,
    roles: Mapping[str, str] | None = None,
    told: Told = lambda task, done, total: None,
    suite: Sequence[SuiteTask | str] = SUITE,
    allow: Allowed = (),
) -> RecordList[ResultRow]:
    """Run the task suite on finished audits, or go on with it, and read its rows.

    Args:
        runs: Folders of finished audits; several are several populations, and are crossed.
        out: The folder of the eval logs, new or that of an interrupted suite.
        judge: Another judge than that of the audits: an Inspect model, or a Judge.
        roles: Further models by their roles ("rewriter": a model that rewrites responses).
        told: Is told the task, how many of its samples are done, and of how many.
        suite: The tasks, or their names ("rm_accuracy"); without any, all that apply.
        allow: What the audits may name outside their folders, as the error says that asks for it.

    Returns:
        A row for each number: the task, what it is of, the `measure` and its `estimate` with a 95%
        `interval` over prompts, `n`.

    Raises:
        ArgoError: When a run is not finished, the folder holds another suite, or an evaluation did
            not end well.
    """
    tasks = [one if isinstance(one, SuiteTask) else _task(one) for one in suite]
    folders, out = [Path(run) for run in runs], Path(out)
    uses = reward_models_of if judge else used_by_evals
    requests = [read_request(run, allow, uses) for run in folders]
    audited = [audited_run(*one, allow) for one in zip(folders, requests, strict=True)]
    settings, urls = requests[0].judge_settings, () if judge else requests[0].judge_urls
    seat = seat_of(spec_of("judges", judge or _one_judge(requests)), settings, urls)
    more = {role: open_models(spec) for role, spec in (roles or {}).items()} | seat.roles
    logs = run_suite(
        [run.judged_by(seat.named) for run in audited],
        str(out),
        seat.model,
        roles=more,
        told=told,
        suite=tasks,
    )
    if failed := [log for log in logs if log.status != "success"]:
        raise ArgoError(
            f"{len(failed)} of {len(logs)} evaluations did not end well, the first:\n"
            f"{unfinished(failed[0], str(out))}\n"
            "  The same command goes on with them."
        )
    return RecordList(rows(out, tasks))


def _task(name: str) -> SuiteTask:
    for task in SUITE:
        if task.name == name:
            return task
    known = ", ".join(task.name for task in SUITE)
    raise InputError(name, "no task of this name", f"choose among {known}")


def audited_run(run: Path, request: AuditRequest, allow: Allowed = ()) -> AuditedRun:
    """What a finished audit has for the tasks."""
    facts, held_out = read_facts(run, allow), run / HELD_OUT
    store = facts.store(run)
    stored = (store.get(name) for name in facts.stored)
    root = store.folder or facts.store_root
    return AuditedRun(
        population=facts.population,
        rubrics=tuple(join(str(root), slug(s.reward_model), file_name(s)) for s in stored),
        pairs=str(held_out.resolve()),
        label_sources=tuple(read(held_out).labels),
        raw=HUMAN,
        reward_models=tuple(filter(can_be_asked, request.labels)),
        rm_settings={
            "temperature": _temperature(run, request),
            "accept_failing": request.accept_failing_rm,
            "settings": request.reward_model.model_dump(mode="json"),
        },
        judge=request.judge_settings.model_dump(mode="json", exclude_unset=True),
    )


def _temperature(run: Path, request: AuditRequest) -> Temperature:
    """That of the audit's labels, fitted or not; of several reward models each is fitted again."""
    live = list(filter(can_be_asked, request.labels))
    kept = LabelRecords(run).get(live[0]) if len(live) == 1 else None
    return kept.temperature if kept and request.rm_temperature == FIT else request.rm_temperature


def _one_judge(requests: Sequence[AuditRequest]) -> str:
    judges = {request.judge for request in requests}
    if len(judges) > 1:
        raise InputError(", ".join(sorted(judges)), "the audits had several judges", "name one")
    return judges.pop()
