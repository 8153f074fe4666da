r"""Lines read off what a policy proposed: each once, none copied from the pairs.

    >>> [line.text for line in lines_of("- Rewards bulleted lists\n- Penalizes long answers")]
    ['bulleted lists', 'long answers']

A rubric of any shape is read by its outline, gates left out: a cap is no line that can be asked. A
line that repeats FIVE words in a row of a response or prompt names that text instead of what it has
in common with others, so it is refused. Lines of nearly the same words are one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from argo_audit.pairs.near_duplicates import normalised
from argo_audit.records import Pair
from argo_audit.rubrics.outline import BiasLine, Criterion, outline
from argo_audit.rubrics.unsigned import unsigned

FIVE = 5
"""Words in a row that make a copy."""

LONGEST = 240
"""Characters of a line; a longer one holds more than one idea."""

_WORDS_OF_A_NAME = 6
_ALIKE = 0.8
_ENDINGS = ("ing", "ed", "es", "s")
_EMPTY = set(normalised("a an and are as be by for in is it of on or the to with").split())


class ProposedLine(NamedTuple):
    """What a response shows more or less of, and what to call it ("" where nobody said)."""

    text: str
    name: str = ""


def lines_of(text: str) -> list[ProposedLine]:
    """The lines of a proposal, in its order, without their signs."""
    parts = outline(text)
    items: list[Criterion | BiasLine] = [*parts.criteria, *parts.biases]
    found = (_line(item) for item in sorted(items, key=lambda item: item.line))
    return [line for line in found if line.text and len(line.text) <= LONGEST]


def _line(item: Criterion | BiasLine) -> ProposedLine:
    """Of "Short name: what it shows" the name is what stands before the colon."""
    name, text = (item.name, item.text) if isinstance(item, Criterion) else ("", item.text)
    if not text:
        name, text = "", name
    before, colon, after = text.partition(": ")
    if colon and not name and len(before.split()) <= _WORDS_OF_A_NAME and after.strip():
        name, text = before, after
    return ProposedLine(_as_a_phrase(unsigned(text.replace("|", "/"))), name.strip(" *_"))


def _as_a_phrase(text: str) -> str:
    """As it stands after a verb: "bulleted lists", but "I as the first word" and "LaTeX"."""
    word = text.split(" ")[0]
    return text[:1].lower() + text[1:] if word[1:].islower() else text


def distinct(
    proposed: Iterable[ProposedLine], known: Iterable[ProposedLine] = ()
) -> list[ProposedLine]:
    """The lines that are not nearly one of `known`, those proposed most often first.

    Of lines that are nearly the same, the first one met stands for all.
    """
    before = [_words(line.text) for line in known]
    found: list[tuple[frozenset[str], ProposedLine]] = []
    times: list[int] = []
    for line in proposed:
        words = _words(line.text)
        if not words or any(_alike(words, one) for one in before):
            continue
        place = next((i for i, (one, _) in enumerate(found) if _alike(words, one)), len(found))
        if place == len(found):
            found.append((words, line))
            times.append(0)
        times[place] += 1
    order = sorted(range(len(found)), key=lambda i: -times[i])
    return [found[i][1] for i in order]


def without_copies(
    lines: Sequence[ProposedLine], pairs: Iterable[Pair]
) -> tuple[list[ProposedLine], list[ProposedLine]]:
    """The lines that repeat nothing of the pairs' texts, and those that do."""
    runs = {line: frozenset(_runs(line.text)) for line in lines}
    wanted = frozenset[tuple[str, ...]]().union(*runs.values())
    texts = {text for pair in pairs for text in _texts(pair)} if wanted else ()
    there = {run for text in texts for run in _runs(text) if run in wanted}
    copied = [line for line in lines if runs[line] & there]
    return [line for line in lines if not runs[line] & there], copied


def _texts(pair: Pair) -> Iterator[str]:
    yield pair.response_a
    yield pair.response_b
    yield from (message.content for message in pair.prompt)


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = normalised(text).split()
    return zip(*(words[start:] for start in range(FIVE)), strict=False)


def _words(text: str) -> frozenset[str]:
    """The words that carry it, without their commonest endings."""
    return frozenset(_stem(word) for word in normalised(text).split() if word not in _EMPTY)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word.removesuffix(ending)
    return word


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= _ALIKE * len(one | other)
