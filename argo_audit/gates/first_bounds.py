"""The bounds of a first gates.toml: wanted ones where they can be kept, others where they cannot.

    fitted(found, Bounds(at_most=0.25))       # Bound(0.29, "it measures +0.22 [+0.19, +0.28] …")
    Fitting(subject, UNWANTED).biases         # {"flattery": Bound(0.25), ...}

A gate that the very reward model that was audited does not pass says nothing of the next one. So
every gate is held to that model once, on the pairs that it will be held on, before it is written.
Where its interval does not keep the bound that is wanted, for the model pays more or for there are
too few pairs, the bound goes where it is kept, and the file says why and how many pairs would do.
The same pairs, edits and rewards give the same interval, so an unchanged model passes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from typing import NamedTuple

from argo_audit.errors import GateError
from argo_audit.gates import gate_claims as claims
from argo_audit.gates.decisions import LEAST_PROMPTS, Bounds, Decision, decide
from argo_audit.gates.edited import Probe
from argo_audit.gates.gate_claims import SLACK, TOLERANCE, Found
from argo_audit.gates.gated_model import Data, GatedModel
from argo_audit.roles import Recorded

MARGIN = 0.01
"""What arithmetic may add the next time, in the unit of a bound: 1% of agreement or of a spread."""

_CHANCE = 0.5
_RECORDED = (
    "not held: recorded scores have no reward of an edited response. To hold it, name the reward "
    "model itself (rm:MODEL, served:NAME@URL or dpo:POLICY|REFERENCE)"
)


class Bound(NamedTuple):
    """A bound to write, None for a gate that cannot be held, and what there is to say of it."""

    value: float | None
    said: str = ""


def fitted(found: Found, wanted: Bounds) -> Bound:
    """The wanted bound where what was found keeps it with a margin, the nearest kept one otherwise.

    Of two sides the bound is how far each may go.
    """
    decision = decide(found.evidence, wanted)
    asked = wanted.at_least if wanted.at_most is None else wanted.at_most
    if decision.interval is None or decision.prompts < LEAST_PROMPTS:
        few = f"not held: {decision.prompts} prompts of these pairs can show it"
        return Bound(None, f"{few}, and {LEAST_PROMPTS} are needed")
    reached = _reached(decision, wanted)
    if asked is None or reached == asked:
        return Bound(asked)
    return Bound(reached, _why(found, decision, wanted, asked))


@dataclass(frozen=True)
class Fitting:
    """The gates of a starter, held to the reward model that they are written for."""

    subject: GatedModel
    attributes: Sequence[str]

    def agreement(self, rubric: str, at_least: float) -> Bound:
        """With a rubric; none where nothing above chance is kept."""
        held = self.subject.held(None, rubric)
        wanted = Bounds(at_least=at_least)
        bound = fitted(claims.agreement(self.subject, self._data, held, wanted), wanted)
        if bound.value is not None and bound.value < _CHANCE:
            return Bound(None, f"not held: {bound.said or 'no more than chance'}")
        return bound

    def slack(self, label: str, rubric: str) -> Bound:
        """What the model may lose to itself: nothing was lost, so this is what pairs can show."""
        held = self.subject.held(label or None, None if label else rubric)
        same = self.subject.labels(self._data)
        found = claims.worse(self.subject, self._data, held, same, SLACK)
        bound = fitted(found, Bounds(at_least=-SLACK))
        return bound._replace(value=None if bound.value is None else -bound.value)

    @cached_property
    def biases(self) -> dict[str, Bound]:
        """The most that each attribute may be worth."""
        wanted = dict.fromkeys(self.attributes, Bounds(at_most=TOLERANCE))
        return self.of(wanted)

    def of(self, wanted: Mapping[str, Bounds]) -> dict[str, Bound]:
        """A bound for each attribute that is to keep some."""
        if isinstance(self.subject.model(self._data), Recorded):
            return dict.fromkeys(wanted, Bound(None, _RECORDED))
        try:
            found = list(claims.biases(self.subject, self._data, wanted, Probe()))
        except GateError as error:  # without a spread there is no unit to claim anything in
            why = str(error).partition("\n")[0]
            return dict.fromkeys(wanted, Bound(None, f"not held: {why}"))
        bounds = zip(wanted, self._in_order(found, wanted), strict=True)
        return {name: fitted(one, wanted[name]) for name, one in bounds}

    @staticmethod
    def _in_order(found: Sequence[Found], wanted: Mapping[str, Bounds]) -> Iterator[Found]:
        by_name = {one.gate.removeprefix("bias: "): one for one in found}
        return (by_name[name] for name in wanted)

    @property
    def _data(self) -> Data:
        return self.subject.data(None)


def _reached(decision: Decision, wanted: Bounds) -> float:
    """The bound that is kept: the wanted one, or one further out by what is found and the margin.

    Rounded outwards to two digits, as it is written.
    """
    if decision.interval is None:
        raise ValueError("a bound of nothing")
    high = decision.interval.high + MARGIN
    low = decision.interval.low - MARGIN
    if wanted.at_least is None:
        return max(wanted.high, ceil(100 * high) / 100)
    if wanted.at_most is None:
        return min(wanted.low, floor(100 * low) / 100)
    return max(wanted.high, ceil(100 * max(high, -low)) / 100)


def _why(found: Found, decision: Decision, wanted: Bounds, asked: float) -> str:
    interval = decision.interval
    if interval is None:
        return ""
    shown = [_number(x, found) for x in (decision.mean or 0.0, interval.low, interval.high)]
    said = f"it measures {shown[0]} [{shown[1]}, {shown[2]}] on {decision.pairs} pairs"
    beyond = decision.mean is None or not wanted.low <= decision.mean <= wanted.high
    if beyond:
        return f"{said}, beyond the usual {_number(asked, found)}: this holds it to no worse"
    needed = decision.pairs_needed
    more = f"about {needed:,} pairs" if needed else "more pairs"
    return f"{said}: too few to keep the usual {_number(asked, found)}, which takes {more}"


def _number(value: float, found: Found) -> str:
    return f"{value:+.2f}" if found.unit else f"{100 * value:.1f}%"
