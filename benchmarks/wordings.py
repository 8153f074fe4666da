"""The reviewed wordings of tests/data, and how a reader of lines is marked on them.

wordings.tsv was written before there was a reader by meaning; that the head has three questions,
and what a margin does, was seen on it. wordings_again.tsv was written before any heads that could
have been shipped were taught. The first to read it had .82 of 22 lines right, and were then taught
on more frames and phrases, none of them from it; margins of .8 and .9 were tried on it after that.

wordings_third.tsv and wordings_fourth.tsv have other grammars: what denies, verdicts at the end,
gerunds, both poles. The phrase reader inverted 5 of the 19 lines of the third that it read; verbs
and verdicts of it were then added to the reader. Of the fourth, written after that, it read 8 of
24, 6 right, 2 wrong and none inverted (12 and 3 inverted before). Then two rules were made from it
(what is not penalised says nothing; no meaning is read past an unknown gerund, which was 2 of 13
inverted) and one verdict ("fare badly"): neither file is unseen any more.

A line has what it `wants` ("length- code+", or "none" where it is about nothing that is measured)
and what it `may` be read as besides. It is *right* when all that it wants was read, and nothing
else but what it may be; *unread* when nothing was read; *inverted* when a feature that it wants was
read with the other sign; else *wrong*, as inverted lines are too.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

_DATA = Path(__file__).parents[1] / "tests" / "data"
FILE, AGAIN = _DATA / "wordings.tsv", _DATA / "wordings_again.tsv"
THIRD, FOURTH = _DATA / "wordings_third.tsv", _DATA / "wordings_fourth.tsv"
RIGHT, UNREAD, INVERTED, WRONG = "right", "unread", "inverted", "wrong"
_SIGNS = {"+": 1, "-": -1}

Wishes = frozenset[tuple[str, int]]
Reader = Callable[[str], Wishes]


class Wording(NamedTuple):
    """One line, what it wants and what it may be read as besides."""

    wants: Wishes
    may: Wishes
    line: str


def wordings(path: Path = FILE) -> list[Wording]:
    """All lines of the file, in order."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Wording(_wishes(row["wants"]), _wishes(row["may"]), row["line"]) for row in rows]


def mark(wording: Wording, read: Wishes) -> str:
    """What became of a line that was read so."""
    if not read:
        return UNREAD
    if any((feature, -sign) in read for feature, sign in wording.wants):
        return INVERTED
    fits = wording.wants and wording.wants <= read <= wording.wants | wording.may
    return RIGHT if fits else WRONG


def marks(reader: Reader, lines: Sequence[Wording]) -> list[str]:
    """The mark of each line."""
    return [mark(line, reader(line.line)) for line in lines]


def share(marked: Iterable[str], *kinds: str) -> list[float]:
    """1 for each mark that is of one of `kinds`, else 0."""
    return [float(kind in kinds) for kind in marked]


def _wishes(written: str) -> Wishes:
    return frozenset((word[:-1], _SIGNS[word[-1]]) for word in written.split() if word != "none")
