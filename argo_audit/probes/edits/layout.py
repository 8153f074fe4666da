r"""Attributes of layout: lists, headings, bold, emoji, exclamation marks.

    >>> from random import Random
    >>> bullets().add("Mix it. Wait an hour. Bake it.", Random(0))
    '- Mix it.\n- Wait an hour.\n- Bake it.'

The words stay as they are wherever that is possible: a list made of sentences reads as those
sentences again when it is taken back.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from random import Random

from argo_audit.probes.edits.catalogue import description
from argo_audit.probes.edits.edit import NOT_THERE, THERE, Attribute, NoEdit
from argo_audit.probes.edits.passages import (
    HEADING,
    MARKER,
    Span,
    lines,
    paragraphs,
    replaced,
    sentences,
    without,
)

_LEAST_ITEMS = 3
_MARKED = 2  # sentences that get an emoji or an exclamation mark
_BOLD_WORDS = 3
_LEAST_LETTERS = 4
_NUMBER = re.compile(r"[ \t]*\d")
_LETTERS = re.compile(rf"(?<![\w*`])[^\W\d_]{{{_LEAST_LETTERS},}}(?![\w*`])")
_BOLD_BEGINS = re.compile(r"(?=(\*\*|__)\S)")
_BOLD_ENDS = {mark: re.compile(rf"(?<=\S)(?={re.escape(mark)})") for mark in ("**", "__")}
_LONGEST_BOLD = 2001  # characters
_EMOJI = re.compile("[ \t]?[\U0001f300-\U0001faff\u2600-\u27bf\u2b50][\ufe0f\u200d]?")
_WORD_CHARACTER = re.compile(r"\w")
_ENDS = frozenset(".!?:;,")


def bullets() -> Attribute:
    """A paragraph as a list with bullets, a list as a paragraph."""
    return _list("bullets", numbered=False)


def numbered_steps() -> Attribute:
    """A paragraph as a numbered list, a list as a paragraph."""
    return _list("numbered_steps", numbered=True)


def headers() -> Attribute:
    """A heading above the first, the middle and the last paragraph; any heading taken away."""
    it = description("headers")

    def add(text: str, rng: Random) -> str | NoEdit:
        if _headings(text):
            return THERE
        top = len(text) - len(text.lstrip())
        starts = [at.start for at, _ in _outside_code(text) if _begins_paragraph(text, at, top)]
        if not starts:
            return NoEdit("it holds no paragraph")
        places = sorted({starts[0], starts[len(starts) // 2], starts[-1]})
        titles = zip(places, it.lines, strict=False)
        return replaced(text, [(Span(at, at), f"{title}\n\n") for at, title in titles])

    def remove(text: str, rng: Random) -> str | NoEdit:
        found = _headings(text)
        left = without(text, found)
        return (left if left.strip() else NoEdit("nothing would be left")) if found else NOT_THERE

    return Attribute("headers", it.means, add, remove)


def bold() -> Attribute:
    """A word of some sentences in bold; bold words as plain ones."""

    def add(text: str, rng: Random) -> str | NoEdit:
        if _in_bold(text):
            return THERE
        spans = sentences(text)
        chosen = sorted(rng.sample(spans, min(_BOLD_WORDS, len(spans))))
        found = [word for span in chosen if (word := _longest_word(text, span))]
        if not found:
            return NoEdit("it holds no word to stress")
        return replaced(text, [(word, f"**{text[word.start : word.end]}**") for word in found])

    def remove(text: str, rng: Random) -> str | NoEdit:
        found = _in_bold(text)
        plain = [(span, text[span.start + 2 : span.end - 2]) for span in found]
        return replaced(text, plain) if found else NOT_THERE

    return Attribute("bold", description("bold").means, add, remove)


def emoji() -> Attribute:
    """An emoji behind two sentences; all emoji taken away."""
    it = description("emoji")

    def add(text: str, rng: Random) -> str | NoEdit:
        if _in_prose(_EMOJI, text):
            return THERE
        ends = [span.end for span in sentences(text)]
        if not ends:
            return NoEdit("it holds no sentence")
        chosen = rng.sample(ends, min(_MARKED, len(ends)))
        return replaced(text, [(Span(at, at), f" {rng.choice(it.lines)}") for at in chosen])

    def remove(text: str, rng: Random) -> str | NoEdit:
        found = _in_prose(_EMOJI, text)
        left = replaced(text, [(Span(*one.span()), "") for one in found])
        return (left if left.strip() else NoEdit("nothing would be left")) if found else NOT_THERE

    return Attribute("emoji", it.means, add, remove)


def exclamation() -> Attribute:
    """Two full stops as exclamation marks; all exclamation marks as full stops."""

    def add(text: str, rng: Random) -> str | NoEdit:
        if _ending(text, "!"):
            return THERE
        stops = _ending(text, ".")
        if not stops:
            return NoEdit("no sentence ends in a full stop")
        chosen = rng.sample(stops, min(_MARKED, len(stops)))
        return replaced(text, [(stop, "!") for stop in chosen])

    def remove(text: str, rng: Random) -> str | NoEdit:
        marks = _ending(text, "!")
        return replaced(text, [(mark, ".") for mark in marks]) if marks else NOT_THERE

    return Attribute("exclamation", description("exclamation").means, add, remove)


def _list(name: str, *, numbered: bool) -> Attribute:
    def add(text: str, rng: Random) -> str | NoEdit:
        if _items(text, numbered):
            return THERE
        longest = max(paragraphs(text), key=len, default=[])
        if len(longest) < _LEAST_ITEMS:
            return NoEdit(f"no paragraph has {_LEAST_ITEMS} sentences")
        texts = [text[span.start : span.end] for span in longest]
        marks = [f"{n}." if numbered else "-" for n in range(1, len(texts) + 1)]
        items = "\n".join(f"{mark} {item}" for mark, item in zip(marks, texts, strict=True))
        return replaced(text, [(Span(longest[0].start, longest[-1].end), items)])

    def remove(text: str, rng: Random) -> str | NoEdit:
        runs = _items(text, numbered)
        if not runs:
            return NOT_THERE
        return replaced(text, [_as_prose(text, run) for run in runs])

    return Attribute(name, description(name).means, add, remove)


def _items(text: str, numbered: bool) -> list[list[Span]]:
    """Lines of lists of that kind, those that follow one another together."""
    runs: list[list[Span]] = []
    for line, prose in lines(text):
        is_item = prose and MARKER.match(text, line.start, line.end)
        if not is_item or bool(_NUMBER.match(text, line.start, line.end)) != numbered:
            continue
        if runs and runs[-1][-1].end + 1 == line.start:
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _as_prose(text: str, run: list[Span]) -> tuple[Span, str]:
    """Where the list stands, and its items as sentences."""
    end = run[0].start + len(text[run[0].start : run[-1].end].rstrip())
    items = [MARKER.sub("", text[line.start : line.end], count=1).strip() for line in run]
    prose = " ".join(item if _is_ended(item) else f"{item}." for item in items)
    return Span(run[0].start, end), prose


def _is_ended(item: str) -> bool:
    """Whether a mark that ends a sentence stands behind its last word."""
    last = max((found.end() for found in _WORD_CHARACTER.finditer(item)), default=0)
    return not _ENDS.isdisjoint(item[last:])


def _headings(text: str) -> list[Span]:
    return [
        span
        for span, prose in _outside_code(text)
        if not prose and HEADING.fullmatch(text, span.start, span.end)
    ]


def _outside_code(text: str) -> list[tuple[Span, bool]]:
    inside, found = False, []
    for span, prose in lines(text):
        fence = text[span.start : span.end].lstrip(" \t").startswith(("```", "~~~"))
        if not fence and not inside:
            found.append((span, prose))
        inside ^= fence
    return found


def _begins_paragraph(text: str, span: Span, top: int) -> bool:
    """Whether prose begins here that is no item of a list and follows a gap, or nothing (`top`)."""
    line = text[span.start : span.end]
    gap = span.start <= top or text.endswith("\n\n", 0, span.start)
    return gap and bool(sentences(line)) and not MARKER.match(line)


def _in_bold(text: str) -> list[Span]:
    """What is bold, marks and all: each ends at the next mark of its kind behind a letter."""
    return [bold for line, _ in _outside_code(text) for bold in _bold_in(text, line)]


def _bold_in(text: str, line: Span) -> Iterator[Span]:
    """In one line, each of its marks looked at once: no search for an end that is not there."""
    closers = {
        mark: [found.start() for found in ends.finditer(text, *line)]
        for mark, ends in _BOLD_ENDS.items()
    }
    at = line.start
    for begins in _BOLD_BEGINS.finditer(text, *line):
        start, ends = begins.start(), closers[begins[1]]
        place = bisect_left(ends, start + 3)
        if start < at or place == len(ends) or ends[place] - start - 2 > _LONGEST_BOLD:
            continue
        at = ends[place] + 2
        yield Span(start, at)


def _in_prose(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    return [
        found
        for span, _ in _outside_code(text)
        for found in pattern.finditer(text, span.start, span.end)
    ]


def _longest_word(text: str, sentence: Span) -> Span | None:
    found = [Span(*word.span()) for word in _LETTERS.finditer(text, *sentence)]
    return max(found, key=lambda word: word.end - word.start, default=None)


def _ending(text: str, mark: str) -> list[Span]:
    """The places of that mark at the ends of sentences."""
    ends = [span.end for span in sentences(text)]
    return [
        Span(end - 1, end)
        for end in ends
        if text[end - 1] == mark and text[end - 2 : end - 1] not in (".", "!", "?", "")
    ]
