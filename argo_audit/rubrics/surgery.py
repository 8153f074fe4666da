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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean
from typing import Literal, TypeVar

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

_T = TypeVar("_T")
_Item = Criterion | BiasLine | RubricGate
_LINE_END = re.compile(r"\r\n?|\n")
_NUMBERED = re.compile(r"^(\s*)\d{1,9}[.)]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_PER_CENT = re.compile(r"\s*%")
_MAX_NAME = 80
_TRIES = 32
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
    kept, depth, tries = _sorted_items(given), 0, _TRIES
    while groups := list(_groups(found).get(depth, ())):
        waiting = [groups]
        while waiting and tries > 0:
            some, tries = waiting.pop(), tries - 1
            moved = _permuted(found, some, depth, seed)
            if _sorted_items(moved) == kept:
                found = moved
            else:
                waiting += _halves(some)
        depth += 1
    return None if found == given else found


def level_weights(text: str) -> str | None:
    """The text with their mean in place of all written weights.

    None when fewer than two different weights are written, or one cannot be told from the rest.
    """
    items, lines = _items(outline(text)), _lines(text)
    weights = {
        place: item.weight
        for place, item in enumerate(items)
        if isinstance(item, Criterion) and item.weight is not None
    }
    if len(set(weights.values())) < 2:
        return None
    level = f"{fmean(weights.values()):.4g}"
    numbers = {
        place: _numbers(lines[items[place].line - 1], weight) for place, weight in weights.items()
    }
    return _levelled(lines, items, numbers, level) if all(numbers.values()) else None


def _numbers(line: str, weight: float) -> list[re.Match[str]]:
    """Where in a line an item's weight may stand, those first that look like one."""
    found = [number for number in _NUMBER.finditer(line) if float(number[0]) == weight]
    return sorted(found, key=lambda number: not _PER_CENT.match(line, number.end()))


def _levelled(
    lines: Sequence[str],
    items: Sequence[_Item],
    numbers: Mapping[int, Sequence[re.Match[str]]],
    level: str,
) -> str | None:
    """The text with the number of each item replaced that is read as its weight; None for none."""
    chosen: dict[int, re.Match[str]] = {}
    waiting, tries = [list(numbers)], _TRIES
    while waiting:
        some = waiting.pop()
        for nth in range(len(numbers[some[0]]) if len(some) == 1 else 1):
            more = chosen | {place: numbers[place][nth] for place in some}
            text, tries = _written(lines, items, more, level), tries - 1
            if _only_weights(items, text, more, float(level)):
                chosen = more
                break
            if not tries:
                return None
        else:
            if len(some) == 1:
                return None
            waiting += _halves(some)
    return _written(lines, items, chosen, level)


def _written(
    lines: Sequence[str], items: Sequence[_Item], chosen: Mapping[int, re.Match[str]], level: str
) -> str:
    """The text with `level` in place of the numbers of these items."""
    changed = list(lines)
    of_line = {(items[place].line - 1, number.span()) for place, number in chosen.items()}
    for place, (start, end) in sorted(of_line, reverse=True):  # from the end of each line
        changed[place] = changed[place][:start] + level + changed[place][end:]
    return "\n".join(changed)


def _only_weights(old: Sequence[_Item], text: str, chosen: Collection[int], level: float) -> bool:
    """Whether the text is read as before, but for the weights of these items."""
    new = _items(outline(text))
    return (
        len(old) == len(new)
        and all(
            a == b
            or (
                place in chosen
                and isinstance(b, Criterion)
                and (a.line, level) == (b.line, b.weight)
            )
            for place, (a, b) in enumerate(zip(old, new, strict=True))
        )
        and all(getattr(new[place], "weight", None) == level for place in chosen)
    )


def _halves(things: Sequence[_T]) -> list[list[_T]]:
    """The second half and the first, of one thing none."""
    middle = len(things) // 2
    return [[*things[middle:]], [*things[:middle]]] if middle else []


def _groups(text: str) -> dict[int, dict[int, list[RubricPart]]]:
    """What may change places: by how many such parts it lies in, then by its list or table."""
    found: dict[int, dict[int, list[RubricPart]]] = {}
    around: list[RubricPart] = []
    for part in parts(text):
        while around and part.line >= around[-1].end:
            around.pop()
        if part.kind != "gate":
            found.setdefault(len(around), {}).setdefault(part.group, []).append(part)
            around.append(part)
    return found


def _permuted(text: str, groups: Sequence[int], depth: int, seed: int) -> str:
    """The blocks of lines of these groups in another order; each place keeps its list number."""
    members = _groups(text).get(depth, {})
    lines, taken = _lines(text), dict[int, tuple[RubricPart, list[str]]]()
    for group in groups:
        for part, block in _drawn(lines, members.get(group, []), Random(f"{seed}/{group}")):
            taken[part.line] = part, block
    found, at = list[str](), 0
    for line, (part, block) in sorted(taken.items()):
        found += [*lines[at : line - 1], *block]
        at = part.end - 1
    return "\n".join([*found, *lines[at:]])


def _drawn(
    lines: Sequence[str], members: Sequence[RubricPart], rng: Random
) -> Iterator[tuple[RubricPart, list[str]]]:
    """The parts of a group that have different blocks of lines, each with one of another's."""
    blocks = [lines[part.line - 1 : part.end - 1] for part in members]
    if all(block == blocks[0] for block in blocks):
        return
    order = list(range(len(blocks)))
    while [blocks[i] for i in order] == blocks:
        rng.shuffle(order)
    for part, block, taken in zip(members, blocks, order, strict=True):
        moved = [*blocks[taken]]
        _renumber(moved, 0, _NUMBERED.match(block[0]))
        yield part, moved


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
