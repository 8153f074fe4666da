r"""Weighed lines written as rubrics: of several lengths, with weights and without.

    >>> lists, sorry = ProposedLine("bulleted lists"), ProposedLine("apologies")
    >>> print(written([Weight(lists, 0.9), Weight(sorry, -0.3)]).splitlines()[4])
    | Bulleted lists | Rewards bulleted lists | 75% |

A judge that reads a whole rubric need not follow more lines, or weights, as well as it adds them
up one by one. So the same lines are written in several forms and a race decides (`racing`). A line
stands in a rubric as it was asked, after the verb that gives its sign.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from argo_audit.search.proposing import ProposedLine

LENGTHS = (5, 8, 11, 14)
"""How many lines a rubric is written with, the weightiest first."""

_WORDS_OF_A_NAME = 4


class Weight(NamedTuple):
    """A line and what it weighs; `size` is by how much it moves a pair, for the order."""

    line: ProposedLine
    weight: float
    size: float = 0.0


def forms(lines: Iterable[Weight]) -> list[str]:
    """The rubrics that are written of these lines, longest first, each text once."""
    ranked = sorted(lines, key=lambda one: -one.size)
    if not ranked:
        return []
    lengths = sorted({min(length, len(ranked)) for length in LENGTHS}, reverse=True)
    made = [
        written(ranked[:length], weights=weights) for length in lengths for weights in (True, False)
    ]
    return list(dict.fromkeys(made))


def written(lines: Sequence[Weight], *, weights: bool = True) -> str:
    """One rubric: a table of categories, with weights in percent of their sum where asked for."""
    total = sum(abs(one.weight) for one in lines) or 1.0
    head = ["| Category | Description | Weight |", "|---|---|---|"]
    if not weights:
        head = ["| Category | Description |", "|---|---|"]
    rows = [_row(one, 100 * abs(one.weight) / total if weights else None) for one in lines]
    return "\n".join(["## Category Overview", "", *head, *rows]) + "\n"


def _row(one: Weight, percent: float | None) -> str:
    verb = "Rewards" if one.weight > 0 else "Penalizes"
    cells = [_cell(named(one.line)), f"{verb} {_cell(one.line.text)}"]
    if percent is not None:
        cells.append(f"{max(1, round(percent))}%")
    return f"| {' | '.join(cells)} |"


def named(line: ProposedLine) -> str:
    """What the line is called: its name, else its first words."""
    name = line.name or " ".join(line.text.split()[:_WORDS_OF_A_NAME]).rstrip(",;:.(")
    return name[:1].upper() + name[1:]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
