r"""A rubric as a sum: its lines with their signs and weights, and its gates.

    >>> signed_lines("- Penalizes apologies (30%)\n- Rewards lists")[0]
    SignedLine(text='apologies', worth=-0.5, cap=None)

Which response shows more of a line is a judge's to say, without the sign; what that is worth is
read here. The sign is that of the verb a line begins with, else of the lead or the heading above
it, else it is a wish. Written weights are scaled to a mean of 1, the weight of a line without one,
and all of them to a sum of 1. A gate has no worth: it caps the response that shows more of it.
"""

import re
from statistics import fmean
from typing import NamedTuple

from argo_audit.rubrics.outline import BiasLine, Criterion, direction_of, outline
from argo_audit.rubrics.unsigned import unsigned

TOP = 10.0
"""The scale that a rubric's caps are written on."""

_MOST = 1e6  # a rubric may write any number
_PENALTY = re.compile(
    r"\s*(?:the (?:reward )?model |it )?(?:may |appears to |tends to )?"
    r"(?:penali[sz]|dislike|disfavou?r|avoid|punish)",
    re.IGNORECASE,
)
_CONSEQUENCE = re.compile(
    r"[\s,:;(\[]*(?:->|=>|\u2192|\u21d2)?[\s,:;(\[]*(?:the )?(?:overall|final|total)?"
    r"\s*(?:score|rating)?"
    r"\s*(?:is |are )?(?:<=|\u2264|=<|\bcap(?:ped|s)?\b)[^.;|]*[.;]?\s*$",
    re.IGNORECASE,
)

_WHEN = re.compile(
    r"^\s*(?:if|when)\b(?: (?:the|a|an) (?:response|answer|reply))?\s*", re.IGNORECASE
)


class SignedLine(NamedTuple):
    """A line without its sign; `worth` is signed, and 0 for a gate, which has a `cap` up to TOP."""

    text: str
    worth: float
    cap: float | None = None


def signed_lines(text: str) -> list[SignedLine]:
    """The lines of any text, criteria and bias lines first, in its order, then the gates."""
    parts = outline(text)
    items: list[Criterion | BiasLine] = [*parts.criteria, *parts.biases]
    found = [(_own(item), _sign(item), _weight(item)) for item in items]
    written = [weight for _, _, weight in found if weight]
    scale = 1 / fmean(written) if written else 1.0
    worth = [1.0 if weight is None else weight * scale for _, _, weight in found]
    total = sum(worth) or 1.0
    lines = [
        SignedLine(unsigned(own), sign * one / total)
        for (own, sign, _), one in zip(found, worth, strict=True)
    ]
    gates = [SignedLine(_condition(gate.text), 0.0, _cap(gate.cap)) for gate in parts.gates]
    return [line for line in [*lines, *gates] if line.text]


def _own(item: Criterion | BiasLine) -> str:
    return item.text if isinstance(item, BiasLine) else item.text or item.name


def _sign(item: Criterion | BiasLine) -> int:
    own = _own(item)
    if _PENALTY.match(own):
        return -1
    if unsigned(own) != " ".join(own.split()).rstrip(" .;"):
        return 1
    if isinstance(item, BiasLine):
        return -1 if item.direction == "penalises" else 1
    above = direction_of(item.lead) or direction_of(item.section)
    return -1 if above == "penalises" else 1


def _weight(item: Criterion | BiasLine) -> float | None:
    weight = None if isinstance(item, BiasLine) else item.weight
    return None if weight is None else min(weight, _MOST)


def _condition(text: str) -> str:
    """What a gate looks for, without what it does."""
    return unsigned(_WHEN.sub("", _CONSEQUENCE.sub("", text) or text))


def _cap(cap: float | None) -> float:
    """On a scale of TOP; one that names no number leaves nothing."""
    if cap is None:
        return 0.0
    return min(cap / TOP if cap > TOP else cap, TOP)
