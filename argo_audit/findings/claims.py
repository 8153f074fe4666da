"""What a rubric claims about a reward model, line by line, in terms that can be checked.

    >>> [(c.direction, c.feature, c.line) for c in claims("- Prefers lists, without hedging.")]
    [('rewards', 'bullets', 1), ('penalises', 'hedging', 1)]

Every bias line, criterion and gate claims something: that the reward model pays for what the line
asks for. A line may speak of several features, and is then several claims. One that the surface
reader can make nothing of is a claim too, of no feature: it is shown, and never checked in silence.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from argo_audit.rubrics.outline import BiasLine, Criterion, Direction, RubricGate, lines_of, outline
from argo_audit.surface.reader import read_rubric

_Item = Criterion | BiasLine | RubricGate
_SIDES: dict[bool, Direction] = {True: "rewards", False: "penalises"}


class Claim(NamedTuple):
    """That the reward model rewards or penalises a feature ("" where the line was not read).

    `quote` is the rubric's line as it was read, `line` its number, from 1; "" and 0 where no line
    says so.
    """

    feature: str
    direction: Direction
    quote: str = ""
    line: int = 0


def claims(text: str) -> tuple[Claim, ...]:
    """All claims of a rubric in the order of its lines; each feature of a line and side once."""
    reading = read_rubric(text)
    found = [Claim(c.feature, _SIDES[c.direction > 0], c.quote, c.line) for c in reading.criteria]
    found += [Claim(g.feature, _SIDES[not g.present], g.quote, g.line) for g in reading.gates]
    read = {claim.line for claim in found}
    found += [claim for claim in _lines(text) if claim.line not in read]
    return tuple(sorted(dict.fromkeys(found), key=lambda claim: claim.line))


def unsaid(said: Iterable[Claim], asked: Iterable[Claim]) -> tuple[Claim, ...]:
    """Those of `asked` on whose feature no claim of `said` takes a side."""
    known = {claim.feature for claim in said}
    return tuple(claim for claim in asked if claim.feature not in known)


def _lines(text: str) -> Iterator[Claim]:
    """Every line that a reader might have read, as a claim of no feature."""
    parts = outline(text)
    items: list[_Item] = [*parts.criteria, *parts.biases, *parts.gates]
    for item in items:
        yield Claim("", _direction(item), _quote(item), item.line)
    if not len(parts):
        for number, line in enumerate(lines_of(text), start=1):
            if line.strip():
                yield Claim("", "rewards", line.strip(), number)


def _direction(item: _Item) -> Direction:
    """A criterion asks for what it says, a gate is there for what it forbids."""
    if isinstance(item, RubricGate):
        return "penalises"
    return (item.direction if isinstance(item, BiasLine) else None) or "rewards"


def _quote(item: _Item) -> str:
    if isinstance(item, Criterion):
        return " - ".join(part for part in (item.name, item.text) if part)
    return item.text
