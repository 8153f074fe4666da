"""Pass, fail or inconclusive: a bound that is claimed, held to an interval and never to a point.

    evidence = Evidence(values, keys, pairs=300)
    decide(evidence, Bounds(at_most=0.25)).verdict

A gate claims that a mean keeps its bounds. It passes when the whole 95% interval keeps them, fails
when the whole 99.9% interval is beyond one, and is inconclusive otherwise, with the number of pairs
that would probably decide it.

Several gates are corrected on the side where they multiply errors. A release passes when *all* of
its gates pass, so that the chance to let a bad model pass is at most that of its one gate that
should fail, whatever their number (an intersection-union test; Berger, 1982): passing needs no
correction. A release is stopped when *any* of them fails, and that chance grows with their number.
It is not Benjamini and Hochberg's to bound: a single wrong failure stops a release, so that the
chance of any (the family-wise error) counts, not the share of wrong ones among the failures.

The level of a failure is fixed before anything is counted: Bonferroni's for `MOST_GATES` gates, of
which a session of so many fails any wrongly in at most 5%, and a smaller one less often. A level
that followed the number of gates would be a better one by a little, and another one in each
session: a gate that is repeated alone, as its own message tells one to, would be decided otherwise
than in the session that it failed in, and so would one beside which a stranger adds a test. What is
too weak for it is inconclusive, which stops a release too unless told otherwise.
"""

from math import ceil, inf
from typing import Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator
from scipy.optimize import brentq

from argo_audit.records import Interval, Record
from argo_audit.stats.estimates import detectable_effect
from argo_audit.stats.intervals import LEVEL, Array, Keys, by_prompt, interval

Verdict = Literal["pass", "fail", "inconclusive"]

ERROR = 1 - LEVEL
"""The chance of failing any of MOST_GATES gates wrongly, at most."""

MOST_GATES = 50
"""So many gates share that chance, however many a session has."""

FAILS_BELOW = ERROR / MOST_GATES
"""The one threshold of all gates and sessions: a p-value below it fails."""

LEAST_PROMPTS = 10
"""With fewer nothing is decided: intervals of a handful of prompts hold what they happen to."""

LEAST_P = 1e-6
"""Smaller p-values are told as this one."""

_MOST_PAIRS = 10_000_000  # beyond it the estimate is as good as on its bound


class Bounds(Record):
    """What a mean is claimed to keep; at least one side."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a gate needs at_least or at_most")
        if self.low > self.high:
            raise ValueError("at_least is above at_most")
        return self

    @property
    def low(self) -> float:
        """The lower bound, -inf without one."""
        return -inf if self.at_least is None else self.at_least

    @property
    def high(self) -> float:
        """The upper bound, inf without one."""
        return inf if self.at_most is None else self.at_most

    def hold(self, found: Interval) -> bool:
        """Whether all of it keeps them."""
        return self.low <= found.low and found.high <= self.high

    def broken(self, found: Interval) -> bool:
        """Whether all of it is beyond one of them."""
        return found.high < self.low or found.low > self.high

    def distance(self, mean: float) -> float:
        """From the mean to the nearest bound."""
        return min(abs(mean - self.low), abs(mean - self.high))


class Evidence(NamedTuple):
    """Values whose mean is claimed about: [n] values, the prompts they are of, from how many pairs.

    A share is a mean of verdicts, a difference one of two verdicts on one pair; see `intervals`.
    """

    values: Array
    keys: Keys
    pairs: int
    kind: Literal["share", "difference", "mean"]

    @property
    def prompts(self) -> int:
        """How many prompts have a value."""
        return len(set(self.keys))


class Decision(Record):
    """What an interval says of a claim.

    `interval` is the 95% interval, `corrected` the wider one that decides failure. `p_value` is
    two-sided, of the mean keeping its bounds: the level at which the interval touches the broken
    one, 1 for a mean that keeps them. `pairs_needed` would decide an inconclusive gate four times
    in five if the truth is what was estimated; None where it is decided, or where no number of
    pairs would.
    """

    verdict: Verdict
    mean: float | None
    interval: Interval | None = None
    corrected: Interval | None = None
    n: int = 0
    prompts: int = 0
    pairs: int = 0
    p_value: float = 1.0
    pairs_needed: int | None = None


def decide(evidence: Evidence, bounds: Bounds) -> Decision:
    """What the evidence says of the bounds."""
    values = np.asarray(evidence.values, dtype=np.float64)
    if not len(values):
        return Decision(verdict="inconclusive", mean=None, pairs=evidence.pairs)
    names, codes = np.unique(np.asarray(evidence.keys), return_inverse=True)
    known = evidence._replace(values=values, keys=codes)
    found, corrected = (_interval(known, 1 - error) for error in (ERROR, FAILS_BELOW))
    prompts, mean = len(names), float(values.mean())
    verdict = _verdict(bounds, found, corrected, prompts)
    return Decision(
        verdict=verdict,
        mean=mean,
        interval=found,
        corrected=corrected,
        n=len(values),
        prompts=prompts,
        pairs=evidence.pairs,
        p_value=_p_value(known, bounds, mean),
        pairs_needed=_needed(known, bounds) if verdict == "inconclusive" else None,
    )


def _verdict(bounds: Bounds, found: Interval, corrected: Interval, prompts: int) -> Verdict:
    if prompts < LEAST_PROMPTS:
        return "inconclusive"
    if bounds.hold(found):
        return "pass"
    return "fail" if bounds.broken(corrected) else "inconclusive"


def _p_value(evidence: Evidence, bounds: Bounds, mean: float) -> float:
    """The interval inverted, so that it and the p-value never disagree."""
    if bounds.low <= mean <= bounds.high:
        return 1.0
    if bounds.broken(_interval(evidence, 1 - LEAST_P)):
        return LEAST_P

    def beyond(log_p: float) -> float:
        found = _interval(evidence, 1 - float(np.exp(log_p)))
        return max(bounds.low - found.high, found.low - bounds.high)

    low, high = float(np.log(LEAST_P)), float(np.log(1 - LEAST_P))
    return float(np.exp(brentq(beyond, low, high, xtol=1e-3))) if beyond(high) > 0 else 1.0


def _needed(evidence: Evidence, bounds: Bounds) -> int | None:
    """Pairs at which the distance to the bound is what can be detected (see `estimates`).

    Errors shrink with the root of the number of pairs. The interval's own reach counts where it is
    longer, as it is for a share of which no pair differs.
    """
    mean = float(evidence.values.mean())
    distance = bounds.distance(mean)
    level = ERROR if bounds.low <= mean <= bounds.high else FAILS_BELOW
    sums, counts = by_prompt(evidence.values, evidence.keys)
    found = _interval(evidence, 1 - level)
    reach = max(found.high - mean, mean - found.low)
    reach = max(reach, detectable_effect(sums, counts, level) or 0.0)
    if distance <= 0 or reach == 0:
        return None
    least = evidence.pairs * max(1.0, LEAST_PROMPTS / len(sums))
    needed = ceil(max(least, evidence.pairs * (reach / distance) ** 2))
    return needed if needed <= _MOST_PAIRS else None


def _interval(evidence: Evidence, level: float) -> Interval:
    return interval(
        evidence.values,
        evidence.keys,
        difference=evidence.kind == "difference",
        verdicts=evidence.kind != "mean",
        level=level,
    )
