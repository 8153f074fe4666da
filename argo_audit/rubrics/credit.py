r"""Which lines of the attempts helped: what step 4 of ARGO keeps, drops and adds.

    >>> tried = [("- long\n- lists", 0.1), ("- lists", 0.3), ("- long", -0.2)]
    >>> edited("- long\n- lists", line_credit(tried), add=1)
    '- lists\n'

Attempts share lines, so a ridge regression of an attempt's gain on the lines it holds says what a
line is worth beside the others it came with; the mean over attempts alone would credit a bad line
for its company. A line is an item of a list or table under what introduces it (the same bullet
under "appears to prefer" and under "may penalize" are two), whatever weight it carries.

Up to MANY distinct lines the regression is solved outright. Beyond, where the matrix of lines by
lines would take gigabytes, it is solved step by step on the places where lines stand, to the same
numbers within rounding, in time and memory in proportion to the rubrics' length.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RIDGE = 3.0
"""Prior strength in attempts: a line seen this often keeps half of the effect it shows."""

MANY = 1_024
"""Distinct lines from which on the regression is solved step by step."""

_Array = NDArray[np.float64]
_PRECISION = 1e-11  # of what is left over, in parts of the gains
_MOST_STEPS = 1_000

_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,2}[.)])\s|\s*\|")
_RULE = re.compile(r"[\s|:-]+$")
_WEIGHT_CELL = re.compile(r"\|\s*\d{1,3}\s*(?:%\s*)?(?=\|\s*$)")


Key = tuple[str, str]
"""What makes two lines the same."""


class Line(NamedTuple):
    """An item and the lines that introduce its list or table."""

    introduction: str
    text: str

    @property
    def key(self) -> Key:
        """What makes two lines the same: the last introducing line and the words, no weight."""
        return _lead(self.introduction), _WEIGHT_CELL.sub("", self.text).strip()


class _Places(NamedTuple):
    """Which of `lines` stand in which of `rubrics`: line columns[i] in rubric rows[i], once."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    rubrics: int
    lines: int


@lru_cache(maxsize=16)  # an introduction's lines come one after the other
def _lead(introduction: str) -> str:
    lead = [line for line in introduction.splitlines() if not line.startswith("|")]
    return lead[-1] if lead else ""


def lines_of(text: str) -> list[Line]:
    """The items of a rubric in order."""
    found: list[Line] = []
    rows = [row for row in text.splitlines() if row.strip()]
    introduction, begun = "", list[str]()
    for row, following in zip(rows, [*rows[1:], ""], strict=False):
        header = row.startswith("|") and (_RULE.match(row) or _RULE.match(following or "x"))
        if header or not _ITEM.match(row):
            begun.append(row)
            continue
        if begun:
            introduction, begun = "\n".join(begun), []
        found.append(Line(introduction, row))
    return found


def line_credit(tried: Iterable[tuple[str, float]]) -> dict[Line, float]:
    """What each line adds to an attempt's gain; `tried` are rubric texts with their gains.

    Of lines with the same key the first one met stands for all. Empty when nothing was tried.
    """
    return credit_of((by_key(text), gain) for text, gain in tried)


def by_key(text: str) -> dict[Key, Line]:
    """The items of a rubric, of those with the same key the first."""
    found: dict[Key, Line] = {}
    for line in lines_of(text):
        found.setdefault(line.key, line)
    return found


def credit_of(tried: Iterable[tuple[Mapping[Key, Line], float]]) -> dict[Line, float]:
    """As `line_credit`, of rubrics whose lines have been read."""
    known: dict[Key, Line] = {}
    number: dict[Key, int] = {}
    held, gains = [], []
    for lines, gain in tried:
        for key, line in lines.items():
            known.setdefault(key, line)
        held.append([number.setdefault(key, len(number)) for key in lines])
        gains.append(gain)
    if not known:
        return {}
    rows = np.repeat(np.arange(len(held)), [len(own) for own in held])
    places = _Places(rows, np.array([n for own in held for n in own]), len(held), len(known))
    target = np.array(gains) - np.mean(gains)
    worth = (_outright if len(known) <= MANY else _stepwise)(places, target)
    return dict(zip(known.values(), worth.tolist(), strict=True))


def _outright(places: _Places, target: _Array) -> _Array:
    present = np.zeros((places.rubrics, places.lines))
    present[places.rows, places.columns] = 1.0
    centred = present - present.mean(axis=0)
    gram = centred.T @ centred + RIDGE * np.eye(places.lines)
    return np.asarray(np.linalg.solve(gram, centred.T @ target), dtype=np.float64)


def _stepwise(places: _Places, target: _Array) -> _Array:
    """By conjugate gradients over the rubrics; lines that all of them hold are worth nothing."""
    rows, columns, n_rubrics, n_lines = places
    share = np.bincount(columns, minlength=n_lines) / n_rubrics

    def by_line(of_rubrics: _Array) -> _Array:
        sums = np.bincount(columns, of_rubrics[rows], n_lines) - share * of_rubrics.sum()
        return np.where(share == 1.0, 0.0, sums)

    def by_rubric(of_lines: _Array) -> _Array:
        sums = np.bincount(rows, of_lines[columns], n_rubrics)
        return np.asarray(sums - share @ of_lines, dtype=np.float64)

    found, left = np.zeros(n_rubrics), target.copy()
    way, size = left, float(left @ left)
    enough = _PRECISION**2 * size
    for _ in range(_MOST_STEPS):
        if size <= enough:
            break
        turned = by_rubric(by_line(way)) + RIDGE * way
        length = size / float(way @ turned)
        found, left = found + length * way, left - length * turned
        before, size = size, float(left @ left)
        way = left + size / before * way
    return by_line(found)


def edited(text: str, credit: Mapping[Line, float], add: int) -> str:
    """The rubric without the lines that hurt, with up to `add` lines that helped elsewhere.

    An added line goes to the end of the list or table that is introduced in the same way; one
    that finds no such place is left out.
    """
    lines = lines_of(text)
    places = dict.fromkeys(line.introduction for line in lines)
    worth = {line.key: value for line, value in credit.items()}
    kept = [line for line in lines if worth.get(line.key, 0.0) >= 0.0]
    have = {line.key for line in kept}
    ranked = sorted(credit.items(), key=lambda entry: entry[1], reverse=True)
    good = [line for line, value in ranked if value > 0 and line.introduction in places]
    kept += [line for line in good if line.key not in have][:add]
    return _rendered(kept, places)


def _rendered(lines: Iterable[Line], order: Iterable[str]) -> str:
    """The lines under their introductions, which stand in this order."""
    items: dict[str, list[str]] = {introduction: [] for introduction in order}
    for line in lines:
        items[line.introduction].append(line.text)
    parts = ["\n".join([*_spaced(lead), *own]) for lead, own in items.items() if own]
    return "\n\n".join(parts) + "\n" if parts else ""


def _spaced(introduction: str) -> list[str]:
    """The introducing lines with the blank lines that markdown wants between them."""
    spaced: list[str] = []
    for row in introduction.splitlines():
        spaced += [row] if row.startswith("|") else [row, ""]
    return spaced
