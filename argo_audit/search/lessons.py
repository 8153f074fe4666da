"""What the attempts so far teach: the best rubrics, and the pairs on which the best is wrong.

past = Past(recent=15)
past.add(attempts_of_a_step)
past.best.gain                               # of all steps
learned = past.lessons(pairs)                # of the last 15
learned.tried[0].agreement                   # best first
learned.wrong[0].label_p_a                   # the pair on which it is furthest from its label

An attempt is read once, when it comes: a search of many thousands takes no longer for a step at its
end than at its beginning.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from argo_audit.records import Attempt, Label, Miss, Pair
from argo_audit.rubrics.credit import Key, Line, by_key
from argo_audit.rubrics.outline import outline
from argo_audit.search.panel import Verdict


@dataclass(frozen=True)
class Tried:
    """An earlier rubric, its agreement (share of `n` pairs, 0 to 1) and its gain (nats)."""

    text: str
    agreement: float
    gain: float = 0.0
    n: int = 0
    misses: tuple[Miss, ...] = ()

    @cached_property
    def gated(self) -> bool:
        """Whether it holds a cap or an override."""
        return bool(outline(self.text).gates)

    @cached_property
    def lines(self) -> dict[Key, Line]:
        """Its items, as credit is given to them."""
        return by_key(self.text)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A pair that an attempt gets wrong: P(A) by label and by judge, and the judge's reasons."""

    pair: Pair
    label_p_a: float
    judge_p_a: float
    reasons: str = ""


class Lessons(NamedTuple):
    """Distinct rubrics, best first, and the pairs that the best of them is most wrong on."""

    tried: Sequence[Tried]
    wrong: Sequence[Disagreement]


class Past:
    """The attempts of a search, added step by step; feedback looks `recent` steps back."""

    def __init__(self, recent: int):
        self.attempts: list[Attempt] = []
        self.best: Attempt | None = None
        self._steps: deque[list[tuple[Attempt, Tried]]] = deque(maxlen=recent)

    def add(self, attempts: Sequence[Attempt]) -> None:
        """The attempts of the next step; of those with the best gain the first stays the best."""
        able = list(_with_criteria(attempts))
        self.attempts += attempts
        self._steps.append([(a, tried_of(a)) for a in able])
        known = [self.best] if self.best else []
        self.best = max([*known, *able], key=lambda attempt: attempt.gain, default=None)

    def lessons(self, pairs: Mapping[str, Pair]) -> Lessons:
        """What the last steps teach; `pairs` by id are those that attempts were judged on."""
        recent = [one for step in self._steps for one in step]
        recent.sort(key=lambda one: one[0].gain, reverse=True)
        best: dict[str, tuple[Attempt, Tried]] = {}
        for attempt, tried in recent:
            best.setdefault(attempt.rubric.id, (attempt, tried))
        best_first = list(best.values())
        wrong = disagreements_of(best_first[0][1], pairs) if best_first else []
        return Lessons([tried for _, tried in best_first], wrong)


def ranked(attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    """Distinct rubrics that have criteria, best gain first; each is read when it is asked for."""
    best: dict[str, Attempt] = {}
    for one in sorted(attempts, key=lambda attempt: attempt.gain, reverse=True):
        best.setdefault(one.rubric.id, one)
    return _with_criteria(best.values())


def _with_criteria(attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    return (attempt for attempt in attempts if len(outline(attempt.rubric.text)))


def tried_of(attempt: Attempt) -> Tried:
    """An attempt as feedback shows it."""
    agreement, n = attempt.train.accuracy or 0.0, attempt.train.n
    return Tried(attempt.rubric.text, agreement, attempt.gain, n, attempt.misses)


def disagreements_of(tried: Tried, pairs: Mapping[str, Pair]) -> list[Disagreement]:
    """The pairs on record that the attempt was most wrong on."""
    return [
        Disagreement(pairs[miss.pair_id], miss.label_p_a, miss.judge_p_a, miss.reasons)
        for miss in tried.misses
    ]


def misses(labels: Sequence[Label], said: Iterable[Verdict]) -> list[Miss]:
    """Pairs on which label and judge are on different sides, furthest apart first."""
    wanted = {label.pair_id: label.p_a for label in labels}
    found = [
        Miss(pair_id=j.pair_id, label_p_a=wanted[j.pair_id], judge_p_a=j.p_a, reasons=j.reasons)
        for j in said
        if j.p_a is not None and (j.p_a - 0.5) * (wanted[j.pair_id] - 0.5) < 0
    ]
    return sorted(found, key=lambda miss: abs(miss.label_p_a - miss.judge_p_a), reverse=True)
