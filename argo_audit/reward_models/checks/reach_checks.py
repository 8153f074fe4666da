"""Checks of what reaches a model: every weight and turn, and both ends of a long text, on any day.

    last_turn("last turn is read", subject), long_ends("long texts are whole", subject)

Rewards alone show most of it, of any kind of model: two conversations that differ only where it
should look must not be paid alike, to the last digit. Where they are paid alike when they are short
too, the model does not look there by its own will, and there is nothing to find.
"""

from collections.abc import Sequence
from itertools import cycle, islice
from typing import NamedTuple, Protocol, runtime_checkable

from argo_audit.errors import RewardModelError
from argo_audit.records import Check, Message
from argo_audit.reward_models.asked import rewards_of
from argo_audit.reward_models.checks.probe_texts import REAL_TURNS
from argo_audit.reward_models.checks.tolerance import EXACT, CheckedModel, skip, unchecked, verdict
from argo_audit.reward_models.encoding import render

_LENGTHS = (250, 1000, 2500)  # words, where no longest length is known
_LONGEST = 6000  # words
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

_RENDERED = 4  # times, for what a template draws
_WHY_WEIGHTS = "weights of the checkpoint that nothing uses: its authors' own class may"


@runtime_checkable
class Whole(Protocol):
    """Ability of a reward model: to say which weights of its checkpoint nothing uses."""

    @property
    def unused(self) -> tuple[str, ...]:
        """Their names."""


@runtime_checkable
class Remote(Protocol):
    """Ability of a reward model: it is asked elsewhere, and counts what it was told was cut."""

    @property
    def truncated(self) -> int:
        """Conversations so far that were too long."""

    @property
    def max_length(self) -> int | None:
        """Tokens, where it is known."""

    def activated(self, conversations: Sequence[Sequence[Message]]) -> list[float]:
        """What only a server gives: its output with an activation."""


class _Texts(NamedTuple):
    """Texts of one length that differ in their end alone, and others in their prompt alone."""

    words: int

    def rewards_apart(self, subject: CheckedModel) -> tuple[float, float]:
        """How far the rewards of different ends lie apart, and those of different prompts."""
        filler = " ".join(islice(cycle(_FILLER.split()), self.words))
        ends = [_talk(_PROMPTS[0], f"{filler} {end}".strip()) for end in _ENDS]
        prompts = [_talk(prompt, f"{filler} {_ENDS[0]}".strip()) for prompt in _PROMPTS]
        found = rewards_of(subject.model, [*ends, *prompts])
        return _apart(found[: len(ends)]), _apart(found[len(ends) :])


def every_weight(name: str, subject: CheckedModel) -> Check:
    model = subject.model
    if not isinstance(model, Whole):
        return unchecked(name, "its weights are not loaded here")
    first = f", first {model.unused[0]}" if model.unused else ""
    return verdict(name, len(model.unused), 0, _WHY_WEIGHTS + first)


def standing(name: str, subject: CheckedModel) -> Check:
    if subject.reader is None:
        return unchecked(name, "the template is applied elsewhere, and may write a date")
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
    model, tolerance = subject.model, EXACT * EXACT * subject.spread
    alone, later = (
        _apart(rewards_of(model, [(*before, Message(role="assistant", content=t)) for t in _LAST]))
        for before in (REAL_TURNS[:1], REAL_TURNS[:3])
    )
    if alone <= tolerance:
        return unchecked(name, "it pays alike for these texts, wherever they stand")
    return Check(
        name=name,
        outcome="pass" if later > tolerance else "fail",
        measured=later,
        tolerance=tolerance,
        detail="must be above: conversations that differ in their last turn alone are paid alike, "
        "as where a padding token that is also the end of a turn moves the place that is read",
    )


def long_ends(name: str, subject: CheckedModel) -> Check:
    model, tolerance = subject.model, EXACT * EXACT * subject.spread
    if subject.reader is not None and not isinstance(model, Remote):
        return skip(name, "its texts are cut here, and counted")
    looks = [apart > tolerance for apart in _Texts(0).rewards_apart(subject)]
    if not any(looks):
        return unchecked(name, "it pays alike for texts that differ, long or short")
    for words in _lengths(model):
        apart = _unnoticed(subject, _Texts(words))
        alike = [d for d, look in zip(apart, looks, strict=True) if look and d <= tolerance]
        if alike:
            why = f"must be above: texts of {words} words that differ at one end alone are paid "
            detail = f"{why}alike, though nobody said that they are too long"
            found = alike[0]
            return Check(
                name=name, outcome="fail", measured=found, tolerance=tolerance, detail=detail
            )
    return Check(name=name, outcome="pass", detail="both ends of long texts change the reward")


def _unnoticed(subject: CheckedModel, texts: _Texts) -> Sequence[float]:
    """Distances of what nobody said was cut: none where it was said."""
    model = subject.model
    before = model.truncated if isinstance(model, Remote) else 0
    try:
        apart = texts.rewards_apart(subject)
    except RewardModelError:  # it says so in its way
        return float("inf"), float("inf")
    told = isinstance(model, Remote) and model.truncated > before
    return (float("inf"), float("inf")) if told else apart


def _lengths(model: object) -> list[int]:
    """Words: well within the longest length, near it, and far beyond."""
    limit = model.max_length if isinstance(model, Remote) else None
    if limit is None:
        return list(_LENGTHS)
    return sorted({min(words, _LONGEST) for words in (limit // 6, 6 * limit // 10, 2 * limit)})


def _apart(rewards: Sequence[float]) -> float:
    return max(rewards) - min(rewards)


def _talk(prompt: str, response: str) -> tuple[Message, ...]:
    return Message(role="user", content=prompt), Message(role="assistant", content=response)
