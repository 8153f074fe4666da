"""The surface judge: applies a rubric by what can be measured on the text, and nothing else.

    judgments = await SurfaceJudge().judge(Rubric(text="- rewards short answers"), pairs)

It is deterministic, offline and fast, and it sees style only. Its agreement with a reward model is
the share of that model that style explains: the floor an LLM judge has to beat, not a measure of
the rubric's worth.

A response's score is 5 + 5 x the weighted mean of direction x feature over the criteria that were
read, hence on the rubrics' usual scale of 0 to 10; gates then cap it; P(A) is the logistic
function of SHARPNESS x the difference of the scores. Features differ in how much they vary
between two responses: wishes about what is seldom there (an apology) decide few pairs but those
clearly, wishes about length decide a little everywhere. That is left as it is: features share a
scale by meaning (0.5 is "clearly there"), and scaling by the variance of the data at hand would
make a judgment depend on its neighbours. The order of showing plays no part, so both orders of a
judgment are the same number. A rubric of which nothing was read gives exactly 0.5.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from argo_audit.records import Judgment, Pair, Rubric, Usage
from argo_audit.roles import LineAnswers
from argo_audit.rubrics.unsigned import unsigned
from argo_audit.surface.contrast import MeasuredPairs, features_of, measured
from argo_audit.surface.features import FEATURES, Features
from argo_audit.surface.meaning import LineMeaning
from argo_audit.surface.reader import TOP_SCORE, ReadGate, Reading, read_rubric

NAME = "argo/surface"
BY_MEANING = "argo/meaning"
"""The same judge where lines are read by their meaning; records name which of the two it was."""

SHARPNESS = 2.0
"""Half a point of ten apart is P = 0.73. Fixed; a judge's temperature is fitted elsewhere."""

NEUTRAL = TOP_SCORE / 2
PRESENT = 0.5
"""From this value on a feature is there, as far as gates are concerned."""

_BOTH_ORDERS = Usage(calls=2)
_LINES_PER_CALL = 8  # as a model is asked by default: calls are counted alike
_BATCHES_REMEMBERED = 16
_DIGITS = 12  # scores are rounded, so that equal responses score equally wherever they stand
_COLUMN = {feature: column for column, feature in enumerate(FEATURES)}

Scores = NDArray[np.float64]


class Explanation(NamedTuple):
    """Reasoning whose last line is `Verdict: A` or `Verdict: B`, and P(A); at 0.5 it says A."""

    text: str
    p_a: float


