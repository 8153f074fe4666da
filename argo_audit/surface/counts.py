r"""Whether a response has as many items, sentences or words as the request asked for.

    >>> counts_met(Text("Give me three fruits.", "- apple\n- pear\n- plum"))
    1.0
    >>> counts_met(Text("What is an apple?", "A fruit.")) is None
    True

Read leniently: a number may be a word, a list may be bullets, lines, or commas, and "about 50
words" allows a fifth. Only the request's two ends are read where it is long, since in between
stands the material it is about.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from argo_audit.surface.text import Text

_VALUES = {
    "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12, "fifteen": 15,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
}  # fmt: skip
_NUMBER = rf"\b(?P<number>\d{{1,4}}|{'|'.join(_VALUES)})"
_AFTER = r"(?P<after> or (?:less|fewer|more)| max(?:imum)?| min(?:imum)?)?"
_UNIT = re.compile(
    _NUMBER
    + r"[ -](?:(?P<unit>word)|(?:[a-z]+ ){0,2}?(?P<other>sentence|paragraph|line))s?\b"
    + _AFTER
)
_ITEMS = re.compile(
    _NUMBER + r" (?!(?:minute|hour|day|week|month|year|people|person|dollar|percent|mile|time|kid"
    r"|pound|page|sentence|word|paragraph|line|foot|feet|inch|meter|cup|old|second|of|or|and|more)"
    r"s?\b)(?P<unit>(?:[a-z'-]+ ){0,3}?[a-z]{2,}(?<![su])s)\b" + _AFTER
)
_REQUESTED = re.compile(
    r"\b(?:list|give|name|suggest|provide|write|generate|create|come up with|share|tell|recommend"
    r"|find|pick|choose|think of|brainstorm|identify|describe|offer|propose|outline|explain|show"
    r"|what are|i need|i want|top)\b[^.?!\n]*$"
)
_BOUND = re.compile(
    r"\b(at least|at most|no more than|not more than|up to|under|fewer than|less than"
    r"|max(?:imum)?(?: of)?|min(?:imum)?(?: of)?|over|more than|about|around|approximately|roughly)"
    r" (?:the |a )?$"
)
_LIST_ITEM = re.compile(
    r"^[ \t]*(?:[-*+•\u2013][ \t]|\(?\d{1,3}[.):]|\(?[a-z][.)][ \t])[ \t]*\S", re.M
)
_PARTED = re.compile(r",(?: and| or)? |(?<!,) and ")
_MOST = ("at most", "no more", "not more", "up to", "under", "fewer", "less", "max")
_LEAST = ("at least", "min", "over", "more than", "more")
_LOOSE = ("about", "around", "approximately", "roughly")
_END_OF_LONG = 400
_MOST_ITEMS = 100
_REACH = 45  # characters before a number in which its verb and bound stand
_REQUESTS_REMEMBERED = 1_024
_LONG = 1200


class _Asked(NamedTuple):
    """One asked-for count."""

    number: int
    unit: str
    bound: str


def counts_met(text: Text) -> float | None:
    """The share of the asked-for counts that the response has; None when none is asked."""
    asked = _asked(text.request)
    if not asked:
        return None
    return sum(any(_holds(one, n) for n in _counted(one, text)) for one in asked) / len(asked)


@lru_cache(maxsize=_REQUESTS_REMEMBERED)
def _asked(request: str) -> tuple[_Asked, ...]:
    """The counts that a request asks for."""
    request = request.lower()
    if len(request) > _LONG:
        request = f"{request[:_END_OF_LONG]}\n{request[-_END_OF_LONG:]}"
    asked = []
    for pattern in (_UNIT, _ITEMS):
        for match in pattern.finditer(request):
            number = _VALUES.get(match["number"]) or int(match["number"])
            before = request[max(0, match.start() - _REACH) : match.start()]
            found = _BOUND.search(before)
            bound = f"{found[1] if found else ''}{match['after'] or ''}".strip()
            listed = pattern is _UNIT or (1 < number <= _MOST_ITEMS and _REQUESTED.search(before))
            if number and listed:
                unit = match["unit"] or match["other"]
                asked.append(_Asked(number, unit, bound.removeprefix("or ")))
    return tuple(asked)


def _counted(asked: _Asked, text: Text) -> set[int]:
    """The counts of the asked-for unit that the response can fairly be said to have."""
    count: Callable[[Text], set[int]] = {
        "sentence": lambda text: {len(text.sentences)},
        "word": lambda text: {len(text.words)},
        "paragraph": lambda text: {len(re.findall(r"\S\s*?(?:\n\s*\n|\Z)", text.prose))},
        "line": lambda text: {len(re.findall(r"\S[^\n]*", text.prose))},
    }.get(asked.unit, _items)
    return count(text)


def _items(text: Text) -> set[int]:
    """List items where there is a list, else lines, sentences or what commas part."""
    if items := len(_LIST_ITEM.findall(text.prose)):
        return {items}
    lines = re.findall(r"\S[^\n]*", text.prose)
    last = text.sentences[-1] if text.sentences else ""
    parts = len(_PARTED.findall(last)) + 1
    return {len(lines), len(lines) - 1, len(text.sentences), parts}


def _holds(asked: _Asked, n: int) -> bool:
    if asked.bound.startswith(_MOST):
        return n <= asked.number
    if asked.bound.startswith(_LEAST):
        return n >= asked.number
    share = 0.2 if asked.bound in _LOOSE else 0.1
    slack = share * asked.number if asked.unit == "word" or asked.bound in _LOOSE else 0
    return abs(n - asked.number) <= slack
