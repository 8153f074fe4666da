r"""A response as markdown lines and sentences, taken out and put in without moving the rest.

    >>> text = "Great question! Bread needs time.\n\n- flour\n- water"
    >>> [text[s.start : s.end] for s in sentences(text)]
    ['Great question!', 'Bread needs time.', 'flour', 'water']
    >>> without(text, sentences(text)[:1])
    'Bread needs time.\n\n- flour\n- water'

A counterfactual is worth what it leaves unchanged, so everything here works on places in the text
and keeps every other character: what `inserted` puts in, `without` takes out again. Code blocks,
tables and headings hold no sentences. A sentence ends at `.`, `!`, `?` before a blank and no small
letter, or at the end of its line; the same for every language.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

Place = Literal["open", "body", "close"]
"""Where a sentence is put: at the start, behind a sentence in the middle, at the end."""

MARKER = re.compile(r"[ \t]*(?:[-*+•▪◦\u2013]|\d{1,2}[.)])[ \t]+")
"""What begins an item of a list."""

HEADING = re.compile(r" {0,3}#{1,6}[ \t]+\S[^\n]*")
_FENCE = re.compile(r"[ \t]*(```|~~~)")
_END = re.compile(r"(?<=[.!?])[\"'\u201d\u2019)\]*_]{0,3}(?=[ \t]+(?![a-z]))|$")
_ENDED = re.compile(r"[.!?][\"'\u201d\u2019)\]*_]{0,3}$")
_WORD = re.compile(r"\w")
_BLANKS = re.compile(r"[^\S\n]*")
_TEXTS_REMEMBERED = 256


class Span(NamedTuple):
    """A part of a text: text[start:end]."""

    start: int
    end: int


def words(text: str) -> int:
    """How many words, as blanks divide them."""
    return len(text.split())


def lines(text: str) -> Iterator[tuple[Span, bool]]:
    """Every line without its end, and whether it is prose: no code, table, heading or blank."""
    start, fence = 0, ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        inside = bool(fence)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        prose = not (inside or mark or "|" in line or HEADING.fullmatch(line))
        yield Span(start, start + len(line)), prose and bool(_WORD.search(line))
        start += len(line) + 1


@lru_cache(maxsize=_TEXTS_REMEMBERED)
def sentences(text: str) -> tuple[Span, ...]:
    """The sentences of all prose, in order; an item of a list holds its own."""
    found = [sentence for line, prose in lines(text) if prose for sentence in _split(text, line)]
    return tuple(found)


def paragraphs(text: str) -> list[list[Span]]:
    """The whole sentences of each line of prose that is no item of a list."""
    return [
        [span for span in _split(text, line) if is_whole(text[span.start : span.end])]
        for line, prose in lines(text)
        if prose and not MARKER.match(text, line.start, line.end)
    ]


def is_whole(sentence: str) -> bool:
    """Whether it ends as a sentence does, so that another may follow on its line."""
    return bool(_ENDED.search(sentence))


def inserted(text: str, sentence: str, place: Place) -> str:
    """`text` with one more sentence; one in the body follows a sentence in the middle.

    Beside a list, code, a heading or a line that is no sentence it becomes a paragraph of its own.
    """
    middle = [span.end for paragraph in paragraphs(text) for span in paragraph]
    if place == "body" and middle:
        at = middle[(len(middle) - 1) // 2]
        return f"{text[:at]} {sentence}{text[at:]}"
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if place == "open":
        gap = " " if _begins_prose(text, start) else "\n\n"
        return f"{text[:start]}{sentence}{gap}{text[start:]}"
    gap = " " if any(at == end for at in middle) else "\n\n"
    return f"{text[:end]}{gap}{sentence}{text[end:]}"


def without(text: str, spans: Sequence[Span]) -> str:
    """`text` without these parts, and without the lines and blanks that they leave empty.

    No part overlaps another.
    """
    cutting = _Cutting(text)
    for span in sorted(spans, reverse=True):
        cutting.cut(span)
    return cutting.left


def replaced(text: str, parts: Sequence[tuple[Span, str]]) -> str:
    """`text` with each part replaced by another text."""
    pieces, at = [], 0
    for span, new in sorted(parts):
        pieces += [text[at : span.start], new]
        at = span.end
    return "".join([*pieces, text[at:]])


def _split(text: str, line: Span) -> list[Span]:
    marker = MARKER.match(text, line.start, line.end)
    start = marker.end() if marker else line.start
    ends = [found.end() + start for found in _END.finditer(text[start : line.end])]
    found = []
    for one, end in pairwise([start, *ends]):
        begin = one + len(text[one:end]) - len(text[one:end].lstrip())
        stop = begin + len(text[begin:end].rstrip())
        if _WORD.search(text, begin, stop):
            found.append(Span(begin, stop))
    return found


def _begins_prose(text: str, start: int) -> bool:
    """Whether a sentence can stand before what begins here, on the same line."""
    first = next((line for line, _ in lines(text[start:])), Span(0, 0))
    line = text[start : start + first.end]
    return bool(paragraphs(line)) and not line[0].islower()


class _Cutting:
    """A text that is cut from its end to its start, in time in proportion to its length.

    What stands before the last cut is as it was; what follows is in pieces, the next of them last.
    """

    def __init__(self, text: str) -> None:
        self._text, self._end = text, len(text)
        self._begins = len(text) - len(text.lstrip())
        self._pieces: list[str] = []
        self._nothing_follows = True  # but blanks
        self._line = self._line_at(len(text))

    @property
    def left(self) -> str:
        """The text without what was cut."""
        return self._text[: self._end] + "".join(reversed(self._pieces))

    def cut(self, span: Span) -> None:
        """Take a part out that stands before all that were."""
        if piece := self._text[span.end : self._end]:
            self._pieces.append(piece)
            self._nothing_follows &= piece.isspace()
        if span.start < self._line.start:
            self._line = self._line_at(span.start)
        self._end = span.start
        if self._line.has_text_before(span.start):
            self._shrink(" \t")
        elif self._has_text_behind():
            self._skip(" \t")
        else:
            self._cut_line()

    def _cut_line(self) -> None:
        """Without a whole line, and the gap that set it apart as a paragraph."""
        self._end = start = self._line.start
        while self._pieces and "\n" not in self._pieces[-1]:
            self._pieces.pop()
        if self._pieces:
            self._pieces[-1] = self._pieces[-1][self._pieces[-1].index("\n") :]
        if self._nothing_follows:
            self._shrink()
        elif self._begins >= start or self._text.endswith("\n\n", 0, start):
            self._skip("\n")
        else:
            self._pieces[-1] = self._pieces[-1][1:]

    def _shrink(self, blanks: str | None = None) -> None:
        """Without the blanks before a cut."""
        while self._end and not self._text[self._end - 1].strip(blanks):
            self._end -= 1

    def _skip(self, blanks: str) -> None:
        """Without the blanks behind a cut."""
        while self._pieces and not (rest := self._pieces.pop().lstrip(blanks)):
            pass
        self._pieces.append(rest)

    def _has_text_behind(self) -> bool:
        for piece in reversed(self._pieces):
            end = _ends(_BLANKS, piece, 0)
            if end < len(piece):
                return piece[end] != "\n"
        return False

    def _line_at(self, place: int) -> "_Stretch":
        start = self._text.rfind("\n", 0, place) + 1
        ends = [_ends(pattern, self._text, start) for pattern in (_BLANKS, MARKER)]
        return _Stretch(self._text, start, *ends)


class _Stretch(NamedTuple):
    """A line of a text: where it starts, and where the blanks and a mark at its start end."""

    text: str
    start: int
    begins: int
    marked: int

    def has_text_before(self, place: int) -> bool:
        """Whether anything but the mark of an item stands before that place."""
        if self.begins >= place:
            return False
        return place > self.marked or not MARKER.fullmatch(self.text, self.start, place)


def _ends(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
