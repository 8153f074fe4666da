r"""What goes along with a reward model's preferences in pairs as they are: one slope per feature.

    found = slopes(compared(pairs, labels))
    found["hedging"].effect          # in spreads, of a response that clearly hedges

The difference in reward of the two responses of a pair is regressed on their differences in all
surface features, length among them: without that, whatever comes with long answers, or with lists,
looks rewarded. Pairs too few for that (five to a feature) have length alone beside the feature, and
the method says so. There is no intercept, since exchanging the letters changes every sign. Nothing
is edited, so what else comes with a feature is in its slope too: a slope is weaker evidence than a
probe, but it needs no model, and recorded scores and raw labels have one.

Standard errors are the cluster-robust sandwich over prompts (Liang and Zeger, 1986; Cameron and
Miller, 2015, "A practitioner's guide to cluster-robust inference", eq. 11 and 12), with Student's t
at Satterthwaite's degrees of freedom as `intervals` has them: a feature that few prompts show has a
wide interval, not a sure one.
"""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t

from argo_audit.records import Evidence, Interval, Label, Pair
from argo_audit.stats.intervals import LEVEL, degrees_of_freedom, quantile
from argo_audit.surface.contrast import measured
from argo_audit.surface.features import FEATURES

Array = npt.NDArray[np.float64]

CLEARLY_THERE = 0.5
"""How much of a feature an effect is of: from nothing to clearly there (`surface.features`)."""

LEAST_PAIRS = 10
"""Pairs that must differ in a feature before anything is said of its slope."""

_CONTROL = "length"
_PAIRS_TO_A_FEATURE = 5
_NOTHING = 1e-9


class Compared(NamedTuple):
    """N pairs as differences, A minus B.

    Features of shape [N, len(FEATURES)]; pay [N], in spreads; prompts by their keys.
    """

    features: Array
    pay: Array
    prompts: tuple[str, ...]


def compared(pairs: Sequence[Pair], labels: Sequence[Label]) -> Compared:
    """The pairs that have a label, as differences.

    Pay is the difference in reward, or 2 P(A) - 1 where labels have no rewards (people's have
    none); one kind for all pairs.
    """
    label_of = {label.pair_id: label for label in labels}
    known = [pair for pair in pairs if pair.id in label_of]
    on = measured(known)
    pay = _pay([label_of[pair.id] for pair in known])
    gaps = [abs(gap) for gap in pay.tolist() if gap]
    return Compared(
        on.first - on.second,
        pay / (median(gaps) if gaps else 1.0),
        tuple(pair.prompt_key for pair in known),
    )


def slopes(pairs: Compared) -> dict[str, Evidence]:
    """The slope of each feature in which enough pairs differ, in the order of FEATURES."""
    differing = np.count_nonzero(pairs.features, axis=0)
    shown = [f for f, n in zip(FEATURES, differing, strict=True) if n >= LEAST_PAIRS]
    columns = [FEATURES.index(feature) for feature in shown]
    if len(pairs.pay) >= _PAIRS_TO_A_FEATURE * len(shown):
        found = _regressed(pairs.features[:, columns], pairs, "all features held equal")
    else:
        found = [_alone(pairs, column) for column in columns]
    both = zip(shown, found, strict=True)
    return {feature: evidence for feature, evidence in both if evidence is not None}


def _pay(labels: Sequence[Label]) -> Array:
    rewards = [label.rewards for label in labels if label.rewards is not None]
    if len(rewards) == len(labels):
        return np.array([a - b for a, b in rewards], dtype=np.float64)
    return np.array([2 * label.p_a - 1 for label in labels], dtype=np.float64)


def _alone(pairs: Compared, column: int) -> Evidence | None:
    """The slope of one feature, with no other beside it than length."""
    columns = list(dict.fromkeys((column, FEATURES.index(_CONTROL))))
    return _regressed(pairs.features[:, columns], pairs, "length held equal")[0]


def _regressed(design: Array, pairs: Compared, method: str) -> list[Evidence | None]:
    """The slope of each column of `design` [N, K] beside the others.

    None for a column of which the others say all that it says, and for all of too few pairs.
    """
    size, names = len(design), sorted(set(pairs.prompts))
    free = size - int(np.linalg.matrix_rank(design)) if design.size else 0
    if free < 1 or len(names) < 2:
        return [None] * design.shape[1]
    inverse = np.linalg.pinv(design)  # [K, N]; a row is what is left of a column beside the others
    coefficients = inverse @ pairs.pay
    scores = inverse * (pairs.pay - design @ coefficients)
    index = np.searchsorted(names, pairs.prompts)
    correction = len(names) / (len(names) - 1) * (size - 1) / free
    own = np.einsum("kn,nk->k", inverse, design) > 1 - _NOTHING
    return [
        _evidence(
            float(coefficients[column]),
            np.sqrt(correction) * np.bincount(index, weights=scores[column]).astype(np.float64),
            int(np.count_nonzero(design[:, column])),
            method,
        )
        if own[column]
        else None
        for column in range(design.shape[1])
    ]


def _evidence(slope: float, errors: Array, n: int, method: str) -> Evidence:
    """A slope whose error is the sum of `errors`, one per prompt."""
    error, prompts = float(np.sqrt(np.sum(errors**2))), len(errors)
    freedom = degrees_of_freedom(errors) or prompts - 1.0
    low, high = (slope + side * quantile(freedom) * error for side in (-1, 1))
    said = f"sandwich over {prompts} prompts, t with {freedom:.1f} degrees of freedom, {method}"
    return Evidence(
        method="slope",
        effect=CLEARLY_THERE * slope,
        interval=Interval(
            low=CLEARLY_THERE * low, high=CLEARLY_THERE * high, level=LEVEL, method=said
        ),
        p_value=float(2 * student_t.sf(abs(slope) / (error + _NOTHING), freedom)),
        n=n,
        prompts=prompts,
    )
