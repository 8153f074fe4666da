"""The small grammar of rubric lines: which features a clause mentions, and with what sign.

    >>> [(m.feature, m.verb, m.sign) for m in read_clauses("Penalises answers with no examples")[0]]
    [('examples', -1, -1)]

A clause is read left to right, once. Verbs govern what follows them until the next verb; a verdict
("... is penalised") governs what came before. A negation reaches to the next comma or "and", and
over a list that ends in "or". Conditions ("when ...") are left out unless nothing else is said.
The words for all this are in lexicon.toml; here is only how they combine.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from argo_audit.rubrics.directions import direction_words
from argo_audit.surface.phrases import Found, PhraseBook, spell_out

_SIGNS = {"more": 1, "less": -1, "too_much": 1, "too_little": -1}
_FAULTS = ("too_much", "too_little")
_VERBS = {"rewards": 1, "penalises": -1}
_VERDICTS = {"rewarded": 1, "penalised": -1}
_EMPHASIS = {"strong": 2.0, "slight": 0.5}
_NUMBER = (
    r"(?:\d+|a|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|"
    r"fifty|sixty|eighty|a hundred|hundred|one hundred|two hundred|a thousand)"
)
_LIMIT = rf"\s*(?:~\s*)?{_NUMBER}[- ]?(?:words?|sentences?|lines?|paragraphs?|characters?|tokens?)"
_AT_MOST = (
    r"(?:<=?|≤|=<|under|below|at most|within|no more than|up to|max(?:imum)?|"
    r"(?:fewer|less|shorter) than)"
)
_AT_LEAST = (
    r"(?:>=?|≥|=>|over|above|beyond|exceeding|at least|no (?:less|fewer) than|"
    r"(?:more|longer) than|min(?:imum)?)"
)
_REWRITES = (
    (re.compile(r"\((?:e\.g\.|such as|like)[^()\"\u201c]*[\"\u201c][^()]*\)"), " "),
    (re.compile(r"\b(?:e\.g\.|i\.e\.|etc\.)|['\u2019]s\b"), " "),
    (re.compile(_AT_MOST + _LIMIT), " atmostwords "),
    (re.compile(_AT_LEAST + _LIMIT), " atleastwords "),
    (re.compile(r"\bover-(?=\w)"), "overly "),
    (re.compile(r"->|→|=>|\s[-\u2013\u2014]+\s|\u2014|[;!?\n]"), " . "),
    (re.compile(r"[&+]"), " and "),
    (re.compile(r"/"), " or "),
    (re.compile(r"[():\[\]]"), " , "),
)
_TOKEN = re.compile(r"\w+|[.,]")
_SEPARATORS = frozenset({",", "and", "or", "but", "yet"})
_GERUND = re.compile(r"[a-z]{2,}ing")
_ADJACENT = 2  # words between a negation and the verb it turns


class _Meaning(NamedTuple):
    """A kind of cue, or what a phrase says (`more`, `less`, ...) of a feature."""

    kind: str
    feature: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """One feature in one clause.

    `says` is +1 when the words name more of the feature, -1 when less; `negated` when they stand
    in a negation's reach; a `fault` is unwanted as such; `verb` is the direction of the verb that
    governs them, 0 without one. Words for a family of features give each an equal `share`.
    """

    feature: str
    says: int
    negated: bool = False
    fault: bool = False
    verb: int = 0
    share: float = 1.0
    emphasis: float = 1.0

    @property
    def sign(self) -> int:
        """What the words come to before any verb: +1 is more of the feature."""
        return -self.says if self.negated else self.says

    def direction(self, fallback: int) -> int:
        """+1 when more is wanted, -1 when less; `fallback` is the section's direction or 0."""
        governed = self.verb or fallback
        if governed:
            return self.sign * governed
        return -self.says if self.fault else self.sign


def read_clauses(text: str, *, gate: bool = False) -> list[list[Mention]]:
    """The mentions of each clause of `text`, in order.

    In a gate, conditions are what matters and a demand ("must", "requires") is turned: it
    triggers when it is not met.
    """
    return [_read(_events(tokens), gate) for tokens in _clauses(text)]


