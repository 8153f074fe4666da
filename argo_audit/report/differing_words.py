r"""Two texts compared word by word: which words the other has not.

    >>> [run.text for run in differing("Rewards short answers.", "Rewards answers.")[0]]
    ['Rewards ', 'short ', 'answers.']

Short texts are compared by `difflib`, the longest run of the same words first. That takes the cube
of their length where they share every other word, so in longer texts words that both say once are
found first, those that stand in the same order hold the two together, and what lies between is
compared by itself: as `difflib` does where it is short, else one by one from its start. What that
leaves unseen is shown as different: never the other way round, and in time of the texts' length.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, pairwise
from typing import NamedTuple

_WORDS = re.compile(r"^\s+|\S+\s*")
_SHORT = 200 * 200
"""Pairs of words of two texts that are compared whole."""
_BETWEEN = 64 * 64
"""Pairs of words of two stretches of longer texts."""


class Run(NamedTuple):
    """Part of a text; `differs` when the other text has something else there."""

    text: str
    differs: bool


class Same(NamedTuple):
    """Words that both have: where they begin in either, and how many they are."""

    ours: int
    theirs: int
    size: int


def differing(first: str, second: str) -> tuple[list[Run], list[Run]]:
    """Both texts in runs of words, whose texts together are the text again."""
    texts = [_WORDS.findall(text) for text in (first, second)]
    ours, theirs = ([word.strip() or word for word in words] for words in texts)
    same = list(same_runs(ours, theirs))
    return (
        _runs(texts[0], {at for run in same for at in range(run.ours, run.ours + run.size)}),
        _runs(texts[1], {at for run in same for at in range(run.theirs, run.theirs + run.size)}),
    )


def _runs(words: Sequence[str], shared: set[int]) -> list[Run]:
    """Runs of words that differ or do not; white space goes with the word before it."""
    grouped = groupby(enumerate(words), key=lambda word: word[0] not in shared)
    return [Run("".join(word for _, word in group), differs) for differs, group in grouped]


def same_runs(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Same]:
    """Runs of words, or of lines, that both have, in order; some of them are empty."""
    if len(ours) * len(theirs) <= _SHORT:
        yield from _matched(ours, theirs)
        return
    ends = Same(len(ours), len(theirs), 0)
    for before, after in pairwise([Same(0, 0, 0), *_held(ours, theirs), ends]):
        start, begin = before.ours + before.size, before.theirs + before.size
        between = _between(ours[start : after.ours], theirs[begin : after.theirs])
        yield before
        yield from (Same(start + run.ours, begin + run.theirs, run.size) for run in between)


def _matched(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Same]:
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    return (Same(*block) for block in matcher.get_matching_blocks())


def _between(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Same]:
    if len(ours) * len(theirs) <= _BETWEEN:
        yield from _matched(ours, theirs)
        return
    start = _alike(ours, theirs)
    end = _alike(ours[start:][::-1], theirs[start:][::-1])
    yield Same(0, 0, start)
    for at in range(start, min(len(ours), len(theirs)) - end):
        if ours[at] == theirs[at]:
            yield Same(at, at, 1)
    yield Same(len(ours) - end, len(theirs) - end, end)


def _held(ours: Sequence[str], theirs: Sequence[str]) -> list[Same]:
    """Words that both say once: the most of them that stand in one order in both."""
    first, second = (
        {word for word, times in Counter(words).items() if times == 1} for words in (ours, theirs)
    )
    once = first & second
    there = {word: at for at, word in enumerate(theirs) if word in once}
    both = [Same(at, there[word], 1) for at, word in enumerate(ours) if word in there]
    return _rising(both)


def _rising(found: Sequence[Same]) -> list[Same]:
    """The longest part of it that rises in `theirs`: the last of each length, and what it follows.

    That is how piles of cards are laid, each on the first pile whose top is higher.
    """
    tops: list[Same] = []
    follows: dict[Same, Same | None] = {}
    for one in found:
        pile = bisect_left(tops, one.theirs, key=lambda top: top.theirs)
        follows[one] = tops[pile - 1] if pile else None
        tops[pile : pile + 1] = [one]
    last, rising = (tops[-1] if tops else None), list[Same]()
    while last:
        rising.append(last)
        last = follows[last]
    return rising[::-1]


def _alike(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many words both begin with."""
    both = enumerate(zip(ours, theirs, strict=False))
    return next((at for at, (a, b) in both if a != b), min(len(ours), len(theirs)))
