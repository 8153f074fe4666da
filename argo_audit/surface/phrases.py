"""Find many phrases in a text in one pass, whatever their number.

    >>> book = PhraseBook([("i am very|so| sorry", "apology")])
    >>> [found.payload for found in book.find(words("I'm so sorry, but no."))]
    ['apology']

Both halves of the surface judge look for everyday phrases: hundreds in a response, hundreds in a
rubric. An alternation of regular expressions pays for every phrase at every position; an index by
the first two words pays for the few phrases that can start there, so that phrase lists can be
long and stay plain data.

A phrase is words separated by blanks. `a|b` is either word, an empty alternative (`a|`) makes the
word optional, `*` at a word's end stands for any ending, `^` is the start of a sentence, `^^` the
start of the text, `.` the end of any sentence. Contractions are written out on both sides: "can't"
is `can not`, "I've" is `i have`. In a file, `@name` is any word of the group of that name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, product
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

START, BREAK, ASKED = "^^", ".", "?"
_WORDS_REMEMBERED = 50_000
_GROUP = re.compile(r"@(\w+)")
_TOKEN = re.compile(r"[.!?;:\n][.!?;:\s]*|\w+")
_WHOLE = {
    "\u2019": "'",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "let's": "let us",
}
_ENDINGS = {"m": " am", "ve": " have", "ll": " will", "re": " are", "d": " would", "s": " is"}
_ENDING = re.compile(r"'(m|ve|ll|re|d|s)\b")


class Found(NamedTuple, Generic[T]):
    """One phrase in a sequence of words: words[start:end], and what it stands for."""

    start: int
    end: int
    payload: T


class _Slot(NamedTuple):
    """The words that may stand at one place of a phrase, whole or by their beginnings."""

    words: frozenset[str]
    stems: tuple[str, ...]

    def spelled(self) -> list[str]:
        return [*self.words, *(f"{stem}*" for stem in self.stems)]

    def fits(self, word: str) -> bool:
        return word in self.words or (bool(self.stems) and word.startswith(self.stems))


class _Phrase(NamedTuple, Generic[T]):
    """What follows the first two words of a phrase, and what the phrase stands for."""

    rest: tuple[_Slot, ...]
    payload: T


class PhraseBook(Generic[T]):
    """A set of phrases, each with what it stands for; the same phrase may stand for several."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._single: dict[str, list[T]] = {}
        self._longer: dict[str, dict[str, list[_Phrase[T]]]] = {}
        self._stems: set[str] = set()
        for phrase, payload in entries:
            for slots in product(*(_slots(place) for place in phrase.split())):
                self._add([slot for slot in slots if slot is not None], payload)
        self._firsts = self._single.keys() | self._longer.keys()
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._keys_of = lru_cache(maxsize=_WORDS_REMEMBERED)(self._keys)

    def find(self, tokens: Sequence[str]) -> list[Found[T]]:
        """The phrases in `tokens`, left to right: at each place the longest, none overlapping."""
        found: list[Found[T]] = []
        keys = [self._keys_of(token) for token in tokens]
        free = 0
        for position, here in enumerate(keys):
            if position >= free and not self._firsts.isdisjoint(here):
                following = keys[position + 1] if position + 1 < len(keys) else ()
                longest = self._longest(tokens, position, here, following)
                found += longest
                free = longest[0].end if longest else free
        return found

    def _add(self, slots: list[_Slot], payload: T) -> None:
        self._stems.update(stem for slot in slots[:2] for stem in slot.stems)
        if len(slots) == 1:
            for word in slots[0].spelled():
                self._single.setdefault(word, []).append(payload)
            return
        phrase = _Phrase(tuple(slots[2:]), payload)
        for first, second in product(slots[0].spelled(), slots[1].spelled()):
            self._longer.setdefault(first, {}).setdefault(second, []).append(phrase)

    def _keys(self, word: str) -> tuple[str, ...]:
        """The index keys that `word` fits: itself, and its known beginnings, marked by `*`."""
        stems = (word[:length] for length in self._lengths)
        return (word, *(f"{stem}*" for stem in stems if stem in self._stems))

    def _longest(
        self, tokens: Sequence[str], start: int, firsts: Iterable[str], seconds: Sequence[str]
    ) -> list[Found[T]]:
        """The longest phrases that start here; several when one phrase stands for several."""
        found: list[Found[T]] = []
        for first in firsts:
            found += [Found(start, start + 1, payload) for payload in self._single.get(first, ())]
            below = self._longer.get(first, {})
            for rest, payload in chain.from_iterable(below.get(word, ()) for word in seconds):
                end = start + 2 + len(rest)
                if not rest or _fits(rest, tokens[start + 2 : end]):
                    found.append(Found(start, end, payload))
        if len(found) < 2:
            return found
        longest = max(match.end for match in found)
        return [match for match in found if match.end == longest]


def _fits(slots: Sequence[_Slot], tokens: Sequence[str]) -> bool:
    return len(slots) == len(tokens) and all(map(_Slot.fits, slots, tokens))


def expanded(phrase: str, groups: Mapping[str, Sequence[str]]) -> str:
    """The phrase with each `@name` written out as its group's words."""
    return _GROUP.sub(lambda name: "|".join(groups[name[1]]), phrase)


def words(text: str) -> list[str]:
    """The text's words in lower case after the start marks, `.` or `?` at each sentence end."""
    tokens = _TOKEN.findall(spell_out(text))
    return [START, BREAK, *(_ends(token) if token[0] in ".!?;:\n" else token for token in tokens)]


def spell_out(text: str) -> str:
    """Lower case, with contractions written as two words."""
    text = text.lower()
    for short, long in _WHOLE.items():
        text = text.replace(short, long)
    return _ENDING.sub(lambda end: _ENDINGS[end[1]], text.replace("n't", " not"))


def _ends(mark: str) -> str:
    return ASKED if ASKED in mark else BREAK


def _slots(place: str) -> list[_Slot | None]:
    """What may stand at one place of a phrase; None where it may be empty."""
    choices = place.split("|")
    whole = {choice for choice in choices if choice[-1:] != "*"}
    if whole & {"^", BREAK}:
        whole = whole - {"^"} | {BREAK, ASKED}
    stems = tuple(choice[:-1] for choice in choices if choice[-1:] == "*")
    slot = _Slot(frozenset(whole - {""}), stems)
    return [slot, None] if "" in whole else [slot]
