r"""Operations on a rubric's text: cut one part out, shuffle the parts, level the weights.

    >>> text = "- rewards lists\n- penalises hedging\n"
    >>> [part.name for part in parts(text)]
    ['rewards lists', 'penalises hedging']
    >>> without(text, parts(text)[0])
    '- penalises hedging\n'

A rubric is model text of any shape, so an operation is trusted by its outcome and not by its
making: the outline of the new text must be the old one's without that part, in another order, or
with other weights, and nothing else. Where it is not, because a line held the markup of others
together, the answer is None: that part cannot be taken out of this text, and nothing is measured.

A part is a list item or a table row with what hangs below it. Gates keep their places in a shuffle:
of several the first that applies may be the one that counts.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean
from typing import Literal

from argo_audit.rubrics.markdown_blocks import blocks_of
from argo_audit.rubrics.outline import (
    MAX_CHARACTERS,
    BiasLine,
    Criterion,
    Outline,
    RubricGate,
    outline,
)

PartKind = Literal["criterion", "bias", "gate"]

_Item = Criterion | BiasLine | RubricGate
_LINE_END = re.compile(r"\r\n?|\n")
_NUMBERED = re.compile(r"^(\s*)\d{1,9}[.)]")
_MAX_NAME = 80
_KINDS: dict[type[_Item], PartKind] = {
    Criterion: "criterion",
    BiasLine: "bias",
    RubricGate: "gate",
}


@dataclass(frozen=True, slots=True)
class RubricPart:
    """A list item or table row that the outline names, at lines [line, end) counting from 1.

    `group` numbers the list or table that it stands in; `items` is how many entries of the outline
    it holds, more than one when others hang below it.
    """

    kind: PartKind
    name: str
    line: int
    end: int
    group: int
    items: int


def parts(text: str) -> tuple[RubricPart, ...]:
    """The parts of any text in its order; () when there is nothing that could be told apart."""
    by_line: dict[int, list[_Item]] = {}
    for item in _items(outline(text)):
        by_line.setdefault(item.line, []).append(item)
    lines, places = _lines(text), [item.line for item in _items(outline(text))]
    found: dict[int, RubricPart] = {}
    for place, group in _places(text):
        start, end = _span(place, lines)
        if start in by_line and start not in found:
            first = by_line[start][0]
            inside = bisect_left(places, end) - bisect_left(places, start)
            name, kind = _name(first), _KINDS[type(first)]
            found[start] = RubricPart(kind, name, start, end, group, inside)
    return tuple(found.values())


def without(text: str, part: RubricPart) -> str | None:
    """The text without the lines of one of its parts; None when more than that would change.

    The rest of a numbered list closes up: a list that does not begin with 1 may be read as prose.
    """
    lines = _lines(text)
    number = _NUMBERED.match(lines[part.line - 1])
    for later in parts(text):
        if later.group == part.group and later.line >= part.end:
            number = _renumber(lines, later.line - 1, number)
    cut = "\n".join(lines[: part.line - 1] + lines[part.end - 1 :])
    wanted = [
        _placeless(item) for item in _items(outline(text)) if not part.line <= item.line < part.end
    ]
    return cut if [_placeless(item) for item in _items(outline(cut))] == wanted else None


def shuffled(text: str, seed: int = 0) -> str | None:
    """The text with criteria and bias lines in another order within each list and table.

    Headings, leads, weights and gates stay as they are. None when no list or table has two parts
    that can change places.
    """
    found = given = "\n".join(_lines(text))
    for group in sorted({part.group for part in parts(text)}):
        members = [p for p in parts(found) if p.group == group and p.kind != "gate"]
        moved = _permuted(found, members, Random(f"{seed}/{group}"))
        if _sorted_items(moved) == _sorted_items(found):
            found = moved
    return None if found == given else found


def level_weights(text: str) -> str | None:
    """The text with their mean in place of all written weights.

    None when fewer than two different weights are written, or one cannot be told from the rest.
    """
    weighted = [item for item in outline(text).criteria if item.weight is not None]
    weights = [item.weight for item in weighted if item.weight is not None]
    if len(set(weights)) < 2:
        return None
    level, lines = f"{fmean(weights):.4g}", _lines(text)
    for item in weighted:
        changed = _with_weight(lines, item, level)
        if changed is None:
            return None
        lines = changed
    return "\n".join(lines)


def _with_weight(lines: Sequence[str], item: Criterion, level: str) -> list[str] | None:
    """The lines with the number that is read as the item's weight replaced, and no other change."""
    place = item.line - 1
    before = outline("\n".join(lines))
    for number in re.finditer(r"\d+(?:\.\d+)?", lines[place]):
        line = lines[place][: number.start()] + level + lines[place][number.end() :]
        changed = [*lines[:place], line, *lines[place + 1 :]]
        if float(number[0]) == item.weight and _only_weight(
            before, "\n".join(changed), item, level
        ):
            return changed
    return None


