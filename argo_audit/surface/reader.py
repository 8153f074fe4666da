"""Read a rubric's natural language as wishes about surface features.

    >>> [(c.feature, c.direction) for c in read_rubric("- Avoid hedging; be concise.").criteria]
    [('hedging', -1), ('length', -1)]

A rubric is outlined (rubrics.py), each line is cut into clauses, and each clause is read left to
right against lexicon.toml. A phrase names a feature and what it says of it; its direction
is the product of that and of the words around it: the verb that governs it (or, without one, the
section's direction), and the negations in whose reach it stands. Words that are faults in
themselves ("rambling", "excessive") count as unwanted until a verb or section says otherwise. The
grammar is small and total: what it does not know is listed in `Reading.unread`, not guessed.

With a `LineMeaning` (the judge argo/meaning, `argo-audit read --by-meaning`) lines are read by that
instead, and by the grammar where it knows all words but one and the meaning does not speak against
it; gates are read by the grammar alone.

Weights: written weights are scaled to a mean of 1, the weight of a line without one. A line's
weight is shared equally by the features it speaks of, and doubled or halved by its emphasis.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import NamedTuple

from argo_audit.rubrics.outline import BiasLine, Criterion, Outline, RubricGate, lines_of, outline
from argo_audit.surface.clauses import (
    Mention,
    has_unknown_gerund,
    heading_direction,
    read_clauses,
    unknown_words,
)
from argo_audit.surface.meaning import LineMeaning

DEFAULT_CAP = 3.0
TOP_SCORE = 10.0
_MAX_LINE = 1_500  # characters of a line that are read
_MAX_WEIGHT = 1e6  # a rubric may write any number, also one that overflows
_LINES_REMEMBERED = 8_192
# What the chance of each of the grammar's wishes has to be where it is believed over an unsure
# meaning, by how many of the line's words it does not know; of more words it is not believed.
_AGREES = (0.5, 0.7)
_OVERALL_CAP = re.compile(
    r"\b(?:overall|final|total)\b[^.;]{0,20}?(?:<=|≤|<|at|to)\s*(\d+(?:\.\d+)?)", re.I
)
_WORD_LIMIT = re.compile(
    r"(?:<=|≤|=<)\s*\d+\s*-?(?:words?|sentences?|lines?|paragraphs?|tokens?|char)", re.I
)
_NO_GATE = re.compile(r"\bno (?:overall )?(?:gate|cap)\b", re.I)
_Item = Criterion | BiasLine | RubricGate
_DIRECTIONS = {"rewards": 1, "penalises": -1, None: 0}


@dataclass(frozen=True, slots=True)
class ReadCriterion:
    """A wish: more (+1) or less (-1) of a feature; `quote` is the rubric's line it was read in."""

    feature: str
    direction: int
    weight: float
    quote: str
    line: int


