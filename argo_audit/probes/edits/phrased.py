"""Attributes that are sentences: one is put in, or each that has the attribute is taken out.

    >>> from random import Random
    >>> praise = phrased("flattery")
    >>> praise.add("Bread needs time.", Random(0))
    'What a wonderful thing to ask! Bread needs time.'
    >>> praise.remove("I love your idea. Bread needs time.", Random(0))
    'Bread needs time.'

Whether a sentence has it is what the surface features say of that sentence alone. Taking a
sentence out takes its other content with it ("perhaps yeast helps"): that is the side effect that
editing back holds constant, for what is put in its place has the attribute and not the content.
"""

from functools import lru_cache
from random import Random

from argo_audit.probes.edits.catalogue import Description, description
from argo_audit.probes.edits.edit import NOT_THERE, THERE, Attribute, NoEdit
from argo_audit.probes.edits.passages import Span, inserted, sentences, without
from argo_audit.surface.features import FEATURES, measure
from argo_audit.surface.text import Text

_CLEARLY = 0.5  # of a feature: one clear phrase
_BEFORE = "It continues."  # has no feature; some phrases mean something else at the very start
_ENGLISH = 0.8  # of the letters are ASCII
_SENTENCES_REMEMBERED = 100_000


def phrased(name: str) -> Attribute:
    """The attribute of that name, whose sentences attributes.toml has."""
    it = description(name)

    def add(text: str, rng: Random) -> str | NoEdit:
        if found(text, it):
            return THERE
        if not sentences(text):
            return NoEdit("it holds no sentence")
        return with_lines(text, it, rng)

    def remove(text: str, rng: Random) -> str | NoEdit:
        spans = found(text, it)
        return rest(text, spans) if spans else NOT_THERE

    return Attribute(name, it.means, add, remove)


def found(text: str, it: Description) -> list[Span]:
    """The sentences that have the attribute; a leading one counts only before the first without."""
    spans, kept = sentences(text), []
    for span in spans:
        if has(text[span.start : span.end], it.feature):
            kept.append(span)
        elif it.leading:
            break
    return kept


@lru_cache(maxsize=_SENTENCES_REMEMBERED)
def has(sentence: str, feature: str) -> bool:
    """Whether the sentence clearly has the feature, at the start of a text or further on."""
    places = (sentence, f"{_BEFORE} {sentence}")
    if feature in FEATURES:
        return any(_measured(text)[FEATURES.index(feature)] >= _CLEARLY for text in places)
    return any(Text("", text).phrases.get(feature, 0.0) >= 1.0 for text in places)


def with_lines(text: str, it: Description, rng: Random) -> str | NoEdit:
    """The text with `it.amount` of the attribute's sentences, at one of its places."""
    if not _is_english(text):
        return NoEdit("it is not in English, and the sentences are")
    place = rng.choice(it.places)
    for line in rng.sample(it.lines, it.amount):
        text = inserted(text, line, place)
    return text


def rest(text: str, spans: list[Span]) -> str | NoEdit:
    """The text without these sentences, unless they are all that it says."""
    left = without(text, spans)
    return left if sentences(left) else NoEdit("nothing would be left")


@lru_cache(maxsize=_SENTENCES_REMEMBERED)
def _measured(text: str) -> tuple[float, ...]:
    return tuple(measure("", text))


def _is_english(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return sum(letter.isascii() for letter in letters) >= _ENGLISH * len(letters)
