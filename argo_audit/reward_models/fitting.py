"""The temperature of a reward model's labels, where its rewards are no logits.

    fitted_temperature(labels, people)        # 6.4

P(A preferred) is the sigmoid of a reward difference over a temperature, and 1 takes rewards as they
stand. Of a head whose rewards are tens apart every label is then 0 or 1: sides without strengths.
The fitted temperature makes labels as sure as people are, by maximum likelihood of their labels;
without enough of those, or where they say nothing of strength (they agree with every reward, or
with none), the median pair is preferred by three in four.
"""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np
from scipy.optimize import minimize_scalar

from argo_audit.records import Label
from argo_audit.stats.agreement import preference

FIT = "fit"
"""In the place of a temperature: fit it."""

_LEAST = 30  # labels of people
_MEDIAN = 0.75  # the preference of the median pair, without them
_WITHIN = 0.51, 0.99  # what the fit may make of the median pair: beyond it people say nothing


def fitted_temperature(labels: Sequence[Label], people: Sequence[Label] = ()) -> float:
    """For labels with rewards; 1 where all rewards are the same."""
    gaps = {label.pair_id: label.rewards[0] - label.rewards[1] for label in labels if label.rewards}
    sizes = [abs(gap) for gap in gaps.values() if gap]
    if not sizes:
        return 1.0
    usual = median(sizes)
    said = {label.pair_id: label.p_a for label in people if gaps.get(label.pair_id)}
    found = None
    if len(said) >= _LEAST:
        found = _by_people(np.array([gaps[i] for i in said]), np.array(list(said.values())), usual)
    return found or usual / _logit(_MEDIAN)


def at_temperature(labels: Sequence[Label], temperature: float) -> tuple[Label, ...]:
    """The same rewards as labels of another temperature."""
    return tuple(
        label.model_copy(update={"p_a": preference(*label.rewards, temperature=temperature)})
        if label.rewards
        else label
        for label in labels
    )


def _by_people(
    gaps: "np.typing.NDArray[np.float64]", p_a: "np.typing.NDArray[np.float64]", usual: float
) -> float | None:
    """Of highest likelihood; None where it is at the end of what a median pair may be."""
    low, high = (math.log(usual / _logit(p)) for p in reversed(_WITHIN))

    def cross_entropy(log_temperature: float) -> float:
        logits = gaps / math.exp(log_temperature)
        return float(np.mean(np.logaddexp(0, logits) - p_a * logits))

    best = float(minimize_scalar(cross_entropy, bounds=(low, high), method="bounded").x)
    margin = (high - low) / 50
    return math.exp(best) if low + margin < best < high - margin else None


def _logit(p: float) -> float:
    return math.log(p / (1 - p))
