r"""Read a rubric's text: its criteria, weights, gates and bias lines, wherever markdown puts them.

    >>> text = "| Category | Weight |\n|---|---|\n| Warm tone | 30% |\n"
    >>> outline(text).criteria[0].weight
    30.0

A rubric is written by a model and may be anything, so reading is total: every text has an outline,
possibly an empty one. Three kinds of line are told apart, after the shapes of ARGO's Figures 3-5:
a *gate* (an item under a heading about gates, overrides or caps, or any item that caps a score), a
*bias* (an item under a heading about biases or preferences, or one that a lead such as "It may
penalize:" introduces), and a *criterion* (every other list item or table row).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from argo_audit.rubrics.markdown_blocks import Blocks, blocks_of

Direction = Literal["rewards", "penalises"]

_GATE_SECTION = re.compile(r"\b(gates?|gating|overrides?|caps?)\b", re.I)
_BIAS_SECTION = re.compile(r"\b(bias(es)?|preferences?|tendenc(y|ies)|heuristics?)\b", re.I)
_CAP = re.compile(
    r"(?:<=|≤|=<)\s*(\d+(?:\.\d+)?)|\bcap(?:ped|s)?\b[^.;|]{0,40}?\b(?:at|to)\s+(\d+(?:\.\d+)?)",
    re.I,
)
_WEIGHT = re.compile(
    r"(?<!\d)(\d+(?:\.\d+)?)\s*%|\bweight(?:ed)?\s*(?:(?:of|:|=|at)\s*)?(\d+(?:\.\d+)?)", re.I
)
_BARE_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:(?:pts?|points)\s*)?$", re.I)
_PENALISES = re.compile(
    r"\b(penali[sz]e[sd]?|penalties|dislike[sd]?|punish(?:es)?|disfavou?rs?|avoid(?:s|ed)?)\b", re.I
)
_REWARDS = re.compile(
    r"\b(prefer(?:s|red)?|reward(?:s|ed)?|favou?r(?:s|ed)?|likes?|value[sd]?)\b", re.I
)
_ENUMERATOR = re.compile(r"^\s*(?:\d{1,2}|[A-Za-z])[.)]\s+")
_LINE_END = re.compile(r"\r\n|\r|\n")
MAX_CHARACTERS = 100_000
_LISTS = ("bullet_list", "ordered_list")
_MAX_LEAD = 300  # characters: a lead is a line, not an essay


@dataclass(frozen=True, slots=True)
class Criterion:
    """One item to grade on; `weight` is the number as written (30% is 30.0)."""

    name: str
    text: str
    weight: float | None
    section: str
    lead: str
    line: int


@dataclass(frozen=True, slots=True)
class BiasLine:
    """One thing the reward model is said to like or dislike; `direction` is the section's."""

    text: str
    direction: Direction | None
    section: str
    lead: str
    line: int


@dataclass(frozen=True, slots=True)
class RubricGate:
    """A cap or override; `cap` is the highest overall score it leaves, when a number is given."""

    text: str
    cap: float | None
    section: str
    line: int


@dataclass(frozen=True, slots=True)
class Outline:
    """What a rubric's text asks for, in its own order; `line` counts from 1."""

    criteria: tuple[Criterion, ...] = ()
    biases: tuple[BiasLine, ...] = ()
    gates: tuple[RubricGate, ...] = ()

    def __len__(self) -> int:
        """How many criteria, bias lines and gates there are."""
        return len(self.criteria) + len(self.biases) + len(self.gates)


@dataclass(frozen=True, slots=True)
class _Item:
    """A list item or table row, with the heading and the lead paragraph above it."""

    cells: tuple[str, ...]
    header: tuple[str, ...]
    section: str
    lead: str
    line: int

    @property
    def text(self) -> str:
        return " - ".join(cell for cell in self.cells if cell)


@lru_cache(maxsize=4096)
def outline(text: str) -> Outline:
    """The outline of any text; reads at most the first 100,000 characters."""
    criteria: list[Criterion] = []
    biases: list[BiasLine] = []
    gates: list[RubricGate] = []
    for item in _items(text):
        cap = _CAP.search(item.text)
        if cap or _GATE_SECTION.search(item.section):
            value = float(cap.group(1) or cap.group(2)) if cap else None
            gates.append(RubricGate(item.text, value, item.section, item.line))
        elif _is_bias(item):
            direction = direction_of(item.lead) or direction_of(item.section)
            biases.append(BiasLine(item.text, direction, item.section, item.lead, item.line))
        else:
            criteria.append(_criterion(item))
    return Outline(tuple(criteria), tuple(biases), tuple(gates))


def _is_bias(item: _Item) -> bool:
    return bool(_BIAS_SECTION.search(item.section)) or direction_of(item.lead) is not None


def direction_of(text: str) -> Direction | None:
    """What a heading, lead or line does with what it names, a word of penalty first."""
    if _PENALISES.search(text):
        return "penalises"
    return "rewards" if _REWARDS.search(text) else None


def _criterion(item: _Item) -> Criterion:
    name, description = item.cells[0] if len(item.cells) > 1 else "", []
    weight = None
    for title, cell in zip(item.header or ("",) * len(item.cells), item.cells, strict=False):
        number = _WEIGHT.search(cell) or ("weight" in title.lower() and _BARE_NUMBER.match(cell))
        if number and weight is None:
            weight = float(next(group for group in number.groups() if group))
        if cell != name and not (number and number.group().strip() == cell.strip()):
            description.append(cell)
    return Criterion(
        _ENUMERATOR.sub("", name),
        " - ".join(description),
        weight,
        item.section,
        item.lead,
        item.line,
    )


def _items(text: str) -> list[_Item]:
    """List items and table body rows in document order, each under its heading and lead."""
    items: list[_Item] = []
    section = lead = ""
    with blocks_of(text[:MAX_CHARACTERS]) as read:
        for block in read.outermost:
            kind = read.kind(block)
            if kind == "heading":
                section, lead = read.plain(block)[:_MAX_LEAD], ""
            elif kind == "paragraph":
                lead = read.plain(block)[:_MAX_LEAD]
            elif kind == "table":
                items += _rows(read, block, section, lead)
            elif kind in _LISTS:
                items += _list_items(read, block, section, lead)
    return items


def _rows(read: Blocks, table: range, section: str, lead: str) -> Iterator[_Item]:
    header: tuple[str, ...] = ()
    for part in read.inside(table):
        for row in read.inside(part):
            blocks = read.inside(row)
            cells = tuple(map(read.plain, blocks))
            if blocks and read.kind(blocks[0]) == "th":
                header = cells
            elif any(cells):
                yield _Item(cells, header, section, lead, _line(read, row))


def _list_items(read: Blocks, block: range, section: str, lead: str) -> Iterator[_Item]:
    """Items of a list; a nested list is introduced by the item that holds it."""
    for item in read.inside(block):
        own = ""
        for child in read.inside(item):
            if read.kind(child) in _LISTS:
                yield from _list_items(read, child, section, own or lead)
            elif text := read.plain(child):
                own = text[:_MAX_LEAD]
                yield _Item((text,), (), section, lead, _line(read, item))


def _line(read: Blocks, block: range) -> int:
    """Where a block begins, counting from 1."""
    lines = read.lines(block)
    return lines[0] + 1 if lines else 0


def lines_of(text: str) -> list[str]:
    r"""The lines as markdown counts them: ended by \n, \r\n or \r, and by nothing else."""
    return _LINE_END.split(text)


def repeated_share(text: str) -> float:
    """Share of the non-blank lines that repeat an earlier one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0
