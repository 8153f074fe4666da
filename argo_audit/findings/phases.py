"""Phases of a search, cut where its rubrics became better, and what length has to do with it.

    found = phases(record, "my-rm")
    found.steps, found.levels[0].value, found.measure

The paper cuts training by eye, at "sharp increases"; here the steps are cut at the change points of
agreement (`change_points`). A step's value is the mean agreement of the distinct rubrics tried in
it that the search measured, which are the best of its window on train; it weighs as much as it has
rubrics. On held-out pairs where enough steps have some, else on dev, else the gain on train of all
attempts. The levels of phases that were cut to differ are further apart than they would be on new
data, so their intervals describe, and test nothing.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from argo_audit.findings.curves import Array, gain, measured
from argo_audit.findings.evolution import Mean, mean_over_steps
from argo_audit.findings.inputs import RunRecord
from argo_audit.records import Interval, Split
from argo_audit.stats.change_points import change_points
from argo_audit.stats.resampling import RESAMPLES

SHORTEST = 3
"""Steps of the shortest phase."""

GAIN = "gain on train, nats"
_FEWEST = 2 * SHORTEST  # steps with a value
_FEWEST_RUBRICS = 10
_NOTHING = 1e-12


class Phases(NamedTuple):
    """The ranges of steps, and the mean of `measure` in each; `of` steps had a value.

    Agreement is a share here and named in percent.

    `evidence` is the gain in Schwarz's criterion over a single phase.
    """

    steps: tuple[range, ...]
    levels: tuple[Mean, ...]
    measure: str
    of: int
    evidence: float


class Correlation(NamedTuple):
    """Spearman's rank correlation, -1 to 1."""

    value: float
    interval: Interval


class LengthEffect(NamedTuple):
    """How a rubric's words go with its held-out agreement, over distinct rubrics.

    `at_equal_step` is the partial correlation given the step: what the course of training does to
    both is taken out. None where the step says all there is to say.
    """

    raw: Correlation
    at_equal_step: Correlation | None
    rubrics: int
    steps: int


class _Point(NamedTuple):
    """A rubric tried in a step, and its value."""

    step: int
    rubric: str
    words: int
    value: float


def phases(record: RunRecord, label_source: str) -> Phases | None:
    """The phases of one run; None when nothing was tried."""
    if not record.attempts:
        return None
    measure, points = _series(record, label_source)
    at, index = np.unique([point.step for point in points], return_inverse=True)
    values = np.array([point.value for point in points])
    sizes = np.bincount(index).astype(np.float64)
    found = change_points(np.bincount(index, weights=values) / sizes, sizes, shortest=SHORTEST)
    last = max(attempt.step for attempt in record.attempts) + 1
    starts = [0, *(int(at[start]) for start in found.starts[1:]), last]
    steps = tuple(range(start, end) for start, end in pairwise(starts))
    levels = [_level(points, own) for own in steps]
    return Phases(steps, tuple(levels), measure, len(at), found.evidence)


def length_effect(record: RunRecord, label_source: str, seed: int = 0) -> LengthEffect | None:
    """Of the measured rubrics of one run; None of fewer than ten, or where nothing varies."""
    points = _measured(record, label_source, "held-out")
    first = list({point.rubric: point for point in reversed(points)}.values())
    columns = np.array([(p.words, p.value, p.step) for p in first], dtype=np.float64).reshape(-1, 3)
    steps, index = np.unique(columns[:, 2], return_inverse=True)
    observed = _correlations(columns) if len(steps) > 1 else np.full(2, np.nan)
    if len(first) < _FEWEST_RUBRICS or np.isnan(observed[0]):
        return None
    drawn = _resampled(columns, index, len(steps), seed)
    method = f"percentile bootstrap over {len(steps)} steps, {RESAMPLES} resamples"
    raw, partial = (
        _correlation(float(value), of, method) for value, of in zip(observed, drawn.T, strict=True)
    )
    return LengthEffect(raw, partial, len(first), len(steps)) if raw else None


def _correlation(observed: float, drawn: Array, method: str) -> Correlation | None:
    if np.isnan(observed):
        return None
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Correlation(observed, Interval(low=float(low), high=float(high), method=method))


def _series(record: RunRecord, label_source: str) -> tuple[str, Sequence[_Point]]:
    """What phases are cut by, and its values."""
    splits: tuple[Split, ...] = ("held-out", "dev")
    for split in splits:
        points = _measured(record, label_source, split)
        if len({point.step for point in points}) >= _FEWEST:
            return f"agreement on {split} pairs, %", points
    return GAIN, [_Point(a.step, a.rubric.id, 0, gain(a)) for a in record.attempts]


def _measured(record: RunRecord, label_source: str, split: Split) -> list[_Point]:
    """Each distinct rubric of each step that was measured."""
    known = {
        rubric: agreement.accuracy
        for rubric, agreement in measured(record, split, label_source).items()
    }
    tried = {(attempt.step, attempt.rubric.id): attempt for attempt in record.attempts}
    return [
        _Point(step, rubric, len(attempt.rubric.text.split()), value)
        for (step, rubric), attempt in tried.items()
        if (value := known.get(rubric)) is not None
    ]


def _level(points: Sequence[_Point], steps: range) -> Mean:
    own = [point for point in points if point.step in steps]
    return mean_over_steps([p.value for p in own], [p.step for p in own])


def _resampled(columns: Array, index: npt.NDArray[np.intp], steps: int, seed: int) -> Array:
    """[RESAMPLES, 2] both correlations, steps drawn with replacement."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(index == step) for step in range(steps)]
    draws = rng.integers(steps, size=(RESAMPLES, steps))
    return np.array(
        [_correlations(columns[np.concatenate([members[s] for s in own])]) for own in draws]
    )


def _correlations(columns: Array) -> Array:
    """[2] of words and value, and the same given the step; NaN where something does not vary."""
    ranks = rankdata(columns, axis=0).T
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1)
    words, value, step = centred / np.where(norms > 0, norms, np.nan)[:, None]
    raw, with_words, with_value = words @ value, words @ step, value @ step
    rest = (1 - with_words**2) * (1 - with_value**2)
    partial = (raw - with_words * with_value) / np.sqrt(rest) if rest > _NOTHING else np.nan
    return np.array([raw, partial], dtype=np.float64)
