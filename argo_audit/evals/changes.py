"""What differs between two judgments of the same pairs, and how far several of them agree.

    changed = Changed(log.pairs, RUBRIC, "criteria shuffled")
    changed.flips(), changed.shifts()

Rows of `judge_reliability`, by pair and over prompts. A pair that either judgment could not be read
of is in neither number, and is counted.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from inspect_ai.scorer import Score, Scorer, Target, krippendorff_alpha, mean, scorer
from inspect_ai.solver import TaskState

from argo_audit.evals.metrics import interval_over_prompts, minimum_detectable_effect
from argo_audit.evals.reading import LoggedPair
from argo_audit.evals.results import About, ResultRow
from argo_audit.evals.scoring import judgment_of
from argo_audit.records import Judgment
from argo_audit.stats.alpha import alpha
from argo_audit.stats.estimates import Estimate, estimate


class Changed(NamedTuple):
    """Pairs that were judged under two names."""

    pairs: Sequence[LoggedPair]
    first: str
    second: str

    def flips(self) -> Estimate:
        """The share of pairs on which the two prefer different responses."""
        return _over([(pair, float(opposed(a, b))) for pair, a, b in self.both()])

    def shifts(self) -> Estimate:
        """The mean absolute difference of P(A)."""
        return _over([(pair, abs(a - b)) for pair, a, b in self.both()], verdicts=False)

    def both(self) -> list[tuple[LoggedPair, float, float]]:
        """Pairs with P(A) of both."""
        rated = ((pair, ratings(pair, (self.first, self.second))) for pair in self.pairs)
        return [(pair, p[0], p[1]) for pair, p in rated if len(p) == 2]


def change_rows(about: About, changed: Changed) -> list[ResultRow]:
    """Flips, mean change of P(A), and alpha of P(A) of the second name against the first."""
    name, unread = changed.second, len(changed.pairs) - len(changed.both())
    return [
        about.row(f"{name}: flip", changed.flips(), unread),
        about.row(f"{name}: change of P(A)", changed.shifts(), unread),
        about.row(f"{name}: alpha of P(A)", _alpha(changed.pairs, changed[1:]), unread),
    ]


def run_rows(about: About, pairs: Sequence[LoggedPair], runs: Sequence[str]) -> list[ResultRow]:
    """Alpha of verdicts and of P(A) over all runs, and flips between the first and each other."""
    rated = [(pair, ratings(pair, runs)) for pair in pairs]
    unread = sum(len(p) < len(runs) for _, p in rated)
    flips = [
        (pair, float(opposed(p[0], other)))
        for pair, p in rated
        if len(p) == len(runs)
        for other in p[1:]
    ]
    verdicts = alpha(
        [[(1 + math.copysign(1, x - 0.5) * (x != 0.5)) / 2 for x in p] for _, p in rated],
        [pair.prompt_key for pair, _ in rated],
    )
    return [
        about.row("runs: alpha of verdicts", verdicts, unread),
        about.row("runs: alpha of P(A)", _alpha(pairs, runs), unread),
        about.row("runs: flip", _over(flips), unread),
    ]


def position_row(about: About, pairs: Sequence[LoggedPair], judged: str) -> ResultRow:
    """Mean of P(A) shown first minus P(A) shown second: what standing first is worth."""
    found = [(pair, pair.judgments.get(judged)) for pair in pairs]
    gaps = [
        (pair, j.p_a_first - j.p_a_second)
        for pair, j in found
        if j is not None and j.p_a_first is not None and j.p_a_second is not None
    ]
    return about.row("position bias", _over(gaps, verdicts=False), len(pairs) - len(gaps))


def ratings(pair: LoggedPair, names: Sequence[str]) -> list[float]:
    """P(A) of the judgments of these names that could be read."""
    said = (pair.judgments.get(name) for name in names)
    return [judgment.p_a for judgment in said if judgment is not None and judgment.p_a is not None]


def opposed(one: float, other: float) -> bool:
    """Whether they prefer different responses; 0.5 prefers none and opposes none."""
    return (one - 0.5) * (other - 0.5) < 0


@scorer(metrics={"*": [mean(), interval_over_prompts(), minimum_detectable_effect()]})
def changes(first: str, second: str) -> Scorer:
    """Of a pair: whether the second judgment flips the first, and how far P(A) moves."""

    async def score(state: TaskState, target: Target) -> Score:
        p = _p_a(judgment_of(state, first)), _p_a(judgment_of(state, second))
        if p[0] is None or p[1] is None:
            return Score.unscored(reason="not_judged", explanation="not judged by both")
        flip, shift = float(opposed(p[0], p[1])), abs(p[0] - p[1])
        return Score(value={f"{second}: flip": flip, f"{second}: change of P(A)": shift})

    return score


@scorer(metrics=[krippendorff_alpha("interval")])
def runs_agree(runs: Sequence[str]) -> Scorer:
    """P(A) of every run that was read, for Krippendorff's alpha; unscored with fewer than two."""

    async def score(state: TaskState, target: Target) -> Score:
        found = [p for name in runs if (p := _p_a(judgment_of(state, name))) is not None]
        if len(found) < 2:
            return Score.unscored(reason="grader_failed", explanation="fewer than two runs")
        return Score(value=list[str | int | float | bool](found))

    return score


def _p_a(judgment: Judgment | None) -> float | None:
    return None if judgment is None else judgment.p_a


def _alpha(pairs: Sequence[LoggedPair], names: Sequence[str]) -> Estimate:
    return alpha([ratings(pair, names) for pair in pairs], [pair.prompt_key for pair in pairs])


def _over(values: Sequence[tuple[LoggedPair, float]], *, verdicts: bool | None = None) -> Estimate:
    keys = [pair.prompt_key for pair, _ in values]
    return estimate([value for _, value in values], keys, verdicts=verdicts)
