"""Why a number differs between two populations: what each is shown, or what each prefers.

    >>> rewards = np.array([[1.0, 0.0]])  # a pair of A liked by A's reward model, not by B's
    >>> shown_a = Crossed(np.repeat(rewards, 8, axis=0), list("aabbccdd"))
    >>> found = split(shown_a, shown_a)
    >>> found.total.estimate, found.shown.estimate, found.preferred.estimate
    (1.0, 0.0, 1.0)

Of two populations each has pairs and a reward model, and each reward model labels both kinds of
pairs. So every number has four means m[pairs, labels], and the difference of the two that belong
together, m[A, A] - m[B, B], has two parts that add up to it:

    shown     = ((m[A, A] - m[B, A]) + (m[A, B] - m[B, B])) / 2    other pairs, the same labels
    preferred = ((m[A, A] - m[A, B]) + (m[B, A] - m[B, B])) / 2    the same pairs, other labels

This is Kitagawa's symmetric split of a difference between two rates (1955, "Components of a
difference between two rates"), the Shapley value of two factors. Blinder and Oaxaca (1973) have to
estimate the crossed means by regression; here they are measured. Intervals resample the prompts of
each population, and every part is computed on the same resamples.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from argo_audit.records import Interval, Probability, Record
from argo_audit.stats.intervals import LEVEL

Array = npt.NDArray[np.float64]

RESAMPLES = 1999


class Crossed(NamedTuple):
    """A number of each pair of one population, by both reward models: `values` [pairs, 2].

    NaN is none; `keys` [pairs] name the prompts.
    """

    values: Array
    keys: Sequence[str]


class SplitPart(Record):
    """A part of a difference with its interval; `p_value` is two-sided, of a part of 0."""

    estimate: float
    interval: Interval
    p_value: Probability


class Split(Record):
    """The first's number minus the second's, each at home: `total` = `shown` + `preferred`."""

    total: SplitPart
    shown: SplitPart
    preferred: SplitPart


_PARTS = np.array([[[1, 0], [0, -1]], [[0.5, 0.5], [-0.5, -0.5]], [[0.5, -0.5], [0.5, -0.5]]])
"""[part, pairs, labels] what each of the four means counts in total, shown and preferred."""


def split(first: Crossed, second: Crossed, seed: int = 0) -> Split | None:
    """Split the difference between two populations; None unless all four means are known.

    Needs two prompts in each population. The intervals are percentiles of RESAMPLES resamples of
    prompts, the p-values normal with the resamples' standard error.
    """
    sums = [_sums(crossed) for crossed in (first, second)]
    if any(len(own) < 2 or not own[:, 1].sum(axis=0).all() for own in sums):
        return None
    rng = np.random.default_rng(seed)
    means = np.stack([_means(own, np.ones((1, len(own)))) for own in sums])
    drawn = np.stack([_means(own, _resampled(len(own), rng)) for own in sums])
    prompts = " and ".join(str(len(own)) for own in sums)
    method = f"percentile bootstrap over {prompts} prompts, {RESAMPLES} resamples"
    total, shown, preferred = (
        _part(float(observed), resampled, method)
        for observed, resampled in zip(_parts(means)[:, 0], _parts(drawn), strict=True)
    )
    return Split(total=total, shown=shown, preferred=preferred)


def _sums(crossed: Crossed) -> Array:
    """[prompts, 2, labels] sums and counts of the values of each prompt."""
    names, index = np.unique(np.asarray(crossed.keys), return_inverse=True)
    known = ~np.isnan(crossed.values)
    found = np.zeros((len(names), 2, 2))
    np.add.at(found[:, 0], index, np.where(known, crossed.values, 0.0))
    np.add.at(found[:, 1], index, known)
    return found


def _resampled(prompts: int, rng: np.random.Generator) -> Array:
    """[resamples, prompts] how often each prompt was drawn."""
    return rng.multinomial(prompts, np.full(prompts, 1 / prompts), RESAMPLES).astype(np.float64)


def _means(sums: Array, drawn: Array) -> Array:
    """[resamples, labels] the mean over the pairs of the prompts drawn."""
    found = np.einsum("rp,pkq->krq", drawn, sums)
    return np.asarray(found[0] / np.where(found[1], found[1], np.nan), dtype=np.float64)


def _parts(means: Array) -> Array:
    """[part, resamples] from means [pairs, resamples, labels]."""
    return np.asarray(np.einsum("kpq,prq->kr", _PARTS, means), dtype=np.float64)


def _part(estimate: float, resampled: Array, method: str) -> SplitPart:
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail])
    error = float(np.nanstd(resampled))
    p_value = float(2 * norm.sf(abs(estimate) / error)) if error > 1e-12 else 1.0
    interval = Interval(low=float(low), high=float(high), level=LEVEL, method=method)
    return SplitPart(estimate=estimate, interval=interval, p_value=p_value)
