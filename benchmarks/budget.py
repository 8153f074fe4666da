"""What does it take to reach 90% of the ceiling, beside best-of-N from the untrained writer?

text = tables(plan, results)     # `results` by key of the trials(plan)
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from argo_audit.organism.populations import PopulationName
from argo_audit.report.markdown import table
from benchmarks.cells import key
from benchmarks.plan import POPULATIONS, Plan
from benchmarks.tables import middle, ratio, share
from benchmarks.trials import Arm, Outcome, Point, Trial
from benchmarks.worlds import RM

SHARE_OF_CEILING = 0.9
ARMS: Mapping[Arm, str] = {
    "argo": "ARGO",
    "feedback": "untrained writer, with feedback",
    "best-of-n": "best-of-N, untrained writer",
}
_NEVER = "not reached"
_HEADER = (
    "Population",
    "Search",
    "Best so far, chosen on",
    "Seeds that reach 90%",
    "Judge calls to it",
    "Seconds to it, wall",
    "Seconds to it, CPU",
    "Held-out at the end",
    "Ratio to the ceiling at the end",
    "Judge calls at the end",
)
_NOTE = (
    "The ceiling is the planted rubric under the same judge, on the reward model's labels; 90% of "
    "it is reached at the first step after which the best rubric so far agrees that well with them "
    "on held-out pairs. Judge calls, seconds: median (range) over the seeds that reach it. All "
    "searches share judge, minibatch and rubrics per step, so that their judge calls are equal "
    'step by step. Chosen on "train" is by gain on the minibatch a rubric was paid on; chosen on '
    '"dev" measures the best of each step on dev, and counts those judge calls too. Best-of-N '
    "draws from the explore prompt and learns nothing; the search with feedback reads earlier "
    "attempts but is not trained. At the end: mean over all seeds, 95% t interval."
)


class _Choice(NamedTuple):
    """A way to choose the best so far: its held-out agreement and its judge calls."""

    name: str
    held_out: Callable[[Point], float | None]
    calls: Callable[[Point], int]


_CHOICES = (
    _Choice("train", lambda p: p.by_train, lambda p: p.judge_calls),
    _Choice("dev", lambda p: p.by_dev, lambda p: p.judge_calls + p.dev_calls),
)


def trials(plan: Plan) -> list[Trial]:
    """Arms by populations by seeds."""
    return [
        plan.budget_trial(name, seed, arm)
        for arm in ARMS
        for name in POPULATIONS
        for seed in range(plan.seeds)
    ]


def tables(plan: Plan, results: Mapping[str, Outcome]) -> str:
    """The page of this benchmark."""
    rows = []
    for name in POPULATIONS:
        for arm in ARMS:
            outcomes = _outcomes(plan, results, name, arm)
            rows += [_row(name, arm, choice, outcomes) for choice in _CHOICES]
    heading = f"## Budget: {plan.seeds} seeds, {plan.budget_steps} steps"
    return "\n\n".join([heading, table(_HEADER, rows), _NOTE])


def reached(outcome: Outcome, choice: _Choice) -> Point | None:
    """The first point at 90% of the ceiling; None when there is none."""
    ceiling = outcome.yardsticks.ceiling[RM]
    for point in outcome.points:
        of_ceiling = ratio(choice.held_out(point), ceiling)
        if of_ceiling is not None and of_ceiling >= SHARE_OF_CEILING:
            return point
    return None


def _outcomes(
    plan: Plan, results: Mapping[str, Outcome], name: PopulationName, arm: Arm
) -> list[Outcome]:
    return [results[key(plan.budget_trial(name, seed, arm))] for seed in range(plan.seeds)]


def _row(name: str, arm: Arm, choice: _Choice, outcomes: Sequence[Outcome]) -> list[str]:
    found = [point for outcome in outcomes if (point := reached(outcome, choice)) is not None]
    ends = [outcome.points[-1] for outcome in outcomes]
    of_ceiling = partial(_end_ratio, choice)
    return [
        name,
        ARMS[arm],
        choice.name,
        f"{len(found)} of {len(outcomes)}",
        middle(map(choice.calls, found), none=_NEVER),
        middle((point.wall for point in found), none=_NEVER),
        middle((point.cpu for point in found), none=_NEVER),
        share(map(choice.held_out, ends)),
        share(map(of_ceiling, outcomes)),
        middle(map(choice.calls, ends)),
    ]


def _end_ratio(choice: _Choice, outcome: Outcome) -> float | None:
    return ratio(choice.held_out(outcome.points[-1]), outcome.yardsticks.ceiling[RM])
