"""Which of many effects were found: p-values corrected for how many were looked at.

    >>> q_values([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    >>> is_found(0.04), is_found(0.06), is_found(None)
    (True, False, False)

Forty tests at the 5% level find two effects in nothing. A q-value is a p-value adjusted by
Benjamini and Hochberg (1995): calling found what has one of FALSE_DISCOVERIES or less keeps the
expected share of false ones among the found to that.
"""

from collections.abc import Sequence

from scipy.stats import false_discovery_control

FALSE_DISCOVERIES = 0.05
"""The expected share of false ones among the effects that are called found."""


def q_values(p_values: Sequence[float]) -> list[float]:
    """One per p-value, in order."""
    return [float(q) for q in false_discovery_control(p_values)] if len(p_values) else []


def q_values_of_tested(p_values: Sequence[float | None]) -> list[float | None]:
    """In order; what has no p-value was no test, and gets no q-value."""
    tested = iter(q_values([p for p in p_values if p is not None]))
    return [None if p is None else next(tested) for p in p_values]


def is_found(q_value: float | None) -> bool:
    """Whether an effect is there, with the false discoveries controlled; no test finds nothing."""
    return q_value is not None and q_value <= FALSE_DISCOVERIES
