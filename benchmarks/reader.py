"""How lines are read that nothing was made for: the wordings of tests/data, and their opposites.

    python -m benchmarks.reader           # or with a folder that has the weights

Four files of lines (wordings.py says what each was used for), three readers: the phrases alone (the
judge argo/surface, the base install), the meaning alone, and both as argo/meaning has them. Shares
have Wilson's interval. The bars are on the last, or on the phrases where there are no weights; this
is said. Opposites are pairs of lines that say the same of one feature, one for and one against it:
both read with one sign is a fault.
"""

import sys
from collections.abc import Sequence

import numpy as np
from rich.console import Console

from argo_audit.errors import InputError
from argo_audit.stats.intervals import interval
from argo_audit.surface.meaning import Meaning
from argo_audit.surface.reader import read_rubric
from argo_audit.surface.sentence_encoder import open_encoder
from benchmarks.taught_lines import NOTHING, phrases
from benchmarks.wordings import (
    AGAIN,
    FILE,
    FOURTH,
    INVERTED,
    RIGHT,
    THIRD,
    UNREAD,
    WRONG,
    Reader,
    Wishes,
    Wording,
    marks,
    share,
    wordings,
)

MOST_WRONG, LEAST_RIGHT, MOST_INVERTED = 0.1, 0.85, 0.02
_POLES = (
    ("Rewards {x}", "Penalises {x}"),
    ("It is right to have {x}", "It is wrong to have {x}"),
    ("Readers admire {x}", "Readers loathe {x}"),
    ("{x} should come in", "{x} should stay out"),
    ("{x}, by all means", "{x}, by no means"),
)
_page = Console(width=140, highlight=False, markup=False)


def main(folder: str | None) -> None:
    """Measure each reader, and print how many bars are met."""
    readers: dict[str, Reader] = {"phrases": by_phrases}
    try:
        meaning = Meaning(open_encoder(folder))
    except InputError as error:
        _page.print(f"phrases alone: {error}")
    else:
        _page.print(f"read by {meaning.name}")
        readers |= {"meaning": meaning.wishes, "argo/meaning": lambda line: both(line, meaning)}
    met: list[bool] = []
    for file in (FILE, AGAIN, THIRD, FOURTH):
        lines = wordings(file)
        for name, reader in readers.items():
            told = marks(reader, lines)
            _tell(f"{file.stem}: {name}", told, lines)
        met += _bars(told)
    met += [opposed(reader) == 0]
    _page.print(f"bars met: {sum(met)} of {len(met)}")


def by_phrases(line: str) -> Wishes:
    """As argo/surface reads a line."""
    return both(line, None)


def both(line: str, meaning: Meaning | None) -> Wishes:
    """As argo/meaning reads a line, or argo/surface without one."""
    reading = read_rubric(f"- {line}", meaning)
    wishes = frozenset((wish.feature, wish.direction) for wish in reading.criteria)
    return wishes | {(gate.feature, -1 if gate.present else 1) for gate in reading.gates}


def _tell(name: str, told: Sequence[str], lines: Sequence[Wording]) -> None:
    read = [mark for mark in told if mark != UNREAD]
    about = [mark for mark, line in zip(told, lines, strict=True) if line.wants]
    nothing = [mark for mark, line in zip(told, lines, strict=True) if not line.wants]
    for what, values in {
        "lines read": share(told, RIGHT, WRONG, INVERTED),
        "right, of lines read": share(read, RIGHT),
        "wrong, of all": share(told, WRONG, INVERTED),
        "inverted, of all": share(told, INVERTED),
        "inverted, of lines read": share(read, INVERTED),
        "right, of lines about a feature": share(about, RIGHT),
        "read, of lines about nothing": share(nothing, WRONG, INVERTED),
    }.items():
        _page.print(f"{name:<30}{what:<33}{_shown(values)}")


def _shown(values: Sequence[float]) -> str:
    found = interval(np.array(values), [str(place) for place in range(len(values))])
    mean = sum(values) / len(values)
    return f"{mean:.3f} [{found.low:.3f}, {found.high:.3f}] n = {len(values)}"


def _bars(told: Sequence[str]) -> list[bool]:
    read = [mark for mark in told if mark != UNREAD]
    wrong, inverted = share(told, WRONG, INVERTED), share(told, INVERTED)
    return [
        sum(share(read, RIGHT)) >= LEAST_RIGHT * len(read),
        sum(wrong) <= MOST_WRONG * len(told),
        sum(inverted) <= MOST_INVERTED * len(told),
    ]


def opposed(reader: Reader) -> int:
    """Pairs of opposite lines that are read with the same sign of the feature; told, with n."""
    nouns = {name: found[0].text for name, found in phrases()["np"].items() if name != NOTHING}
    alike = both_read = asked = 0
    for feature, phrase in nouns.items():
        for pole, other in _POLES:
            signs = [_sign(reader(frame.format(x=phrase)), feature) for frame in (pole, other)]
            asked += 1
            both_read += all(signs)
            alike += bool(signs[0] and signs[0] == signs[1])
    _page.print(f"opposite lines: {asked} pairs, {both_read} with both read, {alike} read alike")
    return alike


def _sign(wishes: Wishes, feature: str) -> int:
    return next((sign for name, sign in wishes if name == feature), 0)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
