"""A line of a rubric without its sign: what a response shows more or less of.

    >>> unsigned("Rewards  bulleted lists.")
    'bulleted lists'
    >>> unsigned("Penalizes long responses")
    'long responses'

Models are bad at negation, so a judge is asked what a response shows; whether that is good is what
the line's direction and weight say.
"""

import re

from argo_audit.rubrics.directions import from_its_verbs

_WEIGHT = re.compile(r"\s*[(\[]?\b(?:weight:?\s*)?\d+(?:\.\d+)?\s*%[)\]]?\s*$", re.IGNORECASE)


def unsigned(line: str) -> str:
    """The line without verb of reward or penalty, weight, and end; spaces folded."""
    text = without_weight(line).rstrip(" .;")
    found = from_its_verbs(text)
    return found.text if found else text


def without_weight(line: str) -> str:
    """The line without a weight at its end; spaces folded."""
    return _WEIGHT.sub("", " ".join(line.split()))