def unknown_words(text: str) -> int:
    """How many words no phrase of the lexicon accounts for; common words are not counted."""
    unknown = 0
    for tokens in _clauses(text):
        inside = {place for found in _LEXICON.find(tokens) for place in range(*found[:2])}
        outside = (token for place, token in enumerate(tokens) if place not in inside)
        unknown += sum(token.isalpha() and token not in _COMMON for token in outside)
    return unknown


def has_unknown_gerund(text: str) -> bool:
    """Whether a verb governs one that is not known, which may negate the feature behind it."""
    for tokens in _clauses(text):
        found = _LEXICON.find(tokens)
        inside = {place for one in found for place in range(*one[:2])}
        last = max((one.start for one in found if one.payload.kind in _SIGNS), default=-1)
        ends = {one.end for one in found if one.payload.kind in _VERBS} - inside
        after = (tokens[place] for place in ends if place < last)
        if any(_GERUND.fullmatch(token) and token not in _COMMON for token in after):
            return True
    return False


def _clauses(text: str) -> Iterator[list[str]]:
    """The words and separators of each clause that has any."""
    text = text.lower()
    for pattern, written in _REWRITES:
        text = pattern.sub(written, text)
    for clause in spell_out(text).split("."):
        if tokens := _TOKEN.findall(clause):
            yield tokens


def heading_direction(heading: str) -> int:
    """-1 for a heading like "What costs points", +1 for "What it rewards", 0 for most."""
    kinds = {found.payload.kind for found in _LEXICON.find(_TOKEN.findall(spell_out(heading)))}
    costs, earns = kinds & {"penalises", "penalised"}, kinds & {"rewards", "rewarded"}
    return bool(earns) - bool(costs)


def _events(tokens: Sequence[str]) -> list[Found[_Meaning]]:
    """The phrases of a clause and, between them, its separators."""
    found = list(dict.fromkeys(_LEXICON.find(tokens)))  # two spellings of a phrase may be one
    inside = {place for phrase in found for place in range(phrase.start, phrase.end)}
    separators = [
        Found(place, place + 1, _Meaning(token))
        for place, token in enumerate(tokens)
        if token in _SEPARATORS and place not in inside
    ]
    return sorted((*found, *separators), key=lambda event: event.start)


def _read(events: list[Found[_Meaning]], gate: bool) -> list[Mention]:
    clause = _Clause(events, gate=gate, with_asides=gate)
    if not clause.mentions and clause.left_out:
        clause = _Clause(events, gate=gate, with_asides=True)
    return clause.finished()