class SurfaceJudge:
    """The judge without a model: what it can read of a rubric, counted in the responses.

    With a `meaning` it reads lines by that, and is called argo/meaning.
    """

    def __init__(self, meaning: LineMeaning | None = None) -> None:
        self._meaning = meaning
        self._batches: deque[MeasuredPairs] = deque(maxlen=_BATCHES_REMEMBERED)

    @property
    def name(self) -> str:
        """Of the two, the first is the name under which Inspect knows the same judge."""
        return BY_MEANING if self._meaning else NAME

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """One Judgment per pair, in order; see roles.Judge.

        `reply` says in one line how much of the rubric was read; `explain` gives the reasoning.
        """
        reading, batch = read_rubric(rubric.text, self._meaning), self._batch(tuple(pairs))
        p_a = preferences(reading, batch.first, batch.second)
        by = f" By {self._meaning.name}." if self._meaning else ""
        rubric_id, reply = rubric.id, _summary(reading) + by
        return [
            Judgment.model_construct(
                pair_id=pair.id,
                rubric_id=rubric_id,
                p_a=p,
                p_a_first=p,
                p_a_second=p,
                estimator="log-probabilities",
                votes=0,
                unread=0,
                truncated=0,
                reply=reply,
                usage=_BOTH_ORDERS,
            )
            for pair, p in zip(pairs, p_a.tolist(), strict=True)
        ]

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """Which response shows more of each line; see roles.LineJudge.

        The answer to a line is the judgment under a rubric of it alone; one that is not read is
        nan.
        """
        batch = self._batch(tuple(pairs))
        p_a = np.full((len(pairs), len(lines), 2), np.nan)
        for column, line in enumerate(lines):
            reading = read_rubric(f"- Rewards {unsigned(line)}\n", self._meaning)
            if reading.criteria:
                p_a[:, column] = preferences(reading, batch.first, batch.second)[:, None]
        calls = 2 * len(pairs) * -(-len(lines) // _LINES_PER_CALL)
        return LineAnswers(p_a, Usage(calls=calls), unread=np.isnan(p_a))

    def _batch(self, pairs: tuple[Pair, ...]) -> MeasuredPairs:
        """The stacked features; the batches of a search's step come again for every rubric."""
        for batch in self._batches:
            same = len(batch.pairs) == len(pairs)
            if same and all(a is b for a, b in zip(batch.pairs, pairs, strict=True)):
                return batch
        self._batches.append(measured(pairs))
        return self._batches[-1]


def preferences(reading: Reading, first: Features, second: Features) -> Scores:
    """P(first preferred) by a rubric's reading; features (N, len(FEATURES)), result (N,)."""
    difference = scores(reading, first) - scores(reading, second)
    return np.asarray(expit(SHARPNESS * difference), dtype=np.float64)


def scores(reading: Reading, features: Features) -> Scores:
    """The overall scores in [0, 10] of responses with `features` (N, len(FEATURES))."""
    uncapped = NEUTRAL + NEUTRAL * features @ weights(reading)
    caps = [np.where(hit(gate, features), gate.cap, TOP_SCORE) for gate in reading.gates]
    capped = np.minimum.reduce([uncapped, *caps])
    return np.asarray(np.round(capped, _DIGITS), dtype=np.float64)


def weights(reading: Reading) -> Features:
    """The signed weight of each feature; absolute weights of the criteria add up to 1, or 0."""
    signed = np.zeros(len(FEATURES))
    for criterion in reading.criteria:
        signed[_COLUMN[criterion.feature]] += criterion.direction * criterion.weight
    total = sum(criterion.weight for criterion in reading.criteria)
    return signed / total if total else signed


def hit(gate: ReadGate, features: Features) -> NDArray[np.bool_]:
    """Whether each response triggers the gate; features (..., len(FEATURES))."""
    values = features[..., _COLUMN[gate.feature]]
    return np.asarray(values >= PRESENT if gate.present else values < PRESENT)


def explain(rubric: Rubric, request: str, response_a: str, response_b: str) -> Explanation:
    """The written reasoning on one pair, from the last request and the two responses."""
    reading = read_rubric(rubric.text)
    both = np.stack([features_of(request, response_a), features_of(request, response_b)])
    score_a, score_b = scores(reading, both).tolist()
    p_a = float(preferences(reading, both[:1], both[1:])[0])
    lines = [
        *_wish_lines(reading, both),
        *(_gate_line(gate, both) for gate in reading.gates),
        *(f'- Could not read: "{line}"' for line in reading.unread),
        f"Overall: A {score_a:.2f}, B {score_b:.2f} of 10; P(A) = {p_a:.3f}",
        f"Verdict: {'A' if p_a >= 0.5 else 'B'}",
    ]
    return Explanation("\n".join(lines), p_a)


def _wish_lines(reading: Reading, both: Features) -> Iterator[str]:
    total = sum(wish.weight for wish in reading.criteria) or 1.0
    for wish in reading.criteria:
        a, b = both[:, _COLUMN[wish.feature]].tolist()
        worth = NEUTRAL * wish.direction * wish.weight / total
        wanted = "more" if wish.direction > 0 else "less"
        yield (
            f'- "{wish.quote}": {wanted} {wish.feature}; A has {a:.2f}, B has {b:.2f}: '
            f"{worth * (a - b):+.2f} for A"
        )


def _gate_line(gate: ReadGate, both: Features) -> str:
    letters = [letter for letter, is_hit in zip("AB", hit(gate, both), strict=True) if is_hit]
    return (
        f'- Gate "{gate.quote}": {gate.feature} {"present" if gate.present else "absent"} caps at '
        f"{gate.cap:g}; it holds for {' and '.join(letters) or 'neither'}"
    )


def _summary(reading: Reading) -> str:
    return (
        f"Read from the rubric: wishes {len(reading.criteria)}, gates {len(reading.gates)}; "
        f"lines not read: {len(reading.unread)}."
    )
