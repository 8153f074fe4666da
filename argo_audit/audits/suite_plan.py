"""What the suite on finished audits takes at most, task by task, and which tasks a budget affords.

    phases = plan_suite(tasks, audited, SuiteModels("openai/gpt-5-mini", roles={}))
    chosen, left_out = within(tasks, phases, budget, prices)
    budget = budget_of(models, asked_for, prices)  # the default one, of models elsewhere

Every task is counted as if no other had asked the same before; the judge's kept replies make it
less. The order of the suite is the order of what is done: a task that the rest of the budget does
not afford is left out, and said to be, and later ones that it affords are done.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from argo_audit.audits.afford import default_budget
from argo_audit.audits.plan import Phase, Texts
from argo_audit.audits.price import Budget, Prices, Spent, is_here, is_in_process
from argo_audit.evals.subject import load_rubrics
from argo_audit.evals.suite import MOST_PROBED, AuditedRun, SuiteTask
from argo_audit.evals.tasks.rubric_ablation import ablations
from argo_audit.evals.variants import OTHER_JUDGE_ROLE, REWRITER_ROLE
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.pairs.pair_file import read
from argo_audit.probes.edits.catalogue import descriptions
from argo_audit.records import Pair

_RUNS, _SHUFFLES, _PARAPHRASES = 3, 1, 1
"""Of `judge_reliability` as the suite asks for it."""
_CALLS_AN_EDIT = 2
_WAYS = 2


class SuiteModels(NamedTuple):
    """The judge, how it is asked, and the models of further roles, by name.

    `exact` is whether the judge is known to have log-probabilities; without, a verdict takes votes.
    """

    judge: str
    settings: JudgeSettings
    roles: Mapping[str, str]
    exact: bool = False


class _Run(NamedTuple):
    """What counts of an audited run: its pairs, the texts of its rubrics, and who can be asked."""

    pairs: Sequence[Pair]
    texts: tuple[str, ...]
    crossed: bool
    reward_models: int


def plan_suite(
    tasks: Sequence[SuiteTask],
    runs: Sequence[AuditedRun],
    models: SuiteModels,
    *,
    at_most: bool = False,
) -> list[Phase]:
    """What each task takes of each model, if nothing is kept.

    `at_most` has replies as long as they may be, and a token for each character.
    """
    counted = [_run(run) for run in runs]
    sample = [pair for run in counted for pair in run.pairs]
    texts = Texts(_asked(models), sample)
    if at_most:
        texts = texts.at_most(dearer=1)  # votes are counted already
    phases = []
    for task in tasks:
        judged = _JUDGED[task.name](counted) if task.name in _JUDGED else 0
        phases.append(Phase(task.name, models.judge, texts.judging(judged)))
        phases += _of_roles(task.name, counted, models, texts)
    return [phase for phase in phases if phase.usage.calls]


def at_most(phases: Sequence[Phase]) -> list[Spent]:
    """What all phases take together, by model."""
    return [Spent(phase.model, phase.usage) for phase in phases]


def budget_of(models: SuiteModels, asked: Budget | None, prices: Prices) -> Budget | None:
    """The budget of an evaluation: as of an audit, unless told otherwise."""
    elsewhere = [model for model in (models.judge, *models.roles.values()) if not is_here(model)]
    return asked or (default_budget(elsewhere, prices) if elsewhere else None)


def within(
    tasks: Sequence[SuiteTask], phases: Sequence[Phase], budget: Budget | None, prices: Prices
) -> tuple[list[SuiteTask], list[str]]:
    """The tasks that the budget affords, and a sentence for each of the others."""
    if budget is None:
        return list(tasks), []
    caps, chosen, left_out = budget.caps(), list[SuiteTask](), list[str]()
    left = [cap.amount for cap in caps]
    for task in tasks:
        spent = [Spent(p.model, p.usage) for p in phases if p.name == task.name]
        takes = [cap.spent(spent, prices) for cap in caps]
        lacking = [one for one in zip(caps, takes, left, strict=True) if one[1] > one[2]]
        if not lacking:
            left = [rest - taken for rest, taken in zip(left, takes, strict=True)]
            chosen.append(task)
        for cap, *amounts in lacking[:1]:
            needed, rest = (str(cap.model_copy(update={"amount": n or 0})) for n in amounts)
            left_out.append(f"{task.name}: takes up to {needed}, and of {cap} {rest} are left")
    return chosen, left_out


def _asked(models: SuiteModels) -> JudgeSettings:
    """The settings by which calls are counted: votes, where nobody knows better."""
    if models.exact or is_in_process(models.judge) or models.settings.estimator == "scores":
        return models.settings
    return models.settings.model_copy(update={"estimator": "votes"})


def _run(run: AuditedRun) -> _Run:
    return _Run(
        read(run.pairs).pairs,
        tuple(rubric.text for rubric in load_rubrics(run.rubrics, "").values()),
        run.raw in run.label_sources and len(run.label_sources) > 1,
        len(run.reward_models),
    )


def _agreement(runs: Sequence[_Run]) -> int:
    return sum(len(run.pairs) * (len(run.texts) + 1) for run in runs if run.texts)


def _labels(runs: Sequence[_Run]) -> int:
    return sum(len(run.pairs) * len(run.texts) for run in runs if run.crossed)


def _crossed(runs: Sequence[_Run]) -> int:
    if len(runs) < 2:
        return 0
    return sum(len(run.pairs) for run in runs) * sum(len(run.texts) for run in runs)


def _reliability(runs: Sequence[_Run]) -> int:
    return sum(len(run.pairs) for run in runs if run.texts) * (_RUNS + _SHUFFLES + _PARAPHRASES)


def _ablation(runs: Sequence[_Run]) -> int:
    return sum(len(run.pairs) * (1 + len(ablations(text)[0])) for run in runs for text in run.texts)


_JUDGED: Mapping[str, Callable[[Sequence[_Run]], int]] = {
    "rubric_agreement": _agreement,
    "label_agreement": _labels,
    "cross_population": _crossed,
    "judge_reliability": _reliability,
    "rubric_ablation": _ablation,
}
"""Judgments of the tasks that ask the judge."""


def _of_roles(task: str, runs: Sequence[_Run], models: SuiteModels, texts: Texts) -> list[Phase]:
    """What a task takes of another judge, and of a model that rewrites."""
    other, rewriter = (models.roles.get(role) for role in (OTHER_JUDGE_ROLE, REWRITER_ROLE))
    phases = []
    if task == "judge_reliability" and other:
        phases.append(Phase(task, other, texts.judging(sum(len(r.pairs) for r in runs if r.texts))))
    if task == "judge_reliability" and rewriter:
        phases.append(Phase(task, rewriter, texts.writing(len(runs), _REWRITTEN)))
    if task == "bias_probe" and rewriter:
        edits = sum(_edits(len(run.pairs)) * run.reward_models for run in runs)
        phases.append(Phase(task, rewriter, texts.writing(edits, _REWRITTEN)))
    return phases


_REWRITTEN = 500
"""Tokens of a response that was rewritten."""


def _edits(pairs: int) -> int:
    return 2 * min(pairs, MOST_PROBED) * len(descriptions()) * _WAYS * _CALLS_AN_EDIT