class _Clause:
    """The state of reading one clause from left to right."""

    def __init__(self, events: list[Found[_Meaning]], *, gate: bool, with_asides: bool):
        self.mentions: list[Mention] = []
        self.left_out = False
        self._events, self._gate, self._with_asides = events, gate, with_asides
        self._places: list[int] = []
        self._verb, self._named_since_verb = 0, False
        self._negated, self._negated_at, self._to_the_end = False, -_ADJACENT, False
        self._excess = self._aside = self._prefixed = self._indifferent = False
        self._emphasis = 1.0
        for place, event in enumerate(events):
            self._take(place, event)

    def finished(self) -> list[Mention]:
        """The mentions, governed also by what follows them, with the clause's emphasis."""
        governed = map(self._governed_from_behind, self.mentions, self._places)
        return [replace(mention, emphasis=self._emphasis) for mention in governed if mention]

    def _take(self, place: int, event: Found[_Meaning]) -> None:
        kind = event.payload.kind
        if kind in _SIGNS:
            self._on_feature(place, event)
        elif kind in _VERBS:
            self._on_verb(_VERBS[kind], event)
        elif kind in _SEPARATORS:
            self._on_separator(place, kind)
        elif kind in _EMPHASIS:
            self._emphasis = max(0.5, min(2.0, self._emphasis * _EMPHASIS[kind]))
        else:
            self._on_cue(kind, event)

    def _on_feature(self, place: int, event: Found[_Meaning]) -> None:
        self._named_since_verb = True
        if self._indifferent:
            return
        if self._aside:
            self.left_out = True
            return
        kind = event.payload.kind
        fault = kind in _FAULTS or self._excess
        negated = self._negated != self._prefixed
        family = _FAMILIES.get(event.payload.feature, [event.payload.feature])
        for feature in family:
            share = 1 / len(family)
            mention = Mention(feature, _SIGNS[kind], negated, fault, self._verb, share)
            self.mentions.append(mention)
            self._places.append(place)
        self._prefixed = False

    def _on_verb(self, direction: int, event: Found[_Meaning]) -> None:
        """A negation right before a verb turns the verb, not what follows it.

        What is not penalised is not wished for either: nothing is said of it.
        """
        turned = self._negated and event.start - self._negated_at <= _ADJACENT
        self._indifferent = turned and direction < 0
        self._verb = -direction if turned else direction
        self._negated = self._to_the_end = self._excess = self._aside = False
        self._named_since_verb = False

    def _on_separator(self, place: int, kind: str) -> None:
        """Ends what does not reach further: "excessive" reaches over "and", "no" does not."""
        self._aside = self._aside and kind == "or"
        if kind == "or" or (kind == "," and self._or_follows(place)):
            return
        self._excess = self._excess and kind == "and"
        self._negated = self._negated and self._to_the_end

    def _on_cue(self, kind: str, event: Found[_Meaning]) -> None:
        if kind == "penalised" and self._negated and event.start - self._negated_at <= _ADJACENT:
            self._indifferent = True
        elif kind == "flips" or (kind == "demands" and self._gate):
            near = event.start - self._negated_at <= _ADJACENT
            self._negated = not (self._negated and near)
            self._negated_at = event.end
            self._to_the_end = self._to_the_end or kind == "demands"
        elif kind == "contrasts":
            self._negated = self._to_the_end = True
        elif kind == "prefixes":
            self._prefixed = True
        elif kind == "excess":
            self._excess = True
        elif kind == "asides":
            # right after a verb the condition is the wish: "dislikes it when the model refuses"
            is_wish = self._verb and not self._named_since_verb
            self._aside = not is_wish and not self._with_asides
        elif kind == "neutral" and self._named_since_verb:
            self._verb = 0

    def _or_follows(self, place: int) -> bool:
        """Whether the list that goes on at `place` ends in "or"."""
        for event in self._events[place + 1 :]:
            kind = event.payload.kind
            if kind not in _SIGNS and kind != ",":
                return kind == "or"
        return False

    def _governed_from_behind(self, mention: Mention, place: int) -> Mention | None:
        """Applies what follows the mention: a verdict, or a state ("is avoided").

        None where it is not penalised: that says nothing.
        """
        if mention.verb == 0:
            verdict = self._verdict_after(place)
            if verdict is None:
                return None
            mention = replace(mention, verb=verdict)
        kinds = [event.payload.kind for event in self._events[place + 1 :]]
        until = next((n for n, kind in enumerate(kinds) if kind in {",", *_SIGNS}), len(kinds))
        if "flipped" in kinds[:until]:
            mention = replace(mention, negated=not mention.negated)
        return mention

    def _verdict_after(self, place: int) -> int | None:
        """The first verdict; after a condition ("if it hedges, penalise") also a final verb."""
        verb = 0
        for before, event in pairwise(self._events[place:]):
            kind = event.payload.kind
            if kind in _VERDICTS:
                denied = before.payload.kind == "flips" and event.start - before.end < _ADJACENT
                verdict = _VERDICTS[kind]
                return verdict if not denied else -1 if verdict > 0 else None
            if kind == "asides" and not self._with_asides:
                break
            if self._with_asides:
                verb = _VERBS.get(kind, 0 if kind in _SIGNS else verb)
        return verb


def _load_lexicon() -> tuple[PhraseBook[_Meaning], dict[str, list[str]], frozenset[str]]:
    source = files("argo_audit.surface").joinpath("lexicon.toml")
    lexicon = tomllib.loads(source.read_text(encoding="utf-8"))

    def entries() -> Iterator[tuple[str, _Meaning]]:
        for kind, phrases in (lexicon["cues"] | direction_words()).items():
            yield from ((phrase, _Meaning(kind)) for phrase in phrases)
        for feature, senses in lexicon["features"].items():
            for kind, phrases in senses.items():
                yield from ((phrase, _Meaning(kind, feature)) for phrase in phrases)

    return PhraseBook(entries()), lexicon["families"], frozenset(lexicon["common"]["words"])


_LEXICON, _FAMILIES, _COMMON = _load_lexicon()
