"""From results to markdown: estimates over seeds, and how a page is put together.

    >>> str(estimate([0.80, 0.84, 0.88]))
    '84.0% [74.1%, 93.9%]'

An interval is Student's t over seeds, 95%: seeds are few, and each is a world, a reward model and
a search of its own. What was not measured is left out, and the number of seeds says so.
"""

from collections.abc import Iterable
from statistics import mean, median, stdev
from typing import NamedTuple

from scipy.stats import t as student_t

from argo_audit.report.markdown import NOT_MEASURED

LEVEL = 0.95


class Estimate(NamedTuple):
    """A mean over `n` seeds and its interval; without an interval below two seeds."""

    mean: float
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        """As percentages."""
        return self.shown("{:.1%}")

    @property
    def points(self) -> str:
        """As a difference in percentage points, signed."""
        percentage = self._replace(
            mean=100 * self.mean,
            low=None if self.low is None else 100 * self.low,
            high=None if self.high is None else 100 * self.high,
        )
        return percentage.shown("{:+.1f}")

    def shown(self, form: str) -> str:
        """Mean and interval, each number in `form`."""
        if self.low is None or self.high is None:
            return form.format(self.mean)
        return f"{form.format(self.mean)} [{form.format(self.low)}, {form.format(self.high)}]"


def estimate(values: Iterable[float | None]) -> Estimate | None:
    """Mean and 95% t interval of what was measured; None when nothing was."""
    found = [value for value in values if value is not None]
    if not found:
        return None
    if len(found) < 2:
        return Estimate(found[0], None, None, len(found))
    half = stdev(found) / len(found) ** 0.5 * float(student_t.ppf((1 + LEVEL) / 2, len(found) - 1))
    return Estimate(mean(found), mean(found) - half, mean(found) + half, len(found))


def share(values: Iterable[float | None]) -> str:
    """Mean share over seeds with its interval, as percentages."""
    found = estimate(values)
    return NOT_MEASURED if found is None else str(found)


def points(values: Iterable[float | None]) -> str:
    """Mean difference over seeds with its interval, in percentage points."""
    found = estimate(values)
    return NOT_MEASURED if found is None else found.points


def middle(values: Iterable[float], none: str = NOT_MEASURED) -> str:
    """Median and range, as whole numbers; `none` when there are no values."""
    found = sorted(values)
    if not found:
        return none
    low, mid, high = (f"{value:,.0f}" for value in (found[0], median(found), found[-1]))
    return mid if len(found) == 1 else f"{mid} ({low} to {high})"


def minus(first: float | None, second: float | None) -> float | None:
    """The difference, None when either was not measured."""
    return None if first is None or second is None else first - second


def ratio(first: float | None, second: float | None) -> float | None:
    """The quotient, None when either was not measured or the second is 0."""
    return None if first is None or not second else first / second
