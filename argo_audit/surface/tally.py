r"""Every line of a rubric's text, told apart: read, unread or malformed, or part of its layout.

    >>> told = tally("# Rubric\n\n- Prefers tables\n- Is true\n\ns | 30% |\n")
    >>> [len(rows) for rows in (told.read, told.unread, told.malformed, told.layout)]
    [1, 1, 1, 1]

`Reading` has what was understood; here nothing is lost on the way to it. *Layout* asks for nothing:
headings, the lead above a list or table, a table's header and rules. *Malformed* was meant to be an
item and is none: a row outside a table, an empty item, a torn fragment. All else that is not
read is *unread*. Blank lines are not counted, and a line that goes on from the one above, in one
item, is what that one is.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from argo_audit.rubrics.markdown_blocks import Blocks, blocks_of
from argo_audit.rubrics.outline import MAX_CHARACTERS, Outline, lines_of, outline
from argo_audit.surface.meaning import LineMeaning
from argo_audit.surface.reader import Reading, read_rubric

_READ, _UNREAD, _MALFORMED, _LAYOUT = "read", "unread", "malformed", "layout"
_HOLD_ITEMS = ("table", "bullet_list", "ordered_list")
_NO_WORDS = re.compile(r"[\s>|*+\-:.\d)#_=~`]*$")
_FRAGMENT = 3  # words: a paragraph of fewer is what is left of a line
_LEAD_END = (":", "\uff1a")


class ToldLine(NamedTuple):
    """A line of the text as it stands there, and its number, from 1."""

    line: int
    text: str


class Tally(NamedTuple):
    """The lines of a text that are not blank, each in one of the four, in order."""

    read: tuple[ToldLine, ...]
    unread: tuple[ToldLine, ...]
    malformed: tuple[ToldLine, ...]
    layout: tuple[ToldLine, ...]

    def __str__(self) -> str:
        """As a sentence; the three add up to the lines that ask for something."""
        asking = len(self.read) + len(self.unread) + len(self.malformed)
        return (
            f"{asking} lines: {len(self.read)} read, {len(self.unread)} unread, "
            f"{len(self.malformed)} malformed"
        )


@lru_cache(maxsize=64)
def tally(text: str, meaning: LineMeaning | None = None) -> Tally:
    """All lines of any text, as `read_rubric` reads it."""
    lines, parts = lines_of(text), outline(text)
    understood = _lines_read(read_rubric(text, meaning))
    by_line = dict.fromkeys(understood, _READ)  # of a text without lists or tables
    kinds = _by_items(text, parts, lines, understood) if len(parts) else by_line
    rows: dict[str, list[ToldLine]] = {_READ: [], _UNREAD: [], _MALFORMED: [], _LAYOUT: []}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            rows[kinds.get(number, _UNREAD)].append(ToldLine(number, line.strip()))
    return Tally(*(tuple(rows[kind]) for kind in (_READ, _UNREAD, _MALFORMED, _LAYOUT)))


def _lines_read(reading: Reading) -> set[int]:
    return {w.line for w in reading.criteria} | {gate.line for gate in reading.gates}


def _by_items(text: str, parts: Outline, lines: list[str], understood: set[int]) -> dict[int, str]:
    """Of a text with items: the kind of each line of its blocks, by number."""
    items = {criterion.line for criterion in parts.criteria}
    items |= {bias.line for bias in parts.biases} | {gate.line for gate in parts.gates}
    begun = {line: _READ if line in understood else _UNREAD for line in items}
    kinds: dict[int, str] = {}
    with blocks_of(text[:MAX_CHARACTERS]) as read:
        for place, block in enumerate(read.outermost):
            following = read.outermost[place + 1 : place + 2]
            leads = any(read.kind(after) in _HOLD_ITEMS for after in following)
            kinds.update(_of_block(read, block, begun, leads=leads, lines=lines))
    return kinds


def _of_block(
    read: Blocks, block: range, begun: dict[int, str], *, leads: bool, lines: list[str]
) -> Iterator[tuple[int, str]]:
    kind, where = read.kind(block), read.lines(block)
    numbers = range(where[0] + 1, where[1] + 1) if where else range(0)
    if kind in ("heading", "hr"):
        yield from ((number, _LAYOUT) for number in numbers)
    elif kind == "paragraph":
        yield from ((number, _of_prose(lines[number - 1], leads=leads)) for number in numbers)
    elif kind in _HOLD_ITEMS:
        yield from _of_items(numbers, begun, lines, kind)


def _of_items(
    numbers: range, begun: dict[int, str], lines: list[str], kind: str
) -> Iterator[tuple[int, str]]:
    """A line that begins no item belongs to the one above; a table's first lines to no row."""
    current = _LAYOUT if kind == "table" else _MALFORMED
    for number in numbers:
        if number in begun:
            current = begun[number]
        empty = number not in begun and current != _LAYOUT and _NO_WORDS.match(lines[number - 1])
        yield number, _MALFORMED if empty else current


def _of_prose(line: str, *, leads: bool) -> str:
    """A paragraph's line in a text that has lists or tables; nothing reads these."""
    if "|" in line:
        return _MALFORMED
    if line.rstrip(" *_").endswith(_LEAD_END):
        return _LAYOUT
    if len(line.split()) < _FRAGMENT:
        return _MALFORMED
    return _LAYOUT if leads else _UNREAD
