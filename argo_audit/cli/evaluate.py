"""The suite on finished audits: what `argo-audit eval RUN` does.

    found = evaluate([Path("out")], Path("out/evals"), told=told)
    console.print(results_table(found))

A run's rubrics, held-out pairs, labels, reward models and judge are those of its audit. Several
runs are several populations, and are crossed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from argo_audit.cli.begun import read_request
from argo_audit.cli.facts import read_facts
from argo_audit.cli.parts import HUMAN
from argo_audit.cli.request import AuditRequest
from argo_audit.cli.terminal import row
from argo_audit.errors import ArgoError, InputError
from argo_audit.evals.results import ResultRow
from argo_audit.evals.suite import SUITE, AuditedRun, SuiteTask, Told, rows, run_suite
from argo_audit.files import join
from argo_audit.judges.inspect_models import open_models
from argo_audit.pairs.pair_file import read
from argo_audit.reward_models.by_name import LIVE
from argo_audit.store import HELD_OUT, file_name, slug

_NARROWEST = 9  # columns of text are folded, but not to shreds
_DETAILS = ("kl", "brier", "win rate")
"""Measures that say in another way what the row before them says."""


def evaluate(
    runs: Sequence[Path],
    out: Path,
    judge: str | None = None,
    roles: Mapping[str, str] | None = None,
    told: Told = lambda task, done, total: None,
    suite: Sequence[SuiteTask] = SUITE,
) -> list[ResultRow]:
    """Run the suite on finished audits, or go on with it, and read its rows.

    `judge` is another model than that of the audits; `roles` are further models by their roles.
    Raises an ArgoError when a run is not finished, or the folder holds another suite.
    """
    requests = [read_request(run) for run in runs]
    audited = [audited_run(run, request) for run, request in zip(runs, requests, strict=True)]
    settings, urls = requests[0].judge_settings, () if judge else requests[0].judge_urls
    models = open_models(judge or _one_judge(requests), urls, settings)
    more = {role: open_models(spec) for role, spec in (roles or {}).items()}
    if len(models) > 1:
        more["judge"] = models
    logs = run_suite(audited, str(out), models[0], roles=more, told=told, suite=suite)
    if failed := [log.location for log in logs if log.status != "success"]:
        raise ArgoError(
            f"{len(failed)} of {len(logs)} evaluations did not end well, the first: {failed[0]}\n"
            f"  Remedy: inspect view --log-dir {out}; the same command goes on with them"
        )
    return rows(out, suite)


def results_table(found: Sequence[ResultRow], *, details: bool = False) -> Table:
    """One row per number of every task; slices, KL, Brier scores and win rates only on request."""
    title = "Results (95% interval, prompts being what is independent)"
    table = Table(
        title=title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in ("task", "pairs", "subject", "labels", "measure"):
        table.add_column(column, overflow="fold", min_width=_NARROWEST)
    for column in ("estimate", "p", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold", min_width=_NARROWEST)
    before: tuple[str, str] = ("", "")
    for number in found:
        if details or not (number.slice or number.measure.endswith(_DETAILS)):
            now = (number.task, number.population)
            if now != before and before[0]:
                table.add_section()
            row(table, *(now if now != before else ("", "")), *_cells(number))
            before = now
    return table


def legend(found: Sequence[ResultRow]) -> list[str]:
    """How the numbers of each task came about, and of which of its subjects where that differs."""
    told: dict[tuple[str, str], dict[str, None]] = {}
    for number in found:
        subjects = told.setdefault((number.task, number.method), {})
        subjects[number.subject or "(no rubric)"] = None
    methods = Counter(task for task, _ in told)
    names = {key: f" of {', '.join(subjects)}" for key, subjects in told.items()}
    return [
        f"{task}{names[task, method] if methods[task] > 1 else ''}: {method}"
        for task, method in told
        if method
    ]


def audited_run(run: Path, request: AuditRequest) -> AuditedRun:
    """What a finished audit has for the tasks."""
    facts, held_out = read_facts(run), run / HELD_OUT
    store = facts.store(run)
    stored = (store.get(name) for name in facts.stored)
    root = store.folder or facts.store_root
    return AuditedRun(
        population=facts.population,
        rubrics=tuple(join(str(root), slug(s.reward_model), file_name(s)) for s in stored),
        pairs=str(held_out.resolve()),
        label_sources=tuple(read(held_out).labels),
        raw=HUMAN,
        reward_models=tuple(s for s in request.labels if s.partition(":")[0] in LIVE),
        rm_settings={
            "temperature": request.rm_temperature,
            "accept_failing": request.accept_failing_rm,
            "settings": request.reward_model.model_dump(mode="json"),
        },
        judge=request.judge_settings.model_dump(mode="json", exclude_unset=True),
    )


def _one_judge(requests: Sequence[AuditRequest]) -> str:
    judges = {request.judge for request in requests}
    if len(judges) > 1:
        raise InputError(", ".join(sorted(judges)), "the audits had several judges", "name one")
    return judges.pop()


def _cells(number: ResultRow) -> tuple[str, ...]:
    """`n` with the pairs that have no value beside it, where there are any."""
    return (
        number.subject or "(no rubric)",
        number.label_source,
        f"{number.measure} ({number.slice})" if number.slice else number.measure,
        _estimate(number),
        "" if number.p_value is None else f"{number.p_value:.4f}",
        f"{number.n} (-{number.unscored})" if number.unscored else str(number.n),
        number.note,
    )


def _estimate(number: ResultRow) -> str:
    if number.estimate is None:
        return "not measured"
    interval = number.interval
    bounds = "" if interval is None else f" [{interval.low:.3f}, {interval.high:.3f}]"
    return f"{number.estimate:.3f}{bounds}"
