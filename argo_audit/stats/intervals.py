"""Intervals (95%, or any level) of means over pairs, prompts being what is independent.

    >>> found = interval(np.array([0.0, 1.0, 0.0, 0.0]), ["x", "y", "z", "z"])
    >>> round(found.low, 3), round(found.high, 3), found.method
    (0.007, 0.938, 'Wilson with t, 3 prompts worth 2.3 pairs')

Three methods for three kinds of values, each chosen by what it was seen to cover:

- Shares, the mean of verdicts (0, 1/2 or 1), have Wilson's score interval (1927) at the effective
  number of pairs p(1 - p) / SE^2, with the quantile of Student's t (Franco et al., 2019,
  "Comparative study of confidence intervals for proportions in complex sample surveys"). Where
  nothing varies each prompt counts as one pair: no flip in 100 prompts is [0, 0.038].
- Differences of two verdicts (-1 to 1) are a share of gains minus a share of losses, whose two
  Wilson intervals are combined by MOVER (Newcombe, 1998, method 10; Zou and Donner, 2008).
- Any other mean has a t interval with the clustered standard error and as many degrees of freedom
  as that error is worth, 2G / (kurtosis - 1) for G prompts (Satterthwaite, 1946): where a few
  prompts make the variance, as rare large values of KL do, it is wider.

Resampling prompts is the more usual choice, and `python -m benchmarks.coverage` shows both. A
bootstrap cannot tell of what a sample does not show: at 100 prompts, BCa's 95% interval holds a
flip rate of 0.5% in 60% of samples, for most of the others have no flip to resample. The price is
paid where one side never happens (a criterion that only ever helps): there MOVER is too wide.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t

from argo_audit.records import Interval

Array = npt.NDArray[np.float64]

Keys = Sequence[str] | npt.NDArray[np.str_] | npt.NDArray[np.int_]
"""What names the prompts of values: equal keys are of one prompt."""

LEVEL = 0.95
_VERDICTS = (-1.0, -0.5, 0.0, 0.5, 1.0)


class Clustered(NamedTuple):
    """Values added up by prompt: both of shape [prompts]."""

    sums: Array
    counts: Array

    @property
    def mean(self) -> float:
        """Over all values."""
        return float(self.sums.sum() / self.counts.sum())

    @property
    def residuals(self) -> Array:
        """[prompts] what each prompt adds to the error of the mean (linearised ratio)."""
        return np.asarray((self.sums - self.counts * self.mean) / self.counts.sum())

    @property
    def error(self) -> float:
        """Standard error of the mean, between prompts; needs two of them."""
        groups = len(self.sums)
        return float(np.sqrt(groups / (groups - 1) * np.sum(self.residuals**2)))


class _Share(NamedTuple):
    """A share with its limits and what each prompt adds to its error."""

    mean: float
    low: float
    high: float
    residuals: Array


def by_prompt(values: Array, keys: Keys) -> Clustered:
    """Sums and counts of `values`, prompts in the order of their names."""
    _, index = np.unique(np.asarray(keys), return_inverse=True)
    sums = np.bincount(index, weights=values).astype(np.float64)
    return Clustered(sums, np.bincount(index).astype(np.float64))


def interval(
    values: Array,
    keys: Keys,
    *,
    difference: bool = False,
    verdicts: bool | None = None,
    level: float = LEVEL,
) -> Interval:
    """The interval of the mean of `values`, whose prompts are named by `keys`.

    Values are `verdicts` where they all look like it, unless the caller knows (a KL of 0 is none).
    Verdicts make a share; those below 0, or a `difference` of zeros, one of differences. Of a
    single prompt there is no interval: it is the mean itself, and says so.
    """
    clustered = by_prompt(values, keys)
    if len(clustered.sums) < 2:
        limits = clustered.mean, clustered.mean
        return _interval(limits, "degenerate: a single prompt", level)
    if not (np.isin(values, _VERDICTS).all() if verdicts is None else verdicts):
        return mean_interval(clustered, level)
    if not difference and values.min() >= 0:
        return share_interval(clustered, level)
    gains, losses = (by_prompt(np.maximum(side, 0), keys) for side in (values, -values))
    return difference_interval(gains, losses, level)


def share_interval(share: Clustered, level: float = LEVEL) -> Interval:
    """Wilson's at the effective number of pairs; the values lie in [0, 1]."""
    groups = len(share.sums)
    worth = effective_size(share.mean, share.error, groups)
    limits = wilson(share.mean, worth, groups - 1, level)
    return _interval(limits, f"Wilson with t, {groups} prompts worth {worth:.1f} pairs", level)


def difference_interval(gains: Clustered, losses: Clustered, level: float = LEVEL) -> Interval:
    """MOVER of two shares of the same pairs, correlated as they are between prompts."""
    up, down = _share(gains, level), _share(losses, level)
    both = np.sqrt(np.sum(up.residuals**2) * np.sum(down.residuals**2))
    r = float(up.residuals @ down.residuals / both) if both else 0.0
    low = _combined(up.mean - up.low, down.high - down.mean, r)
    high = _combined(up.high - up.mean, down.mean - down.low, r)
    estimate = up.mean - down.mean
    method = f"MOVER of two Wilson intervals with t, {len(gains.sums)} prompts"
    return _interval((estimate - low, estimate + high), method, level)


def mean_interval(values: Clustered, level: float = LEVEL) -> Interval:
    """Student's t with clustered standard error and Satterthwaite's degrees of freedom."""
    freedom = degrees_of_freedom(values.residuals)
    if freedom is None:
        limits = values.mean, values.mean
        return _interval(limits, "degenerate: no variation between prompts", level)
    half = quantile(freedom, level) * values.error
    method = f"clustered t, {len(values.sums)} prompts, {freedom:.1f} degrees of freedom"
    return _interval((values.mean - half, values.mean + half), method, level)


def wilson(share: float, size: float, freedom: float, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's limits of a share of `size` independent pairs."""
    z2 = quantile(freedom, level) ** 2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = np.sqrt(z2 * (share * (1 - share) / size + z2 / (4 * size**2))) / (1 + z2 / size)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def effective_size(share: float, error: float, groups: int) -> float:
    """How many independent pairs give a share this standard error; `groups` if it is 0."""
    return share * (1 - share) / error**2 if error > 1e-12 else float(groups)


def degrees_of_freedom(residuals: Array) -> float | None:
    """2G / (kurtosis - 1) of G prompts, within [1, G - 1]; None where nothing varies."""
    groups, squares = len(residuals), residuals**2
    if squares.mean() < 1e-24:
        return None
    excess = float(np.mean(squares**2) / squares.mean() ** 2) - 1
    return float(np.clip(2 * groups / max(excess, 1e-9), 1, groups - 1))


def quantile(freedom: float, level: float = LEVEL) -> float:
    """Of Student's t, two-sided at the level of an interval."""
    return float(student_t.ppf((1 + level) / 2, freedom))


def _share(share: Clustered, level: float) -> _Share:
    groups = len(share.sums)
    worth = effective_size(share.mean, share.error, groups)
    return _Share(share.mean, *wilson(share.mean, worth, groups - 1, level), share.residuals)


def _combined(first: float, second: float, correlation: float) -> float:
    """The distance of a limit from the difference, out of those of its two parts."""
    return float(np.sqrt(max(0.0, first**2 + second**2 - 2 * correlation * first * second)))


def _interval(limits: tuple[float, float], method: str, level: float) -> Interval:
    return Interval(low=limits[0], high=limits[1], level=level, method=method)
