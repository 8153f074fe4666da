"""The suite on finished audits: what `argo-audit eval RUN` does.

    found = evaluate([Path("out")], Path("out/evals"), told=told)

A run's rubrics, held-out pairs, labels, reward models and judge are those of its audit. Several
runs are several populations, and are crossed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from argo_audit.audits.afford import Sure, check_agreed, known_cost
from argo_audit.audits.audit_facts import read_facts
from argo_audit.audits.begun import pointed_again, read_request
from argo_audit.audits.budget import meter_of
from argo_audit.audits.found_folder import Allowed
from argo_audit.audits.given_parts import Part, Place, folders, give, spec_of
from argo_audit.audits.labels import LabelRecords
from argo_audit.audits.named_by_request import reward_models_of, used_by_evals
from argo_audit.audits.plan import Phase
from argo_audit.audits.price import Budget, Prices, Spent, known_prices
from argo_audit.audits.record_list import RecordList
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.same_model import check_named
from argo_audit.audits.suite_plan import SuiteModels, budget_of, plan_suite, within
from argo_audit.errors import ArgoError, InputError
from argo_audit.evals.logs import discard_unfinished, read_evaluations, unfinished
from argo_audit.evals.results import ResultRow
from argo_audit.evals.suite import SUITE, AuditedRun, SuiteTask, Told, rows, run_suite
from argo_audit.files import join, on_disk, written_to
from argo_audit.judges.inspect_models import open_models
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.meter import metered
from argo_audit.judges.opening import NO_MODEL, Seat, seat_of
from argo_audit.kinds import is_missing, lent
from argo_audit.pairs.pair_file import read
from argo_audit.records import HUMAN
from argo_audit.reward_models.by_name import can_be_asked
from argo_audit.reward_models.fitting import FIT
from argo_audit.reward_models.reward_model_settings import Temperature
from argo_audit.roles import Judge
from argo_audit.store import HELD_OUT, file_name, slug

EVALS = "evals"
"""Where the suite's logs lie in the folder of an audit, apart from those that its report reads."""


class Evaluated(RecordList[ResultRow]):
    """The rows of a suite; `left_out` names what could not take part, with the remedy."""

    def __init__(self, found: Iterable[ResultRow], left_out: Sequence[str] = ()) -> None:
        """`left_out` are sentences."""
        super().__init__(found)
        self.left_out = tuple(left_out)


