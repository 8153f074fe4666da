"""Intervals by resampling, for statistics that no formula of `intervals` fits.

percentile_interval((sums, sizes), ratio, "40 steps", paired=True)
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap

from argo_audit.records import Interval

Array = npt.NDArray[np.float64]

RESAMPLES = 999


def percentile_interval(
    samples: Sequence[Array],
    statistic: Callable[..., Any],
    over: str,
    *,
    paired: bool = False,
    seed: int = 0,
) -> Interval:
    """The 95% interval of a statistic (vectorised, see scipy.stats.bootstrap) of these samples.

    `over` says what is drawn with replacement: of each sample by itself, unless they are `paired`.
    """
    found = bootstrap(
        samples,
        statistic,
        paired=paired,
        vectorized=True,
        method="percentile",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    method = f"percentile bootstrap over {over}, {RESAMPLES} resamples"
    return Interval(low=float(found.low), high=float(found.high), method=method)
