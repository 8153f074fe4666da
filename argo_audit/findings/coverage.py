"""How much of a reward model is explained: by nothing, by style alone, by the rubric.

    style = style_explained(compared(held_out, labels))
    style.mean, style.interval         # agreement of the best line through the surface features

Style alone is the agreement of one weight per surface feature, fitted by ridge regression to the
pay of other prompts and tried on these, in folds: what no reading of a rubric is needed for. A
rubric that does not reach it has not said what the style says. Both are shares of pairs on which
the same response is preferred; chance settles half of them, so that of what is left above chance
the rubric explains 2 x agreement - 1, and the rest of the reward model is unexplained.
"""

import numpy as np

from argo_audit.findings.slopes import Array, Compared
from argo_audit.records import Interval
from argo_audit.stats.estimates import Estimate, estimate

_FOLDS = 5
_RIDGE = 1.0  # in units of a feature's sum of squares over a fold's pairs, by their number


def style_explained(pairs: Compared, seed: int = 0) -> Estimate:
    """Agreement of surface features with the pay of prompts that they were not fitted on.

    A pair on which they say nothing counts half; pairs of equal pay do not count.
    """
    names, prompt = np.unique(pairs.prompts, return_inverse=True)
    folds = min(_FOLDS, len(names))
    if folds < 2:
        return estimate([], [])
    fold = np.random.default_rng(seed).permutation(np.arange(len(names)) % folds)[prompt]
    said = np.zeros(len(pairs.pay))
    for number in range(folds):
        out = fold == number
        said[out] = pairs.features[out] @ _fitted(pairs.features[~out], pairs.pay[~out])
    sided = pairs.pay != 0
    right = (1 + np.sign(said) * np.sign(pairs.pay)) / 2
    return estimate(right[sided], np.array(pairs.prompts)[sided].tolist())


def above_chance(agreement: float) -> float:
    """How much of the way from chance to all an agreement is; below 0 where chance is better."""
    return 2 * agreement - 1


def interval_above_chance(bounds: Interval | None) -> Interval | None:
    """The interval of `above_chance`, given that of the agreement."""
    if bounds is None:
        return None
    ends = {"low": above_chance(bounds.low), "high": above_chance(bounds.high)}
    return bounds.model_copy(update=ends)


def unexplained(agreement: float) -> float:
    """How much of the way from chance to all is left."""
    return 2 - 2 * agreement


def _fitted(features: Array, pay: Array) -> Array:
    """Ridge weights of shape [len(FEATURES)]; pay is clipped, since few pairs have the extremes."""
    penalty = _RIDGE * np.eye(features.shape[1])
    bounded = np.clip(pay, -2.0, 2.0)
    weights = np.linalg.solve(features.T @ features + penalty, features.T @ bounded)
    return np.asarray(weights, dtype=np.float64)
