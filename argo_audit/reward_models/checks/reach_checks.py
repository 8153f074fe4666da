"""Checks of what reaches a model: every weight and turn, and all of a long text, on any day.

    last_turn("last turn is read", subject), long_texts("long texts are whole", subject)

Rewards alone show most of it, of any kind of model: two conversations that differ only where it
should look must not be paid alike, to the last digit. Where they are paid alike when they are short
too, the model does not look there by its own will, and there is nothing to find. Rewards of a
server move by themselves, so all is asked twice, in two orders, and what lies no further apart than
that is alike; where the length of the text could be the reason alone, it is not known.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import NamedTuple, Protocol, runtime_checkable

from argo_audit.errors import RewardModelError
from argo_audit.records import Check, Message
from argo_audit.reward_models.asked import rewards_of
from argo_audit.reward_models.checks.probe_texts import REAL_TURNS
from argo_audit.reward_models.checks.tolerance import (
    EXACT,
    CheckedModel,
    Remote,
    skip,
    unchecked,
    unseen,
    verdict,
)
from argo_audit.reward_models.encoding import render
from argo_audit.roles import Conversation, RewardModel

_LENGTHS = (250, 1000, 2500)  # words, where no longest length is known
_LONGEST = 20_000  # words
_SHORT = 20  # words of a text that is nothing but its end, and of its prompt
_TURNS = 4.0  # how much less a last turn may weigh where others stand before it
_SURELY = 3.0  # times what rewards move by themselves
_FILLER = "Water is boiled, leaves are steeped for a while, and cups are warmed in the meantime."
_PROMPTS = (
    "How is tea made?",
    "Which of my plants need water today, and how much of it?",
    "Write me a poem.",
)
_ENDS = (
    "So the answer is yes, and this is the whole of it.",
    "No.",
    "I am sorry, I cannot help you with any of this today.",
)
_LAST = ("You are welcome.", "No.", "It was a pleasure, and there is more where it came from.")
_DAYS = ("2001", "2024")
_CLOCK = "{{%- macro strftime_now(form) -%}}{}{{%- endmacro -%}}"
"""In the place of the clock that templates are given: it says one thing, whatever is asked."""

_OWN_CLASS = "a class of transformers was loaded, where the checkpoint names one of its authors: "
_TRUSTED = "--reward-model.trust_remote_code, if the checkpoint ships the class and you trust it"
_STILL = "a server whose rewards stand still: float32, or one request at a time"
_RENDERED = 4  # times, for what a template draws
_WHY_WEIGHTS = "weights of the checkpoint that nothing uses: its authors' own class may"


@runtime_checkable
class Whole(Protocol):
    """Ability of a reward model: to say which weights of its checkpoint nothing uses."""

    @property
    def unused(self) -> tuple[str, ...]:
        """Their names."""


@runtime_checkable
class OfAClass(Protocol):
    """Ability of a reward model: to say which class its checkpoint names that was not loaded."""

    @property
    def own_class(self) -> str:
        """Its name; "" where that class was loaded, or one of transformers is named."""


class _Twins(NamedTuple):
    """How far apart texts are paid that differ in one place, and how far rewards move unasked."""

    apart: float
    noise: float

    def differ(self, tolerance: float) -> bool:
        """Whether they are paid differently, and not by noise alone."""
        return self.apart > max(tolerance, self.noise)

    def are_lost(self, tolerance: float, expected: float) -> bool:
        """Whether what could tell them apart did not arrive: alike, and not for being small."""
        return self.apart <= tolerance or (
            self.apart <= self.noise and expected > _SURELY * self.noise
        )


PLACES = ("at their end", "in their prompt", "in their middle")


def _texts(words: int) -> list[list[tuple[Message, ...]]]:
    """Texts of a length, for each of PLACES those that differ there alone."""
    filler = list(islice(cycle(_FILLER.split()), words))
    before, after = (" ".join(half) for half in (filler[: words // 2], filler[words // 2 :]))
    return [
        [_talk(_PROMPTS[0], f"{before} {after} {end}".strip()) for end in _ENDS],
        [_talk(prompt, f"{before} {after} {_ENDS[0]}".strip()) for prompt in _PROMPTS],
        [_talk(_PROMPTS[0], f"{before} {end} {after}".strip()) for end in _ENDS],
    ]


def _twins(model: RewardModel, groups: Sequence[Sequence[Conversation]]) -> list[_Twins]:
    """All in one call, and again from the last to the first: noise depends on neighbours too."""
    asked = [conversation for group in groups for conversation in group]
    once = rewards_of(model, asked)
    again = rewards_of(model, asked[::-1])[::-1]
    noise = max(abs(a - b) for a, b in zip(once, again, strict=True))
    means = iter([(a + b) / 2 for a, b in zip(once, again, strict=True)])
    return [_Twins(_apart([next(means) for _ in group]), noise) for group in groups]


def every_weight(name: str, subject: CheckedModel) -> Check:
    model = subject.model
    if not isinstance(model, Whole):
        return unchecked(name, "its weights are not loaded here")
    if not model.unused and isinstance(model, OfAClass) and model.own_class:
        return unchecked(name, f"{_OWN_CLASS}{model.own_class}", _TRUSTED)
    first = f", first {model.unused[0]}" if model.unused else ""
    return verdict(name, len(model.unused), 0, _WHY_WEIGHTS + first)


def standing(name: str, subject: CheckedModel) -> Check:
    if subject.reader is None:
        return unseen(name, "the template is applied elsewhere, and may write a date", subject)
    tokenizer = subject.reader.tokenizer
    turns = [{"role": m.role, "content": m.content} for m in REAL_TURNS]
    texts = {render(tokenizer, [REAL_TURNS])[0] for _ in range(_RENDERED)}
    templates = [_CLOCK.format(day) + str(tokenizer.chat_template) for day in _DAYS]
    dated = {
        str(tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False))
        for template in templates
    }
    why = "texts of one conversation, beyond the first: the template writes a date or draws, so "
    changes = max(len(texts), len(dated)) - 1
    return verdict(name, changes, 0, f"{why}rewards of one day are not those of the next")


def last_turn(name: str, subject: CheckedModel) -> Check:
    """Of several turns: one that reads its reward at the first turn's end pays for that alone."""
    tolerance = EXACT * EXACT * subject.spread
    befores = (REAL_TURNS[:1], REAL_TURNS[:3])
    groups = [[(*b, Message(role="assistant", content=t)) for t in _LAST] for b in befores]
    alone, later = _twins(subject.model, groups)
    if not alone.differ(tolerance):
        return unchecked(name, "it pays alike for these texts, wherever they stand")
    lost = later.are_lost(tolerance, alone.apart / _TURNS)
    if not lost and not later.differ(tolerance):
        return unchecked(name, _unsure("several turns", "in their last", later), _STILL)
    return Check(
        name=name,
        outcome="fail" if lost else "pass",
        measured=later.apart,
        tolerance=max(tolerance, later.noise),
        detail="must be above: conversations that differ in their last turn alone are paid alike, "
        "as where a padding token that is also the end of a turn moves the place that is read",
    )


