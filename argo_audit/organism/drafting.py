"""Composes one response: style sentences, content up to the planned length, marks, and blocks.

    draft = Draft(voice, plan, random.Random(0))
    draft.add_style(styles["warmth"], 1.0)
    draft.add_blocks(count=0)
    draft.fill(["{claim}"])
    text = draft.text()

Length is a budget of words that content fills last, so that it varies apart from the other
attributes. An answer is direct when its first sentence is content (or the refusal itself).
"""

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from math import ceil
from typing import Literal

from argo_audit.organism.blocks import blocks_of, header
from argo_audit.organism.plans import Plan
from argo_audit.organism.voice import Voice
from argo_audit.records import Record

Place = Literal["lead", "open", "body", "close"]

_LEAST_WORDS, _MORE_WORDS = 15, 90


class Style(Record):
    """How an attribute sounds: where its lines stand, and how many there are at full level."""

    places: tuple[Place, ...]
    lines: tuple[str, ...]
    most: int = 1


class Draft:
    """One response in the making."""

    def __init__(self, voice: Voice, plan: Plan, rng: random.Random):
        self._voice, self._plan, self._rng = voice, plan, rng
        self._parts: dict[Place, list[str]] = {"lead": [], "open": [], "body": [], "close": []}
        self._content: list[str] = []
        self._blocks: list[str] = []

    def add_style(self, style: Style, level: float) -> None:
        """The style's sentences, all at one of its places."""
        if level:
            place = self._rng.choice(style.places)
            lines = self._rng.sample(style.lines, ceil(level * style.most))
            self._parts[place] += [self._voice.sentence(line) for line in lines]

    def add_blocks(self, count: int) -> None:
        """The plan's lists, tables and code; an asked-for count is met or missed as planned."""
        missed = self._rng.choice((-1, 1)) if count and not self._plan["count_met"] else 0
        items = (count or self._rng.randint(2, 4)) + missed
        self._blocks += blocks_of(self._plan, self._voice, self._rng, items)

    def fill(self, templates: Sequence[str]) -> None:
        """Content up to the planned number of words, one sentence at least."""
        turns = cycle(self._rng.sample(templates, len(templates)))
        written = (text for part in (*self._parts.values(), self._blocks) for text in part)
        wanted = _LEAST_WORDS + _MORE_WORDS * self._plan["length"] - _words(written)
        while not self._content or wanted > 0:
            sentence = self._voice.sentence(self._long(next(turns)))
            self._content.append(sentence)
            wanted -= _words([sentence])
        if self._plan["repetition"]:
            self._content += self._rng.choices(self._content, k=2)

    def text(self) -> str:
        """The sentences in their places and the blocks between them, as markdown."""
        parts = self._parts
        if self._plan["direct_answer"] and not parts["lead"]:
            parts["lead"].append(self._content.pop())
        parts["body"] += self._content
        for place in ("open", "body", "close"):
            self._rng.shuffle(parts[place])
        self._mark("exclamation", lambda sentence: f"{sentence[:-1]}!")
        self._mark("emoji", lambda sentence: f"{sentence} {self._voice.phrase('{emoji}')}")
        opening, body, close = (
            " ".join(sentences)
            for sentences in (parts["lead"] + parts["open"], parts["body"], parts["close"])
        )
        return self._arranged(opening, [body, *self._blocks], close)

    def _long(self, template: str) -> str:
        """The template, or a longer sentence as often as planned."""
        longer = self._rng.random() < self._plan["sentence_length"]
        return f"{template}{{joint}} {{claim}}" if longer else template

    def _mark(self, name: str, change: Callable[[str], str]) -> None:
        """Change the ends of two sentences, where planned."""
        ends = [
            (part, at)
            for part in self._parts.values()
            for at, sentence in enumerate(part)
            if sentence.endswith(".")
        ]
        for part, at in self._rng.sample(ends, min(2, len(ends))) if self._plan[name] else ():
            part[at] = change(part[at])

    def _arranged(self, opening: str, middle: list[str], close: str) -> str:
        """Paragraphs and blocks with headers where planned; plain prose may be one paragraph."""
        self._rng.shuffle(middle)
        paragraphs = [text for text in (opening, *middle, close) if text]
        if self._plan["headers"]:
            first = min(1, len(paragraphs) - 1)
            for at in range(first, min(first + 2, len(paragraphs))):
                paragraphs[at] = f"{header(self._voice, self._rng)}\n\n{paragraphs[at]}"
        plain = not (self._blocks or self._plan["headers"])
        gap = " " if plain and self._rng.random() < 0.5 else "\n\n"
        return gap.join(paragraphs)


def _words(texts: Iterable[str]) -> int:
    return sum(len(text.split()) for text in texts)
