"""Two rubrics line by line, as the report and the commands show it.

    for row in line_up(first_text, second_text):
        row.standing, row.first, row.second

Two lines are as much alike as their words (`alignment.text_similarity`) or as the style features
that the surface reader finds in both (shared features over all), whichever says more: "brief
replies" and "concise answers" share no word. On the phrasings that the embedded rubric writer knows
the two together find 97% of the pairs of one idea, at 0.7% of the others. What the reader
understands also decides who is turned, for to penalise length and to reward brevity is the same.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from argo_audit.rubrics.alignment import Array, Item, Match, align, items, text_similarity
from argo_audit.surface.reader import read_rubric

Standing = Literal["turned", "moved", "shared", "only first", "only second"]
Wishes = Mapping[int, Mapping[str, int]]
"""By line, +1 or -1 for each feature that it is about."""


class Row(NamedTuple):
    """A line of one rubric, or of both; `similarity` of both."""

    standing: Standing
    first: Item | None
    second: Item | None
    similarity: float | None


def line_up(first: str, second: str) -> list[Row]:
    """The lines of two rubrics: turned, moved, otherwise shared, only in one; each by rank."""
    wishes = _wishes(first), _wishes(second)
    lines = [[item.line for item in items(text)] for text in (first, second)]
    style = np.array(
        [[_overlap(wishes[0].get(i, {}), wishes[1].get(j, {})) for j in lines[1]] for i in lines[0]]
    ).reshape(len(lines[0]), len(lines[1]))

    def similarity(ours: Sequence[str], theirs: Sequence[str]) -> Array:
        return np.asarray(np.maximum(text_similarity(ours, theirs), style), dtype=np.float64)

    found = align(first, second, similarity)
    shared = [_row(match, *wishes) for match in found.shared]
    order: dict[Standing, int] = {"turned": 0, "moved": 1, "shared": 2}
    shared.sort(key=lambda row: order[row.standing])
    return [
        *shared,
        *(Row("only first", item, None, None) for item in found.only_first),
        *(Row("only second", None, item, None) for item in found.only_second),
    ]


def counted(rows: Sequence[Row]) -> str:
    """How many lines stand how, in words."""
    names: dict[Standing, str] = {
        "shared": "shared",
        "moved": "shared and moved",
        "turned": "turned",
        "only first": "only in the first",
        "only second": "only in the second",
    }
    counts = {name: sum(row.standing == name for row in rows) for name in names}
    return ", ".join(f"{counts[name]} {said}" for name, said in names.items())


def ranks(row: Row) -> str:
    """The line's priority in both rubrics, 1 being the first."""
    return _both(row, lambda item: str(item.rank))


def shares(row: Row) -> str:
    """The line's part of all written weights in both rubrics; "-" where it has none."""
    return _both(row, lambda item: f"{item.share:.0%}" if item.share is not None else "-")


def _both(row: Row, of: Callable[[Item], str]) -> str:
    first, second = (of(item) if item else "" for item in (row.first, row.second))
    return f"{first} \u2192 {second}" if first and second else first or second


def _row(match: Match, ours: Wishes, theirs: Wishes) -> Row:
    turned = _turned(match, ours.get(match.first.line, {}), theirs.get(match.second.line, {}))
    standing: Standing = "turned" if turned else "moved" if match.moved else "shared"
    return Row(standing, match.first, match.second, match.similarity)


def _turned(match: Match, ours: Mapping[str, int], theirs: Mapping[str, int]) -> bool:
    """By what the reader finds in both lines; by their own words where it finds nothing."""
    both = ours.keys() & theirs.keys()
    if not both:
        return match.turned
    return all(ours[feature] != theirs[feature] for feature in both)


def _wishes(text: str) -> Wishes:
    reading = read_rubric(text)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for criterion in reading.criteria:
        found[criterion.line][criterion.feature] = criterion.direction
    for gate in reading.gates:
        found[gate.line].setdefault(gate.feature, -1 if gate.present else 1)
    return found


def _overlap(ours: Mapping[str, int], theirs: Mapping[str, int]) -> float:
    either = ours.keys() | theirs.keys()
    return len(ours.keys() & theirs.keys()) / len(either) if either else 0.0
