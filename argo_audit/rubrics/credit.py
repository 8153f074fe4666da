r"""Which lines of the attempts helped: what step 4 of ARGO keeps, drops and adds.

    >>> tried = [("- long\n- lists", 0.1), ("- lists", 0.3), ("- long", -0.2)]
    >>> edited("- long\n- lists", line_credit(tried), add=1)
    '- lists\n'

Attempts share lines, so a ridge regression of an attempt's gain on the lines it holds says what a
line is worth beside the others it came with; the mean over attempts alone would credit a bad line
for its company. A line is an item of a list or table under what introduces it (the same bullet
under "appears to prefer" and under "may penalize" are two), whatever weight it carries.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

RIDGE = 3.0
"""Prior strength in attempts: a line seen this often keeps half of the effect it shows."""

_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,2}[.)])\s|\s*\|")
_RULE = re.compile(r"[\s|:-]+$")
_WEIGHT_CELL = re.compile(r"\|\s*\d{1,3}\s*%?\s*(?=\|\s*$)")


class Line(NamedTuple):
    """An item and the lines that introduce its list or table."""

    introduction: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes two lines the same: the last introducing line and the words, no weight."""
        lead = [line for line in self.introduction.splitlines() if not line.startswith("|")]
        return (lead[-1] if lead else "", _WEIGHT_CELL.sub("", self.text).strip())


def lines_of(text: str) -> list[Line]:
    """The items of a rubric in order."""
    found: list[Line] = []
    introduction: list[str] = []
    fresh = True
    rows = [row for row in text.splitlines() if row.strip()]
    for row, following in zip(rows, [*rows[1:], ""], strict=False):
        header = row.startswith("|") and (_RULE.match(row) or _RULE.match(following or "x"))
        if _ITEM.match(row) and not header:
            found.append(Line("\n".join(introduction), row))
            fresh = True
        else:
            introduction = [row] if fresh else [*introduction, row]
            fresh = False
    return found


def line_credit(tried: Iterable[tuple[str, float]]) -> dict[Line, float]:
    """What each line adds to an attempt's gain; `tried` are rubric texts with their gains.

    Of lines with the same key the first one met stands for all. Empty when nothing was tried.
    """
    known: dict[tuple[str, str], Line] = {}
    rows, gains = [], []
    for text, gain in tried:
        lines = lines_of(text)
        for line in lines:
            known.setdefault(line.key, line)
        rows.append({line.key for line in lines})
        gains.append(gain)
    if not known:
        return {}
    keys = list(known)
    present = np.array([[key in row for key in keys] for row in rows], dtype=np.float64)
    centred = present - present.mean(axis=0)
    target = np.array(gains) - np.mean(gains)
    gram = centred.T @ centred + RIDGE * np.eye(len(keys))
    worth = np.linalg.solve(gram, centred.T @ target)
    return {known[key]: float(value) for key, value in zip(keys, worth, strict=True)}


def edited(text: str, credit: Mapping[Line, float], add: int) -> str:
    """The rubric without the lines that hurt, with up to `add` lines that helped elsewhere.

    An added line goes to the end of the list or table that is introduced in the same way; one
    that finds no such place is left out.
    """
    by_key = {line.key: value for line, value in credit.items()}
    kept = [line for line in lines_of(text) if by_key.get(line.key, 0.0) >= 0.0]
    have = {line.key for line in kept}
    places = {line.introduction for line in lines_of(text)}
    ranked = sorted(credit.items(), key=lambda entry: entry[1], reverse=True)
    good = [line for line, worth in ranked if worth > 0 and line.introduction in places]
    kept += [line for line in good if line.key not in have][:add]
    return _rendered(kept, [line.introduction for line in lines_of(text)])


def _rendered(lines: list[Line], order: list[str]) -> str:
    parts = []
    for introduction in dict.fromkeys(order):
        items = [line.text for line in lines if line.introduction == introduction]
        if items:
            parts.append("\n".join([*_spaced(introduction), *items]))
    return "\n\n".join(parts) + "\n" if parts else ""


def _spaced(introduction: str) -> list[str]:
    """The introducing lines with the blank lines that markdown wants between them."""
    spaced: list[str] = []
    for row in introduction.splitlines():
        spaced += [row] if row.startswith("|") else [row, ""]
    return spaced
