r"""Two rubrics side by side: aligned lines as a table, with the words that differ marked.

    >>> marked("Rewards short answers.", "Rewards long answers.")
    ('Rewards **short** answers.', 'Rewards **long** answers.')

Which lines belong together is `alignments`' to say; inside two lines that do, words are compared by
`difflib` (the longest run of the same words first), so that a reader sees at once what the other
rubric says otherwise. The page shows what is bold in a quote as a mark.
"""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import NamedTuple

from argo_audit.findings.alignments import Row, ranks, shares
from argo_audit.report.markdown import escape, number, table, together, visible
from argo_audit.report.trained import Trained
from argo_audit.rubrics.alignment import Item

LINES = ("", "First", "Second", "Alike", "Rank", "Weight")

_WORDS = re.compile(r"\S+|\s+")
_WORD = re.compile(r"\w")
_MOST_PAIRS = 9_000_000  # of the blanks alone, in two texts of three thousand words


class Run(NamedTuple):
    """Part of a text; `differs` when the other text has something else there."""

    text: str
    differs: bool


def differing(first: str, second: str) -> tuple[list[Run], list[Run]]:
    """Both texts in runs of words, whose texts together are the text again."""
    ours, theirs = _WORDS.findall(first), _WORDS.findall(second)
    same = _same(ours, theirs)
    return (
        _runs(ours, {i for at, _, size in same for i in range(at, at + size)}),
        _runs(theirs, {i for _, at, size in same for i in range(at, at + size)}),
    )


def _same(ours: Sequence[str], theirs: Sequence[str]) -> Sequence[tuple[int, int, int]]:
    """Runs of words that both have: where in either, and how many.

    In texts that say the same words over and over, where all pairs of a word are too many to look
    at, they are how both begin and how both end.
    """
    said, again = Counter(ours), Counter(theirs)
    if sum(count * again[word] for word, count in said.items()) <= _MOST_PAIRS:
        return SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    start = _alike(ours, theirs)
    end = _alike(ours[start:][::-1], theirs[start:][::-1])
    return [(0, 0, start), (len(ours) - end, len(theirs) - end, end)]


def _alike(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many words both begin with."""
    both = enumerate(zip(ours, theirs, strict=False))
    return next((at for at, (a, b) in both if a != b), min(len(ours), len(theirs)))


def marked(first: str, second: str) -> tuple[str, str]:
    """Both texts on one line as markdown, with the words in bold that the other has not.

    Nothing is bold in texts that share no word: all of it would be.
    """
    both = differing(*(" ".join(visible(text).split()) for text in (first, second)))
    if not any(_WORD.search(run.text) for run in both[0] if not run.differs):
        return escape(first), escape(second)
    return _bold(both[0]), _bold(both[1])


def quoted_rows(rows: Sequence[Row], first: Trained, second: Trained) -> str:
    """Aligned lines as a table, quoted from both rubrics."""
    return table(LINES, (_quoted_row(row, first, second) for row in rows))


def _quoted_row(row: Row, first: Trained, second: Trained) -> list[str]:
    alike = number(row.similarity) if row.similarity is not None else ""
    texts = _line(row.first, first), _line(row.second, second)
    said = marked(*texts) if all(texts) else (None, None)
    cells = _quote(row.first, first, said[0]), _quote(row.second, second, said[1])
    return [together(row.standing), *cells, alike, together(ranks(row)), together(shares(row))]


def _line(item: Item | None, trained: Trained) -> str:
    if item is None or trained.source is None or item.line < 1:
        return ""
    return trained.source.words(trained.text, item.line)


def _quote(item: Item | None, trained: Trained, said: str | None) -> str:
    if item is None or trained.source is None or item.line < 1:
        return ""
    return trained.source.quote(trained.text, item.line, said)


def _runs(words: Sequence[str], shared: set[int]) -> list[Run]:
    """Runs of words that differ or do not; white space goes with the word before it."""
    kinds: list[tuple[str, bool]] = []
    for place, word in enumerate(words):
        inside = kinds[-1][1] if word.isspace() and kinds else place not in shared
        kinds.append((word, inside))
    grouped = groupby(kinds, key=lambda kind: kind[1])
    return [Run("".join(word for word, _ in group), differs) for differs, group in grouped]


def _bold(runs: Sequence[Run]) -> str:
    parts = []
    for run in runs:
        said, space = escape(run.text), " " if run.text.endswith(" ") else ""
        parts.append(f"**{said}**{space}" if run.differs and said else f"{said}{space}")
    return "".join(parts)
