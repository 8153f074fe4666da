"""Krippendorff's alpha: how far ratings of the same pair agree beyond chance, with an interval.

    >>> found = alpha([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], ["w", "x", "y", "z"])
    >>> round(found.mean, 3)
    0.533

1 is perfect agreement, 0 what chance gives, below 0 worse than that. Ratings are numbers and two of
them disagree by their squared difference ("interval" level), which for verdicts of 0 and 1 is the
same as counting disagreements ("nominal"). It is `inspect_ai.scorer.krippendorff_alpha` in sums, so
that leaving a prompt out is a subtraction; alpha where all ratings are one number is not 1 here but
not measured: nothing could have disagreed.

The interval is that of a share, (1 - alpha) / 2: Wilson's, at the effective size that the jackknife
over prompts gives, because near 1 a handful of disagreements decides.
"""

from collections.abc import Sequence

import numpy as np

from argo_audit.records import Interval
from argo_audit.stats.estimates import Estimate
from argo_audit.stats.intervals import Array, by_prompt, degrees_of_freedom, effective_size, wilson

_ROUNDING = 1e-12


def alpha(ratings: Sequence[Sequence[float]], keys: Sequence[str]) -> Estimate:
    """Alpha of units that were rated several times; `keys` name the prompt of each unit.

    Units with fewer than two ratings say nothing and are not counted in `n`.
    """
    rated = [(unit, key) for unit, key in zip(ratings, keys, strict=True) if len(unit) > 1]
    prompts = sorted({key for _, key in rated})
    nothing = Estimate(mean=None, interval=None, n=len(rated), clusters=len(prompts))
    if not rated:
        return nothing
    columns = np.array([_sums(unit) for unit, _ in rated]).T
    names = [key for _, key in rated]
    parts = np.stack([by_prompt(column, names).sums for column in columns])  # [4, prompts]
    total = parts.sum(axis=1, keepdims=True)
    ratio = float(_disagreement(total)[0])
    if not np.isfinite(ratio):
        return nothing
    left_out = _disagreement(total - parts)
    interval = _interval(ratio, left_out) if np.isfinite(left_out).all() else None
    return nothing.model_copy(update={"mean": 1 - ratio, "interval": interval})


def _sums(unit: Sequence[float]) -> tuple[float, float, float, float]:
    """Ratings, their sum and sum of squares, and how much they disagree within the unit."""
    x = np.asarray(unit, dtype=np.float64)
    n, total, squares = len(x), float(x.sum()), float(x @ x)
    return n, total, squares, 2 * (n * float(np.sum((x - x.mean()) ** 2))) / (n - 1)


def _disagreement(parts: Array) -> Array:
    """Observed over expected, 1 - alpha, of each column of sums; NaN where none is expected."""
    n, total, squares, within = parts
    spread = n * squares - total**2
    possible = (spread > _ROUNDING * n * n) & (n > 1)
    expected = np.where(possible, 2 * spread / np.where(possible, n - 1, 1.0), np.nan)
    return np.asarray(within / expected)


def _interval(ratio: float, left_out: Array) -> Interval | None:
    groups = len(left_out)
    if groups < 2:
        return None
    residuals = (groups - 1) / groups * (left_out - left_out.mean())
    error = float(np.sqrt(groups / (groups - 1) * np.sum(residuals**2)))
    share = min(max(ratio / 2, 0.0), 1.0)
    size = effective_size(share, error / 2, groups)
    low, high = wilson(share, size, degrees_of_freedom(residuals) or groups - 1)
    method = f"Wilson with t of (1 - alpha) / 2, jackknife over {groups} prompts"
    return Interval(low=1 - 2 * high, high=1 - 2 * low, method=method)
