"""Which way a line goes, by its own words; the words themselves are in directions.toml.

    >>> told("Discourages bulleted lists")
    Told(text='bulleted lists', direction=-1)
    >>> told("Headings lower the score").direction
    -1
    >>> told("Frobs lists").direction is None
    True

A line begins with what rewards or penalises, or ends in a verdict; or it names what is wished for,
or what a response does. A verb that nobody knows may be either, and is not guessed.
"""

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

_REMEMBERED = 8_192
_SUBJECT = (
    r"(?:(?:the )?(?:reward )?(?:model|judge|rubric|graders?|raters?) |it )?"
    r"(?:(?:may|can|will|is|are|appears? to|seems? to|tends? to|strongly|slightly|heavily|mildly|"
    r"generally|often|usually|consistently|clearly|also|always) )*"
)
_NOT = (
    r"(?:(?:should |must |will |do |does )?never|neither|cannot|"
    r"(?:do|does|should|must|will|would|can|is|are|may) not(?: be)?|"
    r"(?:do|does|should|must|would|is|are)n[\u2019']t|won[\u2019']t|no longer) "
)
_REST = re.compile(r"^(?:\d+ )?(?:points?|marks?|credit)? ?(?:for|when|if|on) ", re.IGNORECASE)
_TREATS = re.compile(r"^(?:treats?|regards?|sees?|counts?|views?|considers?) ", re.IGNORECASE)
_WHOM = r"(?:(?:a|an|the) (?:response|answer|reply) )?"
_GETS = re.compile(r" (?:is|are|be|being|gets?)$", re.IGNORECASE)
_NOT_BEFORE = re.compile(r"\b(?:not|never|n[\u2019']t|nor)\s*$", re.IGNORECASE)
_EITHER = re.compile(
    r"\b(?:the|its|a) (?:score|grade|rating|rank|reward|verdict)\b"
    r"|\b(?:points|marks|credit) (?:off|away|for|to)\b"
    r"|^(?:is|are|gets?) \w+ (?:by|at|from) |^(?:is|are|gets?) \w+ed (?:with|of|about) ",
    re.IGNORECASE,
)
"""Words that stand for either direction: a score that something is done to, what somebody feels."""
_MAY_BE_A_VERB = re.compile(r"^[A-Za-z]+[^su\W]s (?P<next>[\w-]+)")
_AFTER_NOUNS = frozenset(
    """about across and are as between by can for if in instead into is may must not of only or over
    per rather should so than that to under until used what when where which while who with within
    without""".split()  # noqa: SIM905 - a list of so many words is read more easily so
)
_NO_VERBS = frozenset(("always", "thus", "its", "his", "perhaps", "sometimes", "yes", "ours"))


class Told(NamedTuple):
    """A line without what says which way: 1 or -1, 0 where only a section says it.

    None where its words may say it, and nobody knows which way.
    """

    text: str
    direction: int | None


@cache
def direction_words() -> dict[str, list[str]]:
    """The phrases by kind, in the language of `surface.phrases`."""
    return {kind: list(phrases) for kind, phrases in _words()["cues"].items()}


@lru_cache(maxsize=_REMEMBERED)
def told(line: str) -> Told:
    """What a line says, and which way."""
    text = " ".join(line.split()).rstrip(" .;")
    return from_its_verbs(text) or _from_its_end(text) or Told(text, _of_no_verb(text))


def from_its_verbs(text: str) -> Told | None:
    """What the line's first verbs govern; None without any.

    "Rewards avoiding lists" is against lists. What is left begins with no such verb, so that
    whoever takes the sign off once more takes nothing.
    """
    direction, found = 1, None
    while begins := _begins().match(f"{text} "):
        rest = text[begins.end() :]
        if not rest:
            break
        is_denied = bool(begins["denied"])
        neither = is_denied and begins["denied"].lower().startswith("neither")
        if neither or (is_denied and begins["penalises"]):
            return Told(text, None)  # what is not penalised is not wished for either
        direction *= -1 if is_denied or begins["penalises"] else 1
        text = _REST.sub("", rest) or rest
        found = Told(text, direction)
    return found


def _from_its_end(text: str) -> Told | None:
    """A verdict on what stands before it."""
    for kind, direction in (("penalised", -1), ("rewarded", 1)):
        found = _ends(kind).search(f" {text} ")
        before = text[: max(0, found.start() - 1)].strip(" ,") if found else ""
        if before and _NOT_BEFORE.search(before):
            return Told(text, None)
        if before:
            return _turned(_GETS.sub("", _TREATS.sub("", before)), direction)
    return None


def _turned(text: str, direction: int) -> Told:
    """The text under a verdict, and what its own verbs do with that."""
    own = from_its_verbs(text) or Told(text, 1)
    return own if own.direction is None else Told(own.text, own.direction * direction)


def _of_no_verb(text: str) -> int | None:
    """0 for a name or a deed; None where a word may be a verb of any direction."""
    if _EITHER.search(text):
        return None
    found = _MAY_BE_A_VERB.match(text)
    first = text.partition(" ")[0].lower()
    if found is None or found["next"].lower() in _AFTER_NOUNS or first in _NO_VERBS:
        return 0
    return 0 if _deeds().fullmatch(f"{first} ") else None


@cache
def _begins() -> re.Pattern[str]:
    kinds = direction_words()
    verbs = "|".join(
        f"(?P<{verb}>{_any(kinds[verb])}|(?:{_any(kinds[verdict])})(?=(?:for|when|if) ))"
        for verb, verdict in (("penalises", "penalised"), ("rewards", "rewarded"))
    )
    pattern = rf"^{_SUBJECT}(?P<denied>{_NOT})?(?:{verbs}|(?(denied)|(?!)))"
    return re.compile(pattern, re.IGNORECASE)


@cache
def _ends(kind: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<= )(?:{_any(direction_words()[kind])}){_WHOM}(?:\w+ly )?$", re.IGNORECASE
    )


@cache
def _deeds() -> re.Pattern[str]:
    words = [*_words()["openings"]["deeds"], *direction_words()["neutral"]]
    return re.compile(_any(words), re.IGNORECASE)


def _any(phrases: list[str]) -> str:
    """Any of the phrases, the longest first, each word with the blank behind it."""
    by_length = sorted(phrases, key=lambda phrase: -len(phrase.split()))
    return "|".join("".join(map(_place, phrase.split())) for phrase in by_length)


def _place(place: str) -> str:
    words = [re.escape(word).replace(r"\*", r"\w*") for word in place.split("|") if word]
    return f"(?:(?:{'|'.join(words)}) ){'?' if '' in place.split('|') else ''}"


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    source = files("argo_audit.rubrics").joinpath("directions.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))
