r"""How answers about lines are read off a reply; pure.

    >>> read_lines("Both have lists.\nAnswers 3fa9c1:\n1. A\n2. cannot tell", 2, "3fa9c1")
    [0.9, nan]
    >>> read_lines("1: **B**, 2: equal", 2, "3fa9c1")
    [0.09999999999999998, 0.5]

P is that of the response shown first. A word says which response and not how surely, so A is WORD
and not 1: its log-odds are finite, and a fitted judge temperature takes the choice out.

People read "1) Response A", "Line 2 - both equally" or `{"1": "A"}` as answers, and so does this.
What it never takes is a quotation. A block under the code that the question asked for is the
judge's own, for the code occurs in no text that was shown. Without it the answers have to be the
reply's end, and a block that stands in a response as it does in the reply is taken for a quotation.
"""

import math
import re
from collections.abc import Iterator, Sequence

WORD = 0.9
"""P of the response that a word names."""

_ANSWERS: dict[str, float] = {
    **dict.fromkeys(("a",), WORD),
    **dict.fromkeys(("b",), 1 - WORD),
    **dict.fromkeys(("equal", "equally", "same", "tie", "neither", "both"), 0.5),
    **dict.fromkeys(
        (
            "cannot tell",
            "can not tell",
            "can't tell",
            "cannot be told",
            "unclear",
            "unknown",
            "unsure",
            "n/a",
        ),
        math.nan,
    ),
}
_WORDS = "|".join(sorted(map(re.escape, _ANSWERS), key=len, reverse=True))
_MARKS = r"[\s\"'*_`(\[#{]"
_ITEM = re.compile(
    rf"(?:^|[,;|]){_MARKS}*(?:line|answer|no\.?|number)?{_MARKS}*(?P<n>\d{{1,2}})"
    rf"[\s\"'*_`)\]}}.:=|>\u2013\u2014-]+{_MARKS}*"
    rf"(?:(?:answer|verdict)\W+)?"
    rf"(?P<named>(?:response|assistant|option)\W+)?(?P<said>{_WORDS})"
    rf"(?=(?P<tail>\s*(?:$|[\"'*_`)\]}},.;:|(\u2013\u2014-]|because\b|shows\b|has\b))|\W)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s*>")
_NOT_AN_ANSWER = re.compile(r"\w")


def read_lines(
    reply: str, count: int, code: str, material: Sequence[str] = ()
) -> list[float | None]:
    """P(the first shows more) of each line asked; nan: it cannot be told, None: it was not read.

    `material` are the texts that were shown. Of a number with several different answers none is
    read.
    """
    rows = [row.replace("\u2019", "'") for row in reply.splitlines()]
    own = _under(rows, code)
    block = own if own is not None else _at_the_end(rows, material)
    found: dict[int, list[float]] = {}
    for row in block:
        for number, value in _items(row):
            found.setdefault(number, []).append(value)
    return [_single(found.get(number, [])) for number in range(1, count + 1)]


def _under(rows: Sequence[str], code: str) -> list[str] | None:
    """The rows below the last one with the code; None where there is none."""
    places = [place for place, row in enumerate(rows) if code in row]
    if not places:
        return None
    rest = rows[places[-1]].rpartition(code)[2]
    return [re.sub(r"^[\s*_`:)\]]+", "", rest), *rows[places[-1] + 1 :]]


def _at_the_end(rows: Sequence[str], material: Sequence[str]) -> list[str]:
    """The run of answers that the reply ends with, unless somebody else wrote it."""
    spoken = [row for row in rows if _NOT_AN_ANSWER.search(row)]
    begin = len(spoken)
    while begin and _is_answer(spoken[begin - 1]):
        begin -= 1
    block = spoken[begin:]
    return [] if any(_holds(text, block) for text in material) else block


def _is_answer(row: str) -> bool:
    return not _QUOTED.match(row) and next(_items(row), None) is not None


def _holds(text: str, block: Sequence[str]) -> bool:
    """Whether the rows stand one after the other in a text."""
    there = [" ".join(row.split()) for row in text.splitlines() if _NOT_AN_ANSWER.search(row)]
    wanted = [" ".join(row.split()) for row in block]
    size = len(wanted)
    return any(there[i : i + size] == wanted for i in range(len(there) - size + 1))


def _items(row: str) -> Iterator[tuple[int, float]]:
    """Numbers with an answer; "1. A few words" has none, for there A is a word of a sentence."""
    for item in _ITEM.finditer(row):
        if item["tail"] is not None or item["named"] or len(item["said"]) > 1:
            yield int(item["n"]), _ANSWERS[item["said"].lower()]


def _single(values: Sequence[float]) -> float | None:
    different = {str(value) for value in values}
    return values[0] if len(different) == 1 else None
