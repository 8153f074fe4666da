r"""The forms in which a sentence says which of two responses is better; pure.

    >>> form_of("**Verdict:** Response B").letter
    'B'
    >>> form_of("Therefore, the better response is A.").letter
    'A'
    >>> form_of("Response A is better in tone, Response B in substance.") is None
    True

A sentence is a verdict as a whole or not at all: what is left over has to be courtesy, or a reason
that names no other side and takes nothing back. So a hedge, a question, a tie and a sentence about
one aspect are none. A letter of its own is a verdict in capitals only.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Letter = Literal["A", "B"]
Kind = Literal["verdict", "said", "bare", "compared"]
"""As it was asked for; in words; the letter alone; as in "A > B"."""

LONGEST = 400
"""Characters of a sentence that may be a verdict, its marks left out."""

_TAGS = re.compile(
    r"</?(?:answer|verdict|final|choice|output|result)>"
    r"|<\|[^|<>\n]{1,40}\|>|</?s>|<(?:start|end)_of_turn>"
    r"|\\(?:boxed|fbox|text|textbf|mathrm|mathbf)\b",
    re.IGNORECASE,
)
_SOFT = re.compile(r"(?:[^\w?<>=/&+]|_)+")
_SIDE = re.compile(r"(?<![^\W_])[ABab](?![^\W_])")

_NAME = r"(?i:response|assistant|answer|option|model|candidate)"
_WHO = rf"(?:(?i:the )?{_NAME} )?(?P<letter>[AB])\b"
_PLACE = r"(?i:the )?(?P<place>(?i:first|second)) (?i:response|assistant|answer|option|one)\b"
_EITHER = rf"(?:{_WHO}|{_PLACE})"
_OTHER = rf"(?: (?i:over|to|than|rather than) (?i:the )?(?:{_NAME} )?(?P<other>[AB])\b)?"
_LEAD = (
    r"(?:(?i:so|therefore|thus|hence|overall|finally|ultimately|consequently|accordingly"
    r"|in conclusion|in summary|to conclude|to sum up|in the end|on balance|all in all) )*"
    r"(?:(?i:based on|given|considering|after|weighing|judged by|judging by|by|under"
    r"|according to) (?:(?![AB] |(?i:not|no|if|unless|but|however) )\w+ ){1,14}?)?"
    r"(?:(?i:i|we) (?i:think|believe|find|judge|conclude|say|would say|d say) (?i:that )?)?"
)
_OWN = r"(?:(?i:my|our|the|final|overall|own) )*"
_IS = r"(?:(?i:is|would be|goes to|falls on|clearly|therefore|thus|=>|=|>) )*"
_LABELS = (
    r"answer|selected|decision|judge?ment|choice|winner|preference|conclusion|pick|selection"
    r"|(?:better|best|preferred|stronger|chosen|winning)(?: response| answer| option| one)?"
)
_MORE = r"(?:(?i:clearly|much|slightly|marginally|somewhat|overall|therefore|thus|far|a bit) )*"
_BETTER = (
    rf"(?i:is|was|to be|the) {_MORE}(?i:the )?{_MORE}(?i:better|best|preferred|preferable"
    r"|stronger|superior|winner|winning)(?i: one| response| answer| option| choice)?"
    r"|(?i:wins|does better)"
)
_BY = (
    r"(?: (?i:overall|here|(?:by|under|according to|on|against|for) (?:the|this) "
    r"(?:rubric|standard|criteria|comparison)))?"
)
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    (
        "verdict",
        rf"{_OWN}(?i:verdict) {_IS}(?:(?:(?i:the )?{_NAME} )?(?P<letter>[ABab])\b|{_PLACE})"
        rf"(?: (?:{_BETTER})\b)?{_OTHER}{_BY}",
    ),
    ("compared", rf"{_WHO} ?(?P<sign><+|>+) ?(?:{_NAME} )?(?P<against>[AB])\b"),
    ("said", rf"{_OWN}(?i:{_LABELS}) {_IS}{_EITHER}(?: (?:{_BETTER})\b)?{_OTHER}{_BY}"),
    (
        "said",
        rf"(?i:i|we) (?:(?i:would|d|ll|will|clearly|strongly|therefore|thus|must) )*"
        rf"(?i:prefer|choose|pick|select|favou?r|vote for|go with|chose) {_EITHER}{_OTHER}"
        rf"{_BY}",
    ),
    ("said", rf"{_EITHER} (?:{_BETTER})\b{_OTHER}{_BY}"),
    ("bare", _EITHER),
)
_FORMS = tuple((kind, re.compile(rf"{_LEAD}(?P<core>{pattern})")) for kind, pattern in _PATTERNS)
_HEADING = re.compile(rf"{_OWN}(?i:verdict|{_LABELS})(?: is)?")
_COURTESY = re.compile(
    r"(?:i )?hope (?:this|that|it) (?:helps|is|was)\b.*|(?:please )?let me know\b.*"
    r"|(?:please )?feel free\b.*|(?:many )?thank(?:s| you)\b.*|happy to\b.*|glad to\b.*"
    r"|if you (?:have|need|want|would|d)\b.*|is there anything else\b.*|(?:kind|best) regards"
    r"|have a (?:great|nice|good)\b.*",
    re.IGNORECASE,
)
_REASON = re.compile(r"because\b|since\b|as it\b|for it\b", re.IGNORECASE)
_TAKEN_BACK = re.compile(
    r"\b(?:[AB]|(?i:but|however|though|although|yet|unless|while|whereas|tied?|equal(?:ly)?"
    r"|neither|both|either|unsure|maybe|perhaps|might|could|otherwise|not sure))\b"
)


class VerdictForm(NamedTuple):
    """A verdict in a sentence: which letter, in what form, and in which words.

    `core` are the words that say it, `place` is where its letter stands in the sentence as it was
    given; None where no letter does.
    """

    letter: Letter
    kind: Kind
    core: str
    place: int | None


def form_of(sentence: str) -> VerdictForm | None:
    """The verdict that the sentence is; None where it is something else."""
    plain = words(sentence)
    if len(plain) > LONGEST or "?" in plain:
        return None
    return next(_found(sentence, plain), None)


def is_heading(line: str) -> bool:
    """Whether the line announces a verdict and says none, as "**Verdict:**" does."""
    plain = words(line)
    return len(plain) <= LONGEST and bool(_HEADING.fullmatch(plain))


def is_courtesy(line: str) -> bool:
    """Whether the line is what is said in parting."""
    plain = words(line)
    return len(plain) <= LONGEST and bool(_COURTESY.fullmatch(plain))


def words(text: str) -> str:
    """The words of a text, without marks that say nothing, each a blank apart."""
    return _SOFT.sub(" ", _TAGS.sub(" ", text)).strip()


def _found(sentence: str, plain: str) -> Iterator[VerdictForm]:
    for kind, pattern in _FORMS:
        found = pattern.match(plain)
        if found and _is_all(plain[found.end() :].strip()) and (letter := _letter(found)):
            yield VerdictForm(letter, kind, found["core"], _place(sentence, plain, found))


def _is_all(rest: str) -> bool:
    """Whether nothing follows that could take the verdict back."""
    if not rest or _COURTESY.fullmatch(rest):
        return True
    return bool(_REASON.match(rest)) and not _TAKEN_BACK.search(rest)


def _letter(found: re.Match[str]) -> Letter | None:
    """The side that the match names; None where it names both for one."""
    named = found.groupdict()
    first = (named.get("letter") or "").upper() or ("A" if _is_first(named) else "B")
    other = named.get("other") or named.get("against")
    if other == first:
        return None
    second: Letter = "B" if first == "A" else "A"
    lost = (named.get("sign") or "").startswith("<")
    return second if lost else "A" if first == "A" else "B"


def _is_first(named: dict[str, str | None]) -> bool:
    return (named.get("place") or "").lower() == "first"


def _place(sentence: str, plain: str, found: re.Match[str]) -> int | None:
    """Where the letter stands in the sentence: the same one of those that stand by themselves."""
    if not found["letter"] or found.groupdict().get("sign"):
        return None
    before = len(_SIDE.findall(plain[: found.start("letter")]))
    sides = [side.start() for side in _SIDE.finditer(sentence)]
    place = sides[before] if before < len(sides) else None
    return place if place is not None and sentence[place] == found["letter"] else None
