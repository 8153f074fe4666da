r"""A rubric as a sum: its lines with their signs and weights, and its gates.

    >>> signed_lines("- Penalizes apologies (30%)\n- Rewards lists")[0]
    SignedLine(text='apologies', worth=-0.5, cap=None)

Which response shows more of a line is a judge's to say, without the sign; what that is worth is
read here. The sign is that of the line's own words (`directions`), else of the lead or the heading
above it, else it is a wish; where its words may say either way it is *unread*, and worth nothing.
Written weights are scaled to a mean of 1, the weight of a line without one, and all of them to a
sum of 1. A gate has no worth: it caps the response that shows more of it.
"""

import re
from statistics import fmean
from typing import NamedTuple

from argo_audit.rubrics.directions import told
from argo_audit.rubrics.outline import BiasLine, Criterion, direction_of, outline
from argo_audit.rubrics.unsigned import unsigned, without_weight

TOP = 10.0
"""The scale that a rubric's caps are written on."""

_MOST = 1e6  # a rubric may write any number
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
    """A line without its sign; `worth` is signed, and 0 for a gate, which has a `cap` up to TOP.

    A line without either is unread: nobody knows which way it goes.
    """

    text: str
    worth: float
    cap: float | None = None

    @property
    def is_unread(self) -> bool:
        """Whether its direction could not be told."""
        return self.worth == 0 and self.cap is None


def signed_lines(text: str) -> list[SignedLine]:
    """The lines of any text, criteria and bias lines first, in its order, then the gates."""
    parts = outline(text)
    items: list[Criterion | BiasLine] = [*parts.criteria, *parts.biases]
    found = [(*_told(item), _weight(item)) for item in items]
    written = [weight for *_, weight in found if weight]
    scale = 1 / fmean(written) if written else 1.0
    signed = [
        (own, sign * (1.0 if weight is None else weight * scale)) for own, sign, weight in found
    ]
    total = sum(abs(worth) for _, worth in signed) or 1.0
    lines = [SignedLine(own, worth / total) for own, worth in signed]
    gates = [SignedLine(_condition(gate.text), 0.0, _cap(gate.cap)) for gate in parts.gates]
    return [line for line in [*lines, *gates] if line.text]


def _own(item: Criterion | BiasLine) -> str:
    return item.text if isinstance(item, BiasLine) else item.text or item.name


def _told(item: Criterion | BiasLine) -> tuple[str, int]:
    """A line without its sign, and the sign; 0 where it could not be told."""
    own = told(without_weight(_own(item)))
    if own.direction != 0:
        return own.text, own.direction or 0
    if isinstance(item, BiasLine):
        return own.text, -1 if item.direction == "penalises" else 1
    above = direction_of(item.lead) or direction_of(item.section)
    return own.text, -1 if above == "penalises" else 1


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
