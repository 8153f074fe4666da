"""Speaks about one topic: templates in, phrases and sentences with the topic's own words out.

    >>> soup = Topic(name="soup", things="stock, pot, ladle", deeds="skim the stock, heat the pot")
    >>> Voice(Grammar({}), soup, random.Random(1)).sentence("the {thing} matters in {topic}")
    'The stock matters in soup.'

Every phrase draws its words anew, and the words within one phrase differ from each other.
"""

import random
import re
from functools import cache, cached_property
from itertools import permutations

from argo_audit.organism.grammar import Grammar
from argo_audit.records import Record

_ARTICLE = re.compile(r"\b([Aa])(?= [aeio])")
_FIRST_LETTER = re.compile(r"^\W*[a-z]")


class Topic(Record):
    """What a prompt is about: at least three things and two deeds, separated by commas."""

    name: str
    things: str
    deeds: str

    @cached_property
    def triples(self) -> tuple[tuple[str, ...], ...]:
        """All ways to pick three different things."""
        return tuple(permutations(self.things.split(", "), 3))

    @cached_property
    def couples(self) -> tuple[tuple[str, ...], ...]:
        """All ways to pick two different deeds."""
        return tuple(permutations(self.deeds.split(", "), 2))


class Voice:
    """The grammar bound to one topic and one generator."""

    def __init__(self, grammar: Grammar, topic: Topic, rng: random.Random):
        self._grammar, self._topic, self._rng = grammar, topic, rng

    def phrase(self, template: str) -> str:
        """The template spoken once."""
        thing, other, third = self._rng.choice(self._topic.triples)
        deed, redo = self._rng.choice(self._topic.couples)
        words = {
            "topic": self._topic.name,
            "thing": thing,
            "other": other,
            "third": third,
            "deed": deed,
            "redo": redo,
            "id": _identifier(thing),
            "arg": _identifier(other),
        }
        return _ARTICLE.sub(r"\1n", self._grammar.expand(template, self._rng, words))

    def phrases(self, template: str, count: int) -> list[str]:
        """The template spoken until that many phrases differ."""
        spoken: dict[str, None] = {}
        while len(spoken) < count:
            spoken[self.phrase(template)] = None
        return list(spoken)

    def sentence(self, template: str) -> str:
        """The template spoken once, with a capital and an end."""
        phrase = self.phrase(template)
        ended = phrase.endswith((".", "?", "!")) or "http" in phrase
        return capitalised(phrase) + ("" if ended else ".")


def capitalised(text: str) -> str:
    """The text with its first letter in upper case, unless a figure comes before it."""
    return _FIRST_LETTER.sub(lambda match: match[0].upper(), text)


@cache
def _identifier(words: str) -> str:
    return re.sub(r"\W+", "_", words.lower())
