"""A response taken apart once, for all the features that look at it.

    >>> text = Text("Name a colour.", "Sure! Red.")
    >>> len(text.sentences), text.words_before_answer
    (2, 1)

Splitting is by plain rules (a sentence ends at `.`, `!`, `?` or a line break), the same for every
language. Everyday phrases come from phrases.toml and are looked for outside code blocks.
"""

import re
import tomllib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

from argo_audit.surface.phrases import ASKED, BREAK, START, Found, PhraseBook, expanded, words

_WEAK = 0.25
_DELAYS = frozenset({"preamble", "flattery", "warmth", "apology", "disclaimers"})
_DELAY_WITHIN = 3  # a sentence puts the answer off by how it starts
_FENCED = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n(.*?)(?:^[ \t]*\1|\Z)", re.DOTALL | re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]*]{0,3}\s+|\n+")
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


class Sense(NamedTuple):
    """What a phrase stands for, and how much one occurrence counts."""

    feature: str
    weight: float


def _load_phrases() -> PhraseBook[Sense]:
    source = files("argo_audit.surface").joinpath("phrases.toml")
    phrases_of = tomllib.loads(source.read_text(encoding="utf-8"))
    groups = phrases_of.pop("groups")
    return PhraseBook(
        (expanded(phrase, groups), Sense(feature, _WEAK if strength == "weak" else 1.0))
        for feature, strengths in phrases_of.items()
        for strength, phrases in strengths.items()
        for phrase in phrases
    )


_PHRASES = _load_phrases()


@dataclass(frozen=True)
class Text:
    """A response and the last request it answers."""

    request: str
    response: str

    @cached_property
    def code_blocks(self) -> list[str]:
        """The insides of fenced code blocks."""
        return [block[1] for block in _FENCED.findall(self.response)]

    @cached_property
    def prose(self) -> str:
        """The response without code blocks."""
        return _FENCED.sub("\n", self.response) if self.code_blocks else self.response

    @cached_property
    def words(self) -> list[str]:
        """The response's words in lower case; a contraction is one word."""
        return _WORD.findall(self.response.lower())

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences outside code blocks; a line of a list is one."""
        parts = (part.strip() for part in _SENTENCE_END.split(self.prose))
        return [part for part in parts if _WORD.search(part)]

    @cached_property
    def phrases(self) -> dict[str, float]:
        """How often each lexical feature's phrases occur; a weak phrase counts a quarter."""
        counts: defaultdict[str, float] = defaultdict(float)
        for found in self._found:
            counts[found.payload.feature] += found.payload.weight
        return dict(counts)

    @cached_property
    def words_before_answer(self) -> int | None:
        """The words of the opening sentences that put the answer off; None if all of them do.

        They are greetings, praise, apologies, announcements, restated questions and questions.
        """
        starts = sorted(f.start for f in self._found if f.payload.feature in _DELAYS)
        before = 0
        for start, end in _spans(self._tokens):
            asked = end < len(self._tokens) and self._tokens[end] == ASKED
            near = bisect_left(starts, start - 2)
            delayed = near < len(starts) and starts[near] < start + _DELAY_WITHIN
            if not asked and not delayed:
                return before
            before += end - start
        return None

    @cached_property
    def _tokens(self) -> list[str]:
        return words(self.prose)

    @cached_property
    def _found(self) -> list[Found[Sense]]:
        return _PHRASES.find(self._tokens)


def _spans(tokens: list[str]) -> Iterator[tuple[int, int]]:
    """Where sentences start and end (exclusive) in the words of a text."""
    start = 0
    for position, token in enumerate([*tokens, BREAK]):
        if token in (START, BREAK, ASKED):
            if position > start:
                yield start, position
            start = position + 1
