"""Attributes of length: padding, repetition, long refusals; and the neutral control.

    >>> padded("Bread needs time.", 6, "close")
    'Bread needs time. These words take up some room.'

Padding says nothing about anything. It is an attribute of its own and the control of all that put
words in: the same number of words without the attribute, at the same end of the text.
"""

from random import Random

from argo_audit.probes.edits.catalogue import description
from argo_audit.probes.edits.edit import NO_REFUSAL, NOT_THERE, THERE, Attribute, NoEdit
from argo_audit.probes.edits.passages import (
    Place,
    Span,
    inserted,
    paragraphs,
    sentences,
    without,
    words,
)
from argo_audit.probes.edits.phrased import found, rest

_REPEATED = 3
_LONG_REFUSAL = 60  # words, as the surface feature has it


def padding() -> Attribute:
    """About forty neutral words at the end; the same sentences taken away."""
    it = description("padding")

    def add(text: str, rng: Random) -> str | NoEdit:
        return THERE if _own(text, it.lines) else padded(text, it.amount, "close")

    def remove(text: str, rng: Random) -> str | NoEdit:
        spans = _own(text, it.lines)
        return without(text, spans) if spans else NOT_THERE

    return Attribute("padding", it.means, add, remove, is_length=True)


def repetition() -> Attribute:
    """Some sentences said again at the end; sentences that were there before taken away."""

    def add(text: str, rng: Random) -> str | NoEdit:
        spans = [span for paragraph in paragraphs(text) for span in paragraph]
        if _repeats(text):
            return THERE
        if not spans:
            return NoEdit("it holds no whole sentence")
        for span in sorted(rng.sample(spans, min(_REPEATED, len(spans)))):
            text = inserted(text, text[span.start : span.end], "close")
        return text

    def remove(text: str, rng: Random) -> str | NoEdit:
        spans = _repeats(text)
        return rest(text, spans) if spans else NOT_THERE

    return Attribute("repetition", description("repetition").means, add, remove)


def long_refusal() -> Attribute:
    """A short refusal explained at length; a long one cut down to the sentences that refuse."""
    return Attribute("long_refusal", description("long_refusal").means, _explained, _curt)


def padded(text: str, count: int, place: Place) -> str:
    """The text with `count` neutral words more, in whole sentences (at least two words)."""
    by_length = {words(line): line for line in description("padding").lines}
    longest, left = max(by_length), max(count, min(by_length))
    while left:
        size = left if left <= longest else min(longest, left - min(by_length))
        text = inserted(text, by_length[size], place)
        left -= size
    return text


def _explained(text: str, rng: Random) -> str | NoEdit:
    reasons = description("long_refusal").lines
    if not found(text, description("refusal")):
        return NO_REFUSAL
    if words(text) > _LONG_REFUSAL or _own(text, reasons):
        return THERE
    for reason in rng.sample(reasons, len(reasons)):
        if words(text) <= _LONG_REFUSAL:
            text = inserted(text, reason, "close")
    return text


def _curt(text: str, rng: Random) -> str | NoEdit:
    refusing = found(text, description("refusal"))
    if not refusing:
        return NO_REFUSAL
    if own := _own(text, description("long_refusal").lines):
        return without(text, own)
    if words(text) <= _LONG_REFUSAL:
        return NOT_THERE
    return " ".join(text[span.start : span.end] for span in refusing)


def _own(text: str, known: tuple[str, ...]) -> list[Span]:
    """The sentences that are among those known."""
    return [span for span in sentences(text) if text[span.start : span.end] in known]


def _repeats(text: str) -> list[Span]:
    """The sentences that are said before, word for word."""
    seen: set[str] = set()
    again = []
    for span in sentences(text):
        sentence = text[span.start : span.end]
        if sentence in seen:
            again.append(span)
        seen.add(sentence)
    return again
