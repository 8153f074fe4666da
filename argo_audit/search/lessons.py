"""What the attempts so far teach: the best rubrics, and the pairs on which the best is wrong.

learned = lessons(recent_attempts, pairs)
learned.tried[0].agreement                   # best first
learned.wrong[0].label_p_a                   # the pair on which it is furthest from its label
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from argo_audit.records import Attempt, Judgment, Label, Miss, Pair
from argo_audit.rubrics.outline import outline


class Tried(NamedTuple):
    """An earlier rubric, its agreement (share of pairs, 0 to 1) and its gain (nats)."""

    text: str
    agreement: float
    gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A pair that the best attempt gets most wrong: P(A) by label and by judge."""

    pair: Pair
    label_p_a: float
    judge_p_a: float


class Lessons(NamedTuple):
    """Distinct rubrics, best first, and the pairs that the best of them is most wrong on."""

    tried: Sequence[Tried]
    wrong: Sequence[Disagreement]


def lessons(attempts: Iterable[Attempt], pairs: Mapping[str, Pair]) -> Lessons:
    """What these attempts teach; `pairs` by id are those that they were judged on."""
    best_first = ranked(attempts)
    tried = [Tried(a.rubric.text, a.train.accuracy or 0.0, a.gain) for a in best_first]
    found = best_first[0].misses if best_first else ()
    wrong = [Disagreement(pairs[m.pair_id], m.label_p_a, m.judge_p_a) for m in found]
    return Lessons(tried, wrong)


def ranked(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Distinct rubrics that have criteria, best gain first."""
    best: dict[str, Attempt] = {}
    for one in sorted(attempts, key=lambda attempt: attempt.gain, reverse=True):
        if len(outline(one.rubric.text)):
            best.setdefault(one.rubric.id, one)
    return list(best.values())


def misses(labels: Sequence[Label], judgments: Sequence[Judgment]) -> list[Miss]:
    """Pairs on which label and judge are on different sides, furthest apart first."""
    said = {label.pair_id: label.p_a for label in labels}
    found = [
        Miss(pair_id=j.pair_id, label_p_a=said[j.pair_id], judge_p_a=j.p_a)
        for j in judgments
        if j.p_a is not None and (j.p_a - 0.5) * (said[j.pair_id] - 0.5) < 0
    ]
    return sorted(found, key=lambda miss: abs(miss.label_p_a - miss.judge_p_a), reverse=True)