@dataclass(frozen=True, slots=True)
class ReadGate:
    """A cap in [0, 10] on the score of responses in which `feature` is (not) present."""

    feature: str
    present: bool
    cap: float
    quote: str
    line: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What the surface judge understood of a rubric, and the lines it could not read."""

    criteria: tuple[ReadCriterion, ...] = ()
    gates: tuple[ReadGate, ...] = ()
    unread: tuple[str, ...] = ()


class _Line(NamedTuple):
    """One line of a rubric that is not a gate."""

    name: str
    text: str
    direction: int
    weight: float | None
    line: int

    @property
    def quote(self) -> str:
        return " - ".join(part for part in (self.name, self.text) if part)


class _Wish(NamedTuple):
    """What a whole line says of one feature."""

    feature: str
    direction: int
    share: float
    emphasis: float
    explicit: bool


@lru_cache(maxsize=1_024)
def read_rubric(text: str, meaning: LineMeaning | None = None) -> Reading:
    """The reading of any text; total, and bounded in time by reading long lines in part.

    Each of the rubric's lines is read once and remembered, since a search repeats lines. Lines are
    read by the grammar, and by their `meaning` where one is given.
    """
    parts = outline(text)
    gates, lines = _told_apart(parts, text)
    scale = _weight_scale(lines)
    criteria: list[ReadCriterion] = []
    unread: list[str] = []
    for line in lines:
        wishes = _wishes(line.name[:_MAX_LINE], line.text[:_MAX_LINE], line.direction)
        if meaning:
            wishes = _meant(meaning, line, wishes)
        elif _is_beyond(line):
            wishes = ()
        criteria += _criteria(line, wishes, scale)
        if not wishes and line.quote:
            unread.append(line.quote)
    read_gates = [gate for part in gates for gate in _gates(part)]
    quoted = {gate.quote for gate in read_gates}
    unread += [gate.text for gate in gates if gate.text not in quoted]
    return Reading(tuple(criteria), tuple(read_gates), tuple(unread))


def _told_apart(parts: Outline, text: str) -> tuple[list[RubricGate], list[_Line]]:
    """Gates, and all other lines in the rubric's order.

    A limit on words ("<= 60 words") is no cap on a score. A text without lists or tables is read
    by its lines.
    """
    gates = [gate for gate in parts.gates if not _WORD_LIMIT.search(gate.text)]
    limits = [gate for gate in parts.gates if _WORD_LIMIT.search(gate.text)]
    items: list[_Item] = [*parts.criteria, *parts.biases, *limits]
    lines = [_line(item) for item in items]
    if not len(parts):
        lines = [
            _Line("", row.strip(), 0, None, number)
            for number, row in enumerate(lines_of(text), start=1)
            if row.strip()
        ]
    return gates, sorted(lines, key=lambda line: line.line)


def _line(item: _Item) -> _Line:
    if isinstance(item, Criterion):
        direction = heading_direction(item.lead) or heading_direction(item.section)
        weight = None if item.weight is None else min(item.weight, _MAX_WEIGHT)
        return _Line(item.name, item.text, direction, weight, item.line)
    direction = _DIRECTIONS[item.direction] if isinstance(item, BiasLine) else 0
    return _Line("", item.text, direction, None, item.line)


def _weight_scale(lines: Iterable[_Line]) -> float:
    written = [line.weight for line in lines if line.weight]
    return 1 / fmean(written) if written else 1.0


def _criteria(line: _Line, wishes: Sequence[_Wish], scale: float) -> Iterator[ReadCriterion]:
    weight = 1.0 if line.weight is None else line.weight * scale
    shares = sum(wish.share for wish in wishes)
    for wish in wishes:
        part = weight * wish.emphasis * wish.share / shares
        yield ReadCriterion(wish.feature, wish.direction, part, line.quote, line.line)


@lru_cache(maxsize=_LINES_REMEMBERED)
def _is_beyond(line: _Line) -> bool:
    """Whether a word that the grammar does not know may be the one that says which way.

    No verb of the line is known, no section gives it a direction, and some word is unknown; or what
    a verb governs begins with an unknown one ("Rewards shunting lists").
    """
    text = (line.text or line.name)[:_MAX_LINE]
    if has_unknown_gerund(text):
        return True
    mentions = [mention for clause in read_clauses(text) for mention in clause]
    governed = line.direction or heading_direction(text) or any(m.verb for m in mentions)
    return not governed and not line.name and unknown_words(text) > 0


@lru_cache(maxsize=_LINES_REMEMBERED)
def _wishes(name: str, text: str, direction: int) -> tuple[_Wish, ...]:
    """What a line says of each feature; its name counts where the text does not speak for it."""
    said = _merged(read_clauses(text), direction)
    if name and not any(wish.explicit for wish in said):
        known = {wish.feature for wish in said}
        named = _merged(read_clauses(name), direction)
        said += [wish for wish in named if wish.feature not in known]
    return tuple(said)


def _meant(meaning: LineMeaning, line: _Line, said: Sequence[_Wish]) -> tuple[_Wish, ...]:
    """What a line means, else what the grammar `said` of it where both can be trusted in that.

    The section's direction is put before a line that has no verb of its own, as a verb.
    """
    text = (line.text or line.name)[:_MAX_LINE]
    mentions = (mention for clause in read_clauses(text) for mention in clause)
    own = heading_direction(text) or any(mention.verb for mention in mentions)
    verb = "" if own else {1: "Rewards ", -1: "Penalises ", 0: ""}[line.direction]
    asked = verb + (text[:1].lower() + text[1:] if verb else text)
    emphasis = max((wish.emphasis for wish in said), default=1.0)
    meant = meaning.wishes(asked)
    against = {(wish.feature, -wish.direction) for wish in said if wish.explicit}
    if has_unknown_gerund(text) or meant & against:
        return ()  # a verb may deny what follows it, and meanings are poor at that
    if meant:
        return tuple(
            _Wish(*wish, share=1.0, emphasis=emphasis, explicit=True) for wish in sorted(meant)
        )
    unknown = unknown_words(text)
    if unknown >= len(_AGREES) or _is_beyond(line):
        return ()
    least = min((meaning.chance(asked, w.feature, w.direction) for w in said), default=0.0)
    return tuple(said) if least >= _AGREES[unknown] else ()


def _merged(clauses: Sequence[Sequence[Mention]], direction: int) -> list[_Wish]:
    """One wish per feature: mentions under a verb outweigh the rest; then the majority decides."""
    by_feature: dict[str, list[Mention]] = {}
    for mention in (mention for clause in clauses for mention in clause):
        by_feature.setdefault(mention.feature, []).append(mention)
    wishes = []
    for feature, mentions in by_feature.items():
        chosen = [mention for mention in mentions if mention.verb] or mentions
        directions = [mention.direction(direction) for mention in chosen]
        wanted = (sum(directions) > 0) - (sum(directions) < 0) or directions[0]
        share = max(mention.share for mention in chosen)
        emphasis = max(mention.emphasis for mention in chosen)
        wishes.append(_Wish(feature, wanted, share, emphasis, chosen[0].verb != 0))
    return wishes


def _gates(gate: RubricGate) -> list[ReadGate]:
    if gate.cap is None and _NO_GATE.search(gate.text):
        return []
    found = _OVERALL_CAP.search(gate.text)
    cap = float(found[1]) if found else DEFAULT_CAP if gate.cap is None else gate.cap
    if cap > TOP_SCORE:  # written on a scale of 100
        cap /= 10
    return [
        ReadGate(feature, present, min(cap, TOP_SCORE), gate.text, gate.line)
        for feature, present in _conditions(gate.text[:_MAX_LINE])
    ]


@lru_cache(maxsize=_LINES_REMEMBERED)
def _conditions(text: str) -> tuple[tuple[str, bool], ...]:
    """What triggers a gate. Its name (before the first " - ") only counts where it is a fault."""
    name, dash, rule = text.partition(" - ")
    mentions = [m for clause in read_clauses(rule if dash else text, gate=True) for m in clause]
    if not mentions and dash:
        mentions = [m for clause in read_clauses(name, gate=True) for m in clause if m.fault]
    first_wins = {mention.feature: mention.sign > 0 for mention in reversed(mentions)}
    return tuple(first_wins.items())