def long_texts(name: str, subject: CheckedModel) -> Check:
    model, tolerance = subject.model, EXACT * EXACT * subject.spread
    if subject.reader is not None and not isinstance(model, Remote):
        return skip(name, "its texts are cut here, and counted")
    before = dict(zip(PLACES, _twins(model, _texts(0)), strict=True))
    before = {place: twins for place, twins in before.items() if twins.differ(tolerance)}
    if not before:
        return unchecked(name, "it pays alike for texts that differ, long or short")
    return _at_all_lengths(name, subject, before, tolerance)


def _at_all_lengths(
    name: str, subject: CheckedModel, before: Mapping[str, _Twins], tolerance: float
) -> Check:
    """Each place that is looked at, at each length, held to what the length before made of it."""
    fewer, unsure = _SHORT, ""
    for words in _lengths(subject):
        found = _unnoticed(subject, words)
        for place in [place for place in before if place in found]:
            twins, expected = found[place], before[place].apart * fewer / words
            if twins.are_lost(tolerance, expected):
                return _cut(name, f"of {words} words that differ {place} alone", twins, tolerance)
            unsure = unsure or _unsure_of(twins, tolerance, words, place)
        before, fewer = {p: found.get(p, twins) for p, twins in before.items()}, words
    if unsure:
        return unchecked(name, unsure, _STILL)
    detail = f"all of a long text changes the reward, up to {fewer} words"
    return Check(name=name, outcome="pass", detail=detail)


def _cut(name: str, which: str, twins: _Twins, tolerance: float) -> Check:
    detail = f"must be above: texts {which} are paid alike, though nobody said they are too long"
    most = max(tolerance, twins.noise)
    return Check(name=name, outcome="fail", measured=twins.apart, tolerance=most, detail=detail)


def _unsure_of(twins: _Twins, tolerance: float, words: int, place: str) -> str:
    return "" if twins.differ(tolerance) else _unsure(f"{words} words", place, twins)


def _unsure(which: str, place: str, twins: _Twins) -> str:
    moved = f"its rewards move by {twins.noise:.2g} when the same is asked again"
    return f"{moved}: whether texts of {which} that differ {place} are paid alike cannot be seen"


def _unnoticed(subject: CheckedModel, words: int) -> dict[str, _Twins]:
    """Twins of which nobody said that they were cut: none where it was said."""
    model = subject.model
    before = model.truncated if isinstance(model, Remote) else 0
    try:
        found = _twins(model, _texts(words))
    except RewardModelError:  # it says so in its way
        return {}
    told = isinstance(model, Remote) and model.truncated > before
    return {} if told else dict(zip(PLACES, found, strict=True))


def _lengths(subject: CheckedModel) -> list[int]:
    """Words: within the longest length, near it, far beyond, and as the longest of the pairs."""
    model = subject.model
    limit = model.max_length if isinstance(model, Remote) else None
    made_up = _LENGTHS if limit is None else (limit // 6, 6 * limit // 10, 2 * limit)
    texts = (c for pair in subject.pairs for c in pair.conversations())
    longest = max((sum(len(m.content.split()) for m in c) for c in texts), default=0)
    given = (longest,) if longest > max(*made_up[:1], _SHORT) else ()
    return sorted({min(words, _LONGEST) for words in (*made_up, *given)})


def _apart(rewards: Sequence[float]) -> float:
    return max(rewards) - min(rewards)


def _talk(prompt: str, response: str) -> tuple[Message, ...]:
    return Message(role="user", content=prompt), Message(role="assistant", content=response)
