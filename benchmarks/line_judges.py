"""Scripted judges with the faults that judges have, which count what they are asked.

    judge = ScriptedJudge(NOISY)
    await judge.line_answers(["bulleted lists"], pairs)
    judge.calls

What a line shows is measured as the surface judge measures it; on that come, as `Nature` says,
noise for each line, pair and order, a bias for the first place, a halo of length, interference
between the lines of one call, lines to which it is blind, and lines that it turns round. A fault of
a line is its fault in a whole rubric too. A call is one order of one pair under one rubric or up to
`lines_per_call` lines; everything is a function of the texts, so that asking again says the same.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from argo_audit.records import Judgment, Pair, Record, Rubric, Usage, fingerprint
from argo_audit.roles import LineAnswers
from argo_audit.rubrics.outline import outline
from argo_audit.rubrics.unsigned import unsigned
from argo_audit.surface.contrast import measured
from argo_audit.surface.features import FEATURES
from argo_audit.surface.judge import NEUTRAL, SHARPNESS, scores, weights
from argo_audit.surface.reader import read_rubric

Array = NDArray[np.float64]
_LENGTH = FEATURES.index("length")
_SCALE = SHARPNESS * NEUTRAL


class Nature(Record):
    """What a judge is like. Numbers are log-odds, but for shares of lines."""

    name: str = "clean"
    gain: float = 1.0
    noise: float = 0.0
    bias: float = 0.0
    halo: float = 0.0
    interference: float = 0.0
    blind: float = 0.0
    inverted: float = 0.0
    lines_per_call: int = 8


CLEAN = Nature()
NOISY = Nature(name="noisy", gain=0.5, noise=0.8, bias=0.5, halo=1.0)
HARD = Nature(
    name="hard",
    gain=0.5,
    noise=1.0,
    bias=0.5,
    halo=1.0,
    interference=0.1,
    blind=0.1,
    inverted=0.05,
)


class _Sides(NamedTuple):
    """Features of both responses of some pairs."""

    first: Array
    second: Array


class ScriptedJudge:
    """Roles Judge and LineJudge; `calls` is what it has been asked so far."""

    def __init__(self, nature: Nature = CLEAN, seed: int = 0):
        self.name = f"scripted/{nature.name}"
        self.calls = 0
        self._nature, self._seed = nature, seed
        self._features: dict[str, tuple[Array, Array]] = {}

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """See roles.Judge."""
        self.calls += 2 * len(pairs)
        both = self._both(rubric.text, pairs)
        return [
            Judgment.model_construct(
                pair_id=pair.id,
                rubric_id=rubric.id,
                p_a=float(p.mean()),
                p_a_first=float(p[0]),
                p_a_second=float(p[1]),
                estimator="log-probabilities",
                votes=0,
                unread=0,
                truncated=0,
                reply="",
                usage=Usage(calls=2),
            )
            for pair, p in zip(pairs, both, strict=True)
        ]

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """See roles.LineJudge."""
        calls = 2 * len(pairs) * -(-len(lines) // self._nature.lines_per_call)
        self.calls += calls
        sides = self._sides(pairs)
        said = np.stack([self._line(line, sides) for line in lines], axis=1)
        said = self._disturbed(said)
        answers = [
            self._answered(said[:, i], unsigned(line), pairs, sides) for i, line in enumerate(lines)
        ]
        return LineAnswers(np.stack(answers, axis=1), Usage(calls=calls))

    def without_counting(self, rubric: str, pairs: Sequence[Pair]) -> Array:
        """P(A preferred) with a rubric, for whoever measures a search."""
        return np.asarray(self._both(rubric, pairs).mean(axis=1), dtype=np.float64)

    def _both(self, text: str, pairs: Sequence[Pair]) -> Array:
        sides, reading = self._sides(pairs), read_rubric(text)
        if reading.gates or not self._has_faults():
            said = SHARPNESS * (scores(reading, sides.first) - scores(reading, sides.second))
        else:
            said = self._added_up(text, sides)
        return self._answered(self._nature.gain * said, text, pairs, sides)

    def _has_faults(self) -> bool:
        return bool(self._nature.blind or self._nature.inverted)

    def _added_up(self, text: str, sides: _Sides) -> Array:
        """A rubric as the sum of what its lines say, faults of lines included."""
        parts = outline(text)
        lines = [(c.text or c.name, c.weight or 1.0) for c in parts.criteria]
        lines += [(f"{b.direction} {b.text}", 1.0) for b in parts.biases]
        total = sum(weight for _, weight in lines) or 1.0
        said = np.zeros(len(sides.first))
        for line, weight in lines:
            sign = -1.0 if line.lower().startswith("penali") else 1.0
            said += sign * weight / total * self._line(unsigned(line), sides) / self._nature.gain
        return said

    def _line(self, line: str, sides: _Sides) -> Array:
        """What a line says of the pairs, in log-odds, before noise."""
        vector = _vector(unsigned(line))
        luck = self._luck(unsigned(line))
        if luck < self._nature.blind:
            return np.zeros(len(sides.first))
        turned = -1.0 if luck > 1 - self._nature.inverted else 1.0
        return turned * self._nature.gain * _SCALE * ((sides.first - sides.second) @ vector)

    def _disturbed(self, said: Array) -> Array:
        """Each line is drawn to what the other lines of its call say."""
        size, pull = self._nature.lines_per_call, self._nature.interference
        if not pull:
            return said
        blocks = [said[:, i : i + size] for i in range(0, said.shape[1], size)]
        return np.concatenate([b + pull * (b.sum(axis=1, keepdims=True) - b) for b in blocks], 1)

    def _answered(self, said: Array, text: str, pairs: Sequence[Pair], sides: _Sides) -> Array:
        """[pairs, 2] probabilities: halo, noise and the bias for the first place added."""
        nature = self._nature
        halo = nature.halo * (sides.first - sides.second)[:, _LENGTH]
        noise = nature.noise * self._noise(text, pairs) if nature.noise else 0.0
        place = nature.bias * np.array([1.0, -1.0])
        return np.asarray(expit((said + halo)[:, None] + noise + place), dtype=np.float64)

    def _noise(self, text: str, pairs: Sequence[Pair]) -> Array:
        """Normal numbers that are a function of the text, the pair and the order."""
        key = int(fingerprint(f"{self._seed} {text}", 15), 16)
        own = np.array([number(pair.id) for pair in pairs], dtype=np.uint64)
        return np.stack([normal(own, key + order) for order in (0, 1)], axis=1)

    def _luck(self, line: str) -> float:
        return int(fingerprint(f"luck {self._seed} {line}", 8), 16) / 16**8

    def _sides(self, pairs: Sequence[Pair]) -> _Sides:
        new = [pair for pair in pairs if pair.id not in self._features]
        if new:
            found = measured(tuple(new))
            for pair, a, b in zip(new, found.first, found.second, strict=True):
                self._features[pair.id] = a, b
        both = [self._features[pair.id] for pair in pairs]
        return _Sides(np.stack([a for a, _ in both]), np.stack([b for _, b in both]))


@cache
def _vector(line: str) -> Array:
    """The features that a line speaks of, as the surface judge reads it."""
    return weights(read_rubric(f"- Rewards {line}\n"))


@cache
def number(text: str) -> int:
    return int(fingerprint(text, 15), 16)


def normal(own: NDArray[np.uint64], key: int) -> Array:
    """Standard normal numbers by hash (splitmix64) and the Box-Muller transform."""
    uniform = [_uniform(own, key * 2 + one) for one in (0, 1)]
    radius, angle = np.sqrt(-2 * np.log(uniform[0])), 2 * np.pi * uniform[1]
    return np.asarray(radius * np.cos(angle), dtype=np.float64)


def _uniform(own: NDArray[np.uint64], key: int) -> Array:
    with np.errstate(over="ignore"):
        x = own + np.uint64((key * 0x9E3779B97F4A7C15) % 2**64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x.astype(np.float64) + 1.0) / (2.0**64 + 2.0)
