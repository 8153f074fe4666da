"""What each part of a rubric contributes: named by an interval, corrected for how many were tried.

    >>> from argo_audit.stats.estimates import estimate
    >>> keys = [str(i) for i in range(400)]
    >>> found = [estimate([change] * 400, keys, test=True) for change in (0.0, -1.0)]
    >>> [one.verdict for one in contributions(found, slack=0.02)]
    ['redundant', 'harmful']

A contribution is the paired difference in agreement with a part and without it. It is harmful when
its interval lies below 0, it helps when it lies above, and it is redundant only where the interval
lies within the slack around 0: equivalence is to be shown, and is not what is left when nothing was
found (Schuirmann, 1987; a 95% interval is stricter than his two tests at 5%). All else is
undecided. Ten parts are ten chances of a false alarm, so beside each stands its q-value (Benjamini
and Hochberg, 1995), the expected share of false ones among those called as surely or more.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from argo_audit.stats.discoveries import q_values_of_tested
from argo_audit.stats.estimates import Estimate

Verdict = Literal["helps", "harmful", "redundant", "undecided", "not measured"]

SLACK = 0.02
"""Two points of agreement, either way, make no difference worth a criterion."""


class Contribution(NamedTuple):
    """A part's paired difference, its q-value among all parts tried, and what that makes it."""

    estimate: Estimate
    q_value: float | None
    verdict: Verdict


def contributions(found: Sequence[Estimate], slack: float = SLACK) -> list[Contribution]:
    """The contributions in their order; what has no p-value was no test and gets no q-value."""
    corrected = q_values_of_tested([one.p_value for one in found])
    return [
        Contribution(one, q, verdict(one, slack)) for one, q in zip(found, corrected, strict=True)
    ]


def verdict(found: Estimate, slack: float = SLACK) -> Verdict:
    """What the interval of a contribution says of the part."""
    if found.interval is None:
        return "not measured"
    low, high = found.interval.low, found.interval.high
    if high < 0:
        return "harmful"
    if low > 0:
        return "helps"
    return "redundant" if -slack <= low and high <= slack else "undecided"