def _only_weight(before: Outline, text: str, item: Criterion, level: str) -> bool:
    old, new = _items(before), _items(outline(text))
    pairs = list(zip(old, new, strict=False))
    changed = [(a, b) for a, b in pairs if a != b]
    if len(old) != len(new) or len(changed) > 1:
        return False
    return all(
        isinstance(b, Criterion) and a.line == item.line and b.weight == float(level)
        for a, b in changed
    )


def _permuted(text: str, members: Sequence[RubricPart], rng: Random) -> str:
    """The blocks of lines of `members` in another order; each place keeps its list number."""
    lines = _lines(text)
    blocks = [lines[part.line - 1 : part.end - 1] for part in members]
    if all(block == blocks[0] for block in blocks):
        return text
    order = list(range(len(blocks)))
    while [blocks[i] for i in order] == blocks:
        rng.shuffle(order)
    places = list(zip(members, blocks, order, strict=True))
    for part, block, taken in reversed(places):  # from the end, so that earlier lines stay put
        moved = [*blocks[taken]]
        _renumber(moved, 0, _NUMBERED.match(block[0]))
        lines[part.line - 1 : part.end - 1] = moved
    return "\n".join(lines)


def _renumber(lines: list[str], place: int, number: re.Match[str] | None) -> re.Match[str] | None:
    """Give a list item another's number; what its own was."""
    own = _NUMBERED.match(lines[place])
    if number and own:
        lines[place] = number[0] + lines[place][own.end() :]
    return own


def _places(text: str) -> list[tuple[tuple[int, int], int]]:
    """The lines of list items and table rows, with the number of their list or table, in order."""
    groups: dict[int, int] = {}
    found = []
    with blocks_of(text[:MAX_CHARACTERS]) as read:
        for block, parent in read.every("list_item", "tr"):
            if lines := read.lines(block):
                found.append((lines, groups.setdefault(parent, len(groups))))
    return found


def _span(place: tuple[int, int], lines: Sequence[str]) -> tuple[int, int]:
    """Lines from 1, the end exclusive; blank lines at the end belong to nobody."""
    start, end = place
    while end > start + 1 and (end > len(lines) or not lines[end - 1].strip()):
        end -= 1
    return start + 1, end + 1


def _items(read: Outline) -> list[_Item]:
    items: list[_Item] = [*read.criteria, *read.biases, *read.gates]
    return sorted(items, key=lambda item: item.line)


def _placeless(item: _Item) -> _Item:
    return replace(item, line=0)


def _sorted_items(text: str) -> tuple[list[str], list[_Item]]:
    """What a shuffle keeps: all items without their places, and gates in their order."""
    read = outline(text)
    return sorted(repr(_placeless(item)) for item in _items(read)), [
        _placeless(gate) for gate in read.gates
    ]


def _name(item: _Item) -> str:
    name = item.name if isinstance(item, Criterion) and item.name else item.text
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}\u2026"


def _lines(text: str) -> list[str]:
    """Lines as markdown counts them; what is joined again ends them all alike."""
    return _LINE_END.split(text)
