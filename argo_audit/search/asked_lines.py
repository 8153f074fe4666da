"""Lines asked: new ones on few pairs, those that may count on more, all on the same pairs.

    asked = AskedLines(panel, seen, config, seed=0)
    for stage in asked.round(new_lines):
        stage.pairs, stage.weighed.weights, stage.usage
    asked.weights()                # what is left, for a rubric
    asked.said()                   # P(A preferred) by it, on the pairs asked

Asking every line on every pair would spend most calls on lines that say nothing, or what another
line says. So each time the pairs double, the lines that say least beside the others are left out
(never below `least`), and of two lines to which the judge gives the same answers one stays. The
two orders of a pair are two readings of a line, so how much a line agrees with itself is known, and
two lines are the same when they agree as well as either does with itself.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from argo_audit.records import Usage
from argo_audit.search.line_fit import Weighed, evidence, fitted, marginal, weigh
from argo_audit.search.panel import Panel
from argo_audit.search.proposing import ProposedLine
from argo_audit.search.rendering import Weight
from argo_audit.search.search_settings import LeadConfig
from argo_audit.search.shown_pairs import Seen

Array = NDArray[np.float64]

_SAME = 0.92  # correlation of answers, beside how well each line agrees with itself
_LEAST_CORRELATION = 0.5
_LEAST_PAIRS = 90  # before which noise may make any two rare lines look the same
_EQUAL = 0.9999
_OFTEN_ENOUGH = 0.5  # stability of a line that may yet count
_FALLBACK = 3
_MOST_LOOSE = 8
_SCREEN = 0.03
_NOTHING = 1e-9


class AskedStage(NamedTuple):
    """Lines that were asked on the first `pairs` pairs, and what they weigh."""

    pairs: int
    lines: tuple[ProposedLine, ...]
    weighed: Weighed
    usage: Usage
    saved: int


class AskedLines:
    """The answers so far, for the lines that are left; `seen` are the pairs in the order asked."""

    def __init__(
        self, panel: Panel, seen: Seen, families: Sequence[str], config: LeadConfig, seed: int
    ):
        self._panel, self.seen, self._families = panel, seen, families
        self._config, self._seed = config, seed
        self._answers: dict[ProposedLine, Array] = {}
        self._last: AskedStage | None = None
        self._usage, self._saved = Usage(), 0
        self.known: list[ProposedLine] = []
        self._new = set[ProposedLine]()

    def round(self, new: Sequence[ProposedLine]) -> Iterator[AskedStage]:
        """Ask `new` lines, and on more pairs those of before that may count."""
        self.known += new
        self._new = set(new)
        old, alive = self._worth_keeping(), list(new)
        before = self._pairs()
        for end in self._ends(before) if old or alive else ():
            if end > before and before:
                alive = [line for line in alive if line in self._worth_keeping()]
                old = [line for line in old if line in self._worth_keeping()]
            lines = (*old, *alive)
            self._ask(lines, end)
            yield self._stage(lines, end)
            alive = self._staying(old, alive, end)

    @property
    def found_new(self) -> bool:
        """Whether a line of the last round counts."""
        return any(one.line in self._new for one in self.weights())

    @property
    def count(self) -> int:
        """How many lines count."""
        return int(np.count_nonzero(self._last.weighed.weights)) if self._last else 0

    def weights(self) -> list[Weight]:
        """The lines that count; where none does, the few that go along most clearly."""
        if self._last is None:
            return []
        weights = self._last.weighed.weights
        return self._weighted(self._last, weights if weights.any() else self._clearest(self._last))

    def loose(self) -> list[list[Weight]]:
        """Lines that foretell labels and were not kept: all of the regression, the clearest few."""
        if self._last is None:
            return []
        others = (self._last.weighed.loose, self._clearest(self._last))
        ranked = [sorted(self._weighted(self._last, w), key=lambda one: -one.size) for w in others]
        return [lines[:_MOST_LOOSE] for lines in ranked if lines]

    def _weighted(self, stage: AskedStage, weights: Array) -> list[Weight]:
        size = np.sqrt((self._evidence(stage.lines, stage.pairs) ** 2).mean(axis=0))
        found = zip(stage.lines, weights.tolist(), (np.abs(weights) * size).tolist(), strict=True)
        return [Weight(line, weight, large) for line, weight, large in found if weight]

    def said(self) -> Array:
        """P(A preferred) by the lines that count, on the pairs asked."""
        kept = self.weights()
        x = self._evidence([one.line for one in kept], self._pairs())
        return np.asarray(expit(x @ np.array([one.weight for one in kept])), dtype=np.float64)

    def asked_on(self) -> Seen:
        """The pairs on which lines were asked."""
        end = self._pairs()
        return Seen(self.seen.pairs[:end], self.seen.target[:end])

    def _pairs(self) -> int:
        return self._last.pairs if self._last else 0

    def _ends(self, before: int) -> list[int]:
        """How many pairs each stage ends on: doubling, up to what rounds of before reached.

        After it a round adds `first` pairs more, for lines that may count.
        """
        most = len(self.seen.pairs)
        upto = before or self._config.pairs
        ends, end = list[int](), self._config.first
        while end < upto:
            ends.append(end)
            end *= 2
        ends += [upto, *([before + 2 * self._config.first] if before else [])]
        return sorted({min(end, most) for end in ends})

    def _ask(self, lines: Sequence[ProposedLine], end: int) -> None:
        """Ask each line on the pairs up to `end` that it was not asked on; alike go together."""
        groups: dict[int, list[ProposedLine]] = {}
        for line in lines:
            groups.setdefault(len(self._answers.get(line, ())), []).append(line)
        for begin, group in groups.items():
            if begin < end:
                self._add(group, begin, end)

    def _add(self, lines: Sequence[ProposedLine], begin: int, end: int) -> None:
        got = self._panel.lines([line.text for line in lines], self.seen.pairs[begin:end])
        self._usage, self._saved = self._usage + got.asked, self._saved + got.saved
        for column, line in enumerate(lines):
            before = self._answers.get(line, np.empty((0, 2)))
            self._answers[line] = np.concatenate([before, got.p_a[:, column]])

    def _stage(self, lines: tuple[ProposedLine, ...], end: int) -> AskedStage:
        x, target = self._evidence(lines, end), self.seen.target[:end]
        found = weigh(x, target, self._families[:end], self._seed, self._config.resamples)
        self._last = AskedStage(end, lines, found, self._usage, self._saved)
        self._usage, self._saved = Usage(), 0
        return self._last

    def _evidence(self, lines: Sequence[ProposedLine], end: int) -> Array:
        if not lines:
            return np.zeros((end, 0))
        return evidence(np.stack([self._answers[line][:end] for line in lines], axis=1))

    def _worth_keeping(self) -> list[ProposedLine]:
        """Of the last stage, the lines that count or may yet count, `least` of them at most."""
        if self._last is None:
            return []
        lines, weighed = self._last.lines, self._last.weighed
        worth = (weighed.weights != 0) + weighed.stability
        ranked = np.argsort(-worth, kind="stable")[: self._config.least]
        return [lines[i] for i in sorted(ranked.tolist()) if worth[i] >= _OFTEN_ENOUGH]

    def _staying(
        self, old: Sequence[ProposedLine], alive: Sequence[ProposedLine], end: int
    ) -> list[ProposedLine]:
        """The better half of the new lines, and of those that are the same, the best."""
        if not alive:
            return []
        lines = [*old, *alive]
        x, target = self._evidence(lines, end), self.seen.target[:end]
        score = _score(x, target)
        ranked = sorted(range(len(lines)), key=lambda i: (i >= len(old), -score[i]))
        same = _same(np.stack([self._answers[line][:end] for line in lines], axis=1))
        taken: list[int] = []
        for i in ranked:
            if i < len(old) or not any(same[i, j] for j in taken):
                taken.append(i)
        stay = max(self._config.least, -(-len(alive) // 2))
        return [lines[i] for i in taken if i >= len(old)][:stay]

    def _clearest(self, stage: AskedStage) -> Array:
        """Small weights for the lines that go along most clearly with the labels, one by one."""
        x = self._evidence(stage.lines, stage.pairs)
        score = marginal(x, self.seen.target[: len(x)] - 0.5)
        kept = np.argsort(-np.abs(score), kind="stable")[:_FALLBACK]
        weights = np.zeros(x.shape[1])
        weights[kept] = np.sign(score[kept]) / np.sqrt((x[:, kept] ** 2).mean(axis=0) + _NOTHING)
        return weights


def _score(x: Array, target: Array) -> Array:
    """What a line says alone, and twice what it says beside the others; each in its spread."""
    alone = np.abs(marginal(x, target - 0.5))
    scaled = x / (np.sqrt((x**2).mean(axis=0)) + _NOTHING)
    beside = np.abs(fitted(scaled, target, _SCREEN))
    return np.asarray(
        alone / (alone.std() + _NOTHING) + 2 * beside / (beside.std() + _NOTHING), dtype=np.float64
    )


def _same(p_a: Array) -> NDArray[np.bool_]:
    """Which lines [lines, lines] are the same by their answers [pairs, lines, 2]."""
    x = evidence(p_a)
    first, second = (evidence(p_a[:, :, [order, order]]) for order in (0, 1))
    itself = np.clip(_correlation(first, second), _LEAST_CORRELATION, 1.0)
    reliable = np.sqrt(2 * itself / (1 + itself))
    raw = np.abs(_centred(x).T @ _centred(x))
    corrected = raw / np.outer(reliable, reliable)
    enough = len(x) >= _LEAST_PAIRS
    alike = (raw >= _LEAST_CORRELATION) & (corrected >= _SAME) & enough
    return np.asarray(alike | (raw >= _EQUAL), dtype=np.bool_)


def _centred(x: Array) -> Array:
    left = x - x.mean(axis=0)
    return np.asarray(left / (np.sqrt((left**2).sum(axis=0)) + _NOTHING), dtype=np.float64)


def _correlation(x: Array, y: Array) -> Array:
    return np.asarray((_centred(x) * _centred(y)).sum(axis=0), dtype=np.float64)