@lent()
def evaluate(  # noqa: PLR0913 - a name of the front door: what can be said is said by its names
    runs: Place | Sequence[Place],
    out: Place,
    judge: str | Judge | None = None,
    roles: Mapping[str, str] | None = None,
    told: Told = lambda task, done, total: None,
    suite: SuiteTask | str | Sequence[SuiteTask | str] = SUITE,
    allow: Allowed = (),
    *,
    given: Sequence[Part] = (),
    reward_models: Sequence[str] = (),
    budget: str | Budget | None = None,
    prices: Path | None = None,
    sure: Sure | None = None,
) -> Evaluated:
    """Run the task suite on finished audits, or go on with it, and read its rows.

    Args:
        runs: Folders of finished audits, or one; several are several populations, and are crossed.
        out: The folder of the eval logs, new or that of an interrupted suite.
        judge: Another judge than that of the audits: an Inspect model, or a Judge.
        roles: Further models by their roles ("rewriter": a model that rewrites responses).
        told: Is told the task, how many of its samples are done, and of how many.
        suite: The tasks, or their names ("rm_accuracy"); without any, all that apply.
        allow: What the audits may name outside their folders, as the error says that asks for it.
        given: The objects that the audits were asked for with. Tasks that ask one that is not
            given are left out.
        budget: The most that it may take ("12.50", "20000 calls"): what it does not afford is
            left out. Without one, 20,000 calls of models that do not run in this process, and $20
            where their prices are known.
        prices: A file of prices, before those that come with the package.
        sure: Agrees to what it costs, where that is known to be above $5 and no budget is given.
        reward_models: Where the audits' reward models are now, if not where they were: for each
            one in order, as "rm:MODEL".

    Returns:
        A row for each number: the task, what it is of, the `measure` and its `estimate` with a 95%
        `interval` over prompts, `n`; `.left_out` says what could not take part.

    Raises:
        RewardModelError: When a reward model pays otherwise than when it labelled the pairs.
        ArgoError: When a run is not finished, the folder holds another suite, or an evaluation did
            not end well.
    """
    for part in given:
        give(part)
    places, out = folders(runs), on_disk(out)
    spec, requests = _asked_of(places, judge, allow, reward_models)
    opened = _open(places, requests, spec, suite, allow)
    exact = not judge and _are_exact(places, allow)
    models = SuiteModels(spec, requests[0].judge_settings, roles or {}, exact)
    known = known_prices(prices)
    asked = Budget.parse(budget) if isinstance(budget, str) else budget
    allowed = budget_of(models, asked, known)
    tasks, left_out = _affordable(opened, models, allowed, known, None if budget else sure or _no)
    seat = _seat(spec, requests[0].judge_settings, () if judge else requests[0].judge_urls)
    more = {role: open_models(spec) for role, spec in models.roles.items()} | seat.roles
    with (
        written_to(out, "--out FOLDER (in Python out=)"),
        metered(meter_of(allowed, known) if allowed else None),
    ):
        logs = run_suite(
            [run.judged_by(seat.named) for run in opened.audited],
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
    discard_unfinished(out)  # a killed one's log, whose task another log holds to its end now
    return Evaluated(rows(out, tasks), [*opened.left_out, *left_out])


def plan_evaluation(
    runs: Sequence[Path],
    judge: str | None = None,
    roles: Mapping[str, str] | None = None,
    allow: Allowed = (),
    reward_models: Sequence[str] = (),
) -> "PlannedSuite":
    """What the suite takes, task by task, and the models that it asks; nobody is asked."""
    spec, requests = _asked_of(list(runs), judge, allow, reward_models)
    opened = _open(list(runs), requests, spec, SUITE, allow, check=False)
    exact = not judge and _are_exact(runs, allow)
    models = SuiteModels(spec, requests[0].judge_settings, roles or {}, exact)
    expected, most = (
        plan_suite(opened.tasks, opened.audited, models, at_most=one) for one in (False, True)
    )
    return PlannedSuite(expected, most, models)


class PlannedSuite(NamedTuple):
    """What the suite is expected to take, what it takes at most, and of which models."""

    expected: list[Phase]
    most: list[Phase]
    models: SuiteModels


class _Opened(NamedTuple):
    """The tasks that can be run, on what, and what cannot take part."""

    tasks: list[SuiteTask]
    audited: list[AuditedRun]
    left_out: list[str]


def _asked_of(
    places: Sequence[Path],
    judge: str | Judge | None,
    allow: Allowed,
    models: Sequence[str] = (),
) -> tuple[str, list[AuditRequest]]:
    """Who judges, and what the audits were asked to do; `models` are pointed to again."""
    uses = reward_models_of if judge else used_by_evals
    again = pointed_again(places, models)
    requests = [read_request(run, allow, uses, one) for run, one in zip(places, again, strict=True)]
    return spec_of("judges", judge or _one_judge(requests)), requests


def _open(
    places: Sequence[Path],
    requests: Sequence[AuditRequest],
    spec: str,
    suite: SuiteTask | str | Sequence[SuiteTask | str],
    allow: Allowed,
    *,
    check: bool = True,
) -> _Opened:
    tasks = _tasks(suite)
    left_out = list(_left_out(requests, spec, tasks))
    if is_missing("judges", spec):
        tasks = [task for task in tasks if "judge" not in task.asks]
    _check_left(tasks, left_out)
    asked = check and any("reward models" in task.asks for task in tasks)
    audited = [
        audited_run(run, request, allow, check=asked)
        for run, request in zip(places, requests, strict=True)
    ]
    return _Opened(tasks, audited, left_out)


def _are_exact(places: Sequence[Path], allow: Allowed) -> bool:
    """Whether the judge of these audits gave log-probabilities, as their logs say."""
    logs = [read_facts(place, allow).logs(place) for place in places]
    found = {one.estimator for log in logs for one in read_evaluations(log)}
    return found == {"log-probabilities"}


def _no(_: str) -> bool:
    """Nobody is there to agree."""
    return False


def _affordable(
    opened: _Opened,
    models: SuiteModels,
    budget: Budget | None,
    prices: Prices,
    sure: Sure | None,
) -> tuple[list[SuiteTask], list[str]]:
    """The tasks that the budget affords, once somebody has agreed to what they cost."""
    if budget is None:
        return opened.tasks, []
    phases = plan_suite(opened.tasks, opened.audited, models)
    tasks, left_out = within(opened.tasks, phases, budget, prices)
    chosen = {task.name for task in tasks}
    spent = [Spent(phase.model, phase.usage) for phase in phases if phase.name in chosen]
    if sure is not None:
        said = f"this evaluation costs about {{}}, and takes {budget} at most"
        check_agreed(said, known_cost(spent, prices), sure)
    if not tasks:
        raise InputError("budget", "; ".join(left_out), "raise it; --dry-run shows more")
    return tasks, left_out


def _seat(spec: str, settings: JudgeSettings, urls: Sequence[str]) -> Seat:
    """Of a judge that is not here: nobody's, for the tasks that ask none."""
    if is_missing("judges", spec):
        return Seat(NO_MODEL, {}, {})
    return seat_of(spec, settings, urls)


def _left_out(
    requests: Sequence[AuditRequest], judge: str, tasks: Sequence[SuiteTask]
) -> Iterator[str]:
    """What cannot take part because an object was not given, in sentences."""
    judged = [task.name for task in tasks if "judge" in task.asks]
    if judged and is_missing("judges", judge):
        yield _leaves_out(judge, "judge", judged)
    asking = [task.name for task in tasks if "reward models" in task.asks]
    missing = (spec for r in requests for spec in r.labels if is_missing("reward_models", spec))
    for spec in dict.fromkeys(missing) if asking else ():
        yield _leaves_out(spec, "reward model", asking)


def _leaves_out(spec: str, role: str, names: Sequence[str]) -> str:
    return (
        f"{', '.join(names)}: without the {role} {spec}, an object of Python that was not given; "
        "argo_audit.evaluate(RUNS, OUT, given=[...]) asks it"
    )


def _check_left(tasks: Sequence[SuiteTask], left_out: Sequence[str]) -> None:
    if not tasks:
        raise InputError("given", "; ".join(left_out) or "no task", "give what is missing")


def _tasks(suite: SuiteTask | str | Sequence[SuiteTask | str]) -> list[SuiteTask]:
    """Tasks by name or as they are; without any, all."""
    several = [suite] if isinstance(suite, SuiteTask | str) else suite
    return [one if isinstance(one, SuiteTask) else _task(one) for one in several] or list(SUITE)


def _task(name: str) -> SuiteTask:
    for task in SUITE:
        if task.name == name:
            return task
    known = ", ".join(task.name for task in SUITE)
    raise InputError(name, "no task of this name", f"choose among {known}")


def audited_run(
    run: Path, request: AuditRequest, allow: Allowed = (), *, check: bool = True
) -> AuditedRun:
    """What a finished audit has for the tasks; objects that are not given are not among it.

    With `check`, raises RewardModelError for a reward model that pays otherwise than it did.
    """
    facts, held_out = read_facts(run, allow), run / HELD_OUT
    file, live = read(held_out), _live(request)
    for spec in live if check else ():
        if kept := LabelRecords(run).get(request.on_record(spec)):
            check_named(spec, kept, file.pairs, request.reward_model)
    store = facts.store(run)
    stored = (store.get(name) for name in facts.stored)
    root = store.folder or facts.store_root
    return AuditedRun(
        population=facts.population,
        rubrics=tuple(join(str(root), slug(s.reward_model), file_name(s)) for s in stored),
        pairs=str(held_out.resolve()),
        label_sources=tuple(file.labels),
        raw=HUMAN,
        reward_models=tuple(live),
        rm_settings={
            "temperature": _temperature(run, request),
            "accept_failing": request.accept_failing_rm,
            "settings": request.reward_model.model_dump(mode="json"),
        },
        judge=request.judge_settings.model_dump(mode="json", exclude_unset=True),
    )


def _live(request: AuditRequest) -> list[str]:
    """The reward models that can be asked, here and now."""
    here = (spec for spec in request.labels if not is_missing("reward_models", spec))
    return list(filter(can_be_asked, here))


def _temperature(run: Path, request: AuditRequest) -> Temperature:
    """That of the audit's labels, fitted or not; of several reward models each is fitted again."""
    live = _live(request)
    kept = LabelRecords(run).get(request.on_record(live[0])) if len(live) == 1 else None
    return kept.temperature if kept and request.rm_temperature == FIT else request.rm_temperature


def _one_judge(requests: Sequence[AuditRequest]) -> str:
    judges = {request.judge for request in requests}
    if len(judges) > 1:
        raise InputError(", ".join(sorted(judges)), "the audits had several judges", "name one")
    return judges.pop()
