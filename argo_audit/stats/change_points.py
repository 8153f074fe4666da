"""Where a series changes its level, and how many times: phases of a search.

    >>> found = change_points(np.repeat([0.50, 0.71, 0.70, 0.52], 5) + np.tile([0.01, -0.01], 10))
    >>> found.starts
    (0, 5, 15)

The values of a phase are taken to be normal around one level, with one variance for all phases
(divided by a value's weight, where it is a mean of that many). For each number of changes the best
places are found exactly by dynamic programming (segment neighbourhood: Auger and Lawrence, 1989);
their number has the least n log(RSS / n) + p log(n) n / (n - p - 2): Schwarz's criterion, which
finds the true number as n grows (Yao, 1988), with McQuarrie's correction for small samples (1999),
p = 2k + 1 being the places and levels of k changes. Without the correction noise of 20 values is
cut in 19% of all cases, with it in 6% (n = 10: 3%, 60: 6%, 200: 2%). A slope has no levels: it is
cut into steps, as a staircase. Numpy only; n squared times `most` operations.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_LEAST = 1e-12  # of the first sum of squares: what counts as none


class Changes(NamedTuple):
    """`starts` are the places at which phases begin, 0 the first.

    `evidence` is how much lower Schwarz's criterion is than that of a single phase.
    """

    starts: tuple[int, ...]
    evidence: float


def change_points(
    values: Array, weights: Array | None = None, *, most: int = 4, shortest: int = 3
) -> Changes:
    """The phases of `values`, [n], in their order: at most `most` + 1, each of `shortest` or more.

    `weights`, [n], are positive: of how many numbers each value is the mean.
    """
    n = len(values)
    if n < 2 * shortest:
        return Changes((0,) if n else (), 0.0)
    sums = _Sums(values - values.mean(), np.ones(n) if weights is None else weights)
    best, last = _best(sums, n, min(most, n // shortest - 1), shortest)
    floor = max(best[0, n] * _LEAST, np.finfo(np.float64).tiny)
    parameters = 2 * np.arange(len(best)) + 1
    penalty = parameters * np.log(n) * n / np.maximum(n - parameters - 2, 1e-9)
    criterion = n * np.log(np.maximum(best[:, n], floor) / n) + penalty
    count = int(np.argmin(criterion))
    return Changes(_traced(last, count, n), float(criterion[0] - criterion[count]))


class _Sums:
    """Sums of squares of any stretch around its own mean, from running sums."""

    def __init__(self, values: Array, weights: Array) -> None:
        runs = (weights, weights * values, weights * values**2)
        self._w, self._s, self._q = (np.concatenate([[0.0], np.cumsum(run)]) for run in runs)

    def within(self, starts: npt.NDArray[np.int64], end: int) -> Array:
        """[starts] of values[start:end]."""
        w, s, q = (run[end] - run[starts] for run in (self._w, self._s, self._q))
        return np.asarray(np.maximum(q - s**2 / w, 0.0), dtype=np.float64)


def _best(sums: _Sums, n: int, most: int, shortest: int) -> tuple[Array, npt.NDArray[np.int64]]:
    """[most + 1, n + 1] least sum of squares of the first n with k changes, and the last change."""
    best = np.full((most + 1, n + 1), np.inf)
    last = np.zeros((most + 1, n + 1), dtype=np.int64)
    for end in range(shortest, n + 1):
        starts = np.arange(end - shortest + 1)
        cost = sums.within(starts, end)
        best[0, end] = cost[0]
        total = best[:-1, starts] + cost  # [k, start]: one change more than k, at start
        if len(total):
            last[1:, end] = total.argmin(axis=1)
            best[1:, end] = total.min(axis=1)
    return best, last


def _traced(last: npt.NDArray[np.int64], count: int, n: int) -> tuple[int, ...]:
    """The starts of the phases, from the last one back."""
    starts, end = [], n
    for changes in range(count, 0, -1):
        end = int(last[changes, end])
        starts.append(end)
    return (0, *reversed(starts))
