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
    """`text` without these parts, and without the lines and blanks that they leave empty."""
    for span in sorted(spans, reverse=True):
        text = _cut(text, span)
    return text


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


def _cut(text: str, span: Span) -> str:
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end
    before, after = text[start : span.start], text[span.end : end]
    if before.strip() and not MARKER.fullmatch(before):
        return text[: span.start].rstrip(" \t") + text[span.end :]
    if after.strip():
        return text[: span.start] + text[span.end :].lstrip(" \t")
    return _cut_line(text, start, end)


def _cut_line(text: str, start: int, end: int) -> str:
    """Without a whole line, and the gap that set it apart as a paragraph."""
    above, below = text[:start], text[end:]
    if not below.strip():
        return above.rstrip() + below
    alone = not above.strip() or above.endswith("\n\n")
    return above + (below.lstrip("\n") if alone else below[1:])
