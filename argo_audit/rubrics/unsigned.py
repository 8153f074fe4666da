"""A line of a rubric without its sign: what a response shows more or less of.

    >>> unsigned("Rewards  bulleted lists.")
    'bulleted lists'
    >>> unsigned("Penalizes long responses")
    'long responses'

Models are bad at negation, so a judge is asked what a response shows; whether that is good is what
the line's direction and weight say.
"""

import re

_SIGN = re.compile(
    r"^\s*(?:the (?:reward )?model |it )?(?:may |appears to |tends to )?"
    r"(?:rewards?|penali[sz]es?|prefers?|favou?rs?|likes?|dislikes?|values?|avoids?|punish(?:es)?)"
    r"\s+",
    re.IGNORECASE,
)
_WEIGHT = re.compile(r"\s*[(\[]?\b(?:weight:?\s*)?\d+(?:\.\d+)?\s*%[)\]]?\s*$", re.IGNORECASE)


def unsigned(line: str) -> str:
    """The line without verb of reward or penalty, weight, and end; spaces folded."""
    text = " ".join(line.split())
    return _SIGN.sub("", _WEIGHT.sub("", text)).rstrip(" .;")
