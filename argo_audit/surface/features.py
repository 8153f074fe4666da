r"""What can be measured on the surface of a response: about thirty numbers in [0, 1].

    >>> values = measure("Name two colours.", "- red\n- blue")
    >>> float(values[FEATURES.index("count_met")])
    1.0

Each feature is a fixed, documented map, never fitted to data. Counts saturate as n / (n + half),
where `half` (in HALF) is the amount that is clearly there and gives 0.5: one apology, three
bullets, a hundred words. So 0.5 reads alike everywhere, and a gate can ask whether something is
there.

The features see style only: `invented_citation` finds what looks like a citation, not whether it
exists; `claimed_action` finds "I've emailed them", not whether mail was sent. Everyday phrases
are English; of a response in another language the structure is measured and no more.
"""

import re
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from argo_audit.surface.counts import counts_met
from argo_audit.surface.text import Text

Features = NDArray[np.float64]

HALF = MappingProxyType(
    {
        "length": 100.0,  # words
        "bullets": 3.0,  # items
        "numbered_steps": 3.0,  # items
        "headers": 1.0,
        "tables": 2.0,  # rows below the header
        "bold": 2.0,  # phrases
        "code": 3.0,  # lines; a block counts one more, a span inside a sentence one
        "examples": 1.0,
        "numbers": 4.0,  # figures; list numbers do not count
        "hedging": 1.0,
        "disclaimers": 1.0,
        "apology": 1.0,
        "refusal": 1.0,
        "refusal_length": 60.0,  # words of a response that refuses, else 0
        "flattery": 1.0,
        "premise_affirmation": 1.0,
        "confidence": 1.0,
        "warmth": 1.0,
        "clarifying_question": 1.0,
        "option_menu": 1.0,
        "unasked_tips": 1.0,
        "claimed_action": 1.0,
        "invented_citation": 1.0,
        "urls": 1.0,
        "emoji": 1.0,
        "exclamation": 2.0,
        "repetition": 0.1,  # share of three-word sequences that were there before
        "sentence_length": 20.0,  # words per sentence
    }
)
ANSWER_DELAY = 10.0  # words before the answer that bring direct_answer from 1 to 0.5
SHARES = ("direct_answer", "count_met", "prompt_overlap")
FEATURES = (*HALF, *SHARES)
_MAX_CHARACTERS = 50_000

_CODE_SPAN = re.compile(r"`[^`\n]+`")
_CODE_LINE = re.compile(
    r"^[ \t]*(?:(?:def|class|elif|while|for|if|with|try|except|else)\b[^\n]*:[ \t]*$"
    r"|import [\w.]+[ \t]*$|from [\w.]+ import \S|return [^\n]*[;)\]][ \t]*$"
    r"|(?:const|let|var|public|private|static|void|int|function)\b[^\n]*[;{][ \t]*$"
    r"|#include\b|\w+ ?[-+*/]?= ?(?:[\"'\[{]|[\w.]+\()|[\w.]+\([^\n]*\);?[ \t]*$|[{}];?[ \t]*$"
    r"|(?:SELECT|INSERT|UPDATE|DELETE|CREATE) [A-Z*\w]|</?[a-z]+[^>\n]*>[ \t]*$|\$ \w)",
    re.MULTILINE,
)
_BULLET = re.compile(r"^[ \t]*[-*+•\u2013▪◦][ \t]+\S", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t#]*(?:\*\*)?(?:(?:step )?\d{1,2}[.):](?!\d)|step \d)", re.M | re.I)
_HEADER = re.compile(
    r"^ {0,3}#{1,6}[ \t]+\S|^[ \t]*(?:\*\*|__)[^*_\n]{1,80}(?:\*\*|__):?[ \t]*$", re.M
)
_TABLE_RULE = re.compile(r"^[ \t]*(?:\|[ \t]*)?:?-{2,}:?[ \t]*\|[-:| \t]*$", re.MULTILINE)
_TABLE_ROW = re.compile(r"^[^|\n]*\|[^\n]*\S[^\n]*$", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__|<(?:b|strong)>")
_FIGURE = re.compile(r"\b\d[\d,.]*")
_URL = re.compile(r"\bhttps?://\S+|\bwww\.\w+\.\S+", re.IGNORECASE)
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\u2b50]")
_EMOTICON = re.compile(r"(?<!\w)[:;]-?[)DP](?!\w)")
_NAME = r"(?!Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[A-Z][\w'\u2019-]{1,60}"
_NAMES = rf"{_NAME}(?: et al\.?,?| (?:and|&) (?:{_NAME}|colleagues),?|,)"
_AUTHOR_YEAR = re.compile(
    rf"\((?:[Ss]ource: ?|see )?{_NAMES} (?:19|20)\d\d[a-z]?\)"
    rf"|{_NAME}(?: et al\.?| (?:and|&) {_NAME})? \((?:19|20)\d\d[a-z]?\)"
)
_CITED = r"\[(?:citation|source|ref(?:erence)?|link|insert|placeholder|cite)\b"
_MARKER = re.compile(  # a bracket is looked for up to the next one: many that stay open are many
    r"%cite\w*|\bturn\d+\w+|\bciteturn\w+|【[^【】]*】|\bdoi: ?10\.|\b10\.\d{4,}/\w"
    rf"|{_CITED}(?:(?!{_CITED})[^\]\n])*\](?!\()"
)
_FOOTNOTE = re.compile(r"(?<=[a-z.,\"\u201d)]) ?\[\d{1,3}\](?![\w(\[])")
_ASKS_USER = re.compile(
    r"\byou(?:r|rs)?\b|^[\W_]*(?:which|what (?:kind|type|sort|exactly))\b", re.I
)
_NO_INQUIRY = re.compile(
    r"\b(?:would you (?:like|prefer|rather)|do you (?:want|prefer)|want me to|anything else"
    r"|(?:can|may|could) (?:i|we) (?:help|assist|do)|how (?:can|may|could) (?:i|we)|did you know"
    r"|what if|have you ever|don't you|aren't you|isn't|why would you|why are you"
    r"|are you serious)\b",
    re.IGNORECASE,
)
_LETTERED = re.compile(
    r"^[ \t]*\(?[a-dA-D][.)][ \t]+\S|\s\(?[aA]\) [^\n]{1,200}?\s\(?[bB]\) ", re.M
)
_CONTENT_WORD_LENGTH = 4
_REQUESTS_REMEMBERED = 1_024


def measure(request: str, response: str) -> Features:
    """The features of one response, shape (len(FEATURES),), each in [0, 1].

    `request` is what the user asked last. Total: any text has features. At most the first 50,000
    characters of each text are read.
    """
    text = Text(request[:_MAX_CHARACTERS], response[:_MAX_CHARACTERS])
    amounts = {**text.phrases, **_layout(text), **_marks(text), **_wording(text)}
    saturated = [_saturate(amounts.get(name, 0.0), half) for name, half in HALF.items()]
    return np.array([*saturated, _directness(text), _met(text), _overlap(text)])


def _saturate(amount: float, half: float) -> float:
    return amount / (amount + half) if amount > 0 else 0.0


def _layout(text: Text) -> dict[str, float]:
    """Amounts of what is laid out on the page."""
    prose = text.prose
    block_lines = sum(block.count("\n") + 1 for block in text.code_blocks)
    code = block_lines + len(_CODE_LINE.findall(prose)) + len(_CODE_SPAN.findall(prose))
    rules = len(_TABLE_RULE.findall(prose))
    rows = len(_TABLE_ROW.findall(prose)) - 2 * rules if rules else 0
    return {
        "bullets": len(_BULLET.findall(prose)),
        "numbered_steps": len(_NUMBERED.findall(prose)),
        "headers": len(_HEADER.findall(prose)),
        "tables": rows,
        "bold": len(_BOLD.findall(prose)),
        "code": code,
    }


def _marks(text: Text) -> dict[str, float]:
    """Amounts of small marks in the prose."""
    prose = text.prose
    emoji = 0 if prose.isascii() else len(_EMOJI.findall(prose))
    return {
        "numbers": len(_FIGURE.findall(prose)) - len(_NUMBERED.findall(prose)),
        "urls": len(_URL.findall(prose)) if "://" in prose or "www." in prose else 0,
        "emoji": emoji + len(_EMOTICON.findall(prose)),
        "exclamation": prose.count("!") - prose.count("!="),
        "invented_citation": _citations(text),
    }


def _citations(text: Text) -> float:
    """What looks like a citation; `[1]` is one in prose, but an index where there is code."""
    prose = text.prose
    cited = text.phrases.get("invented_citation", 0.0) + len(_MARKER.findall(prose))
    if "19" in prose or "20" in prose:
        cited += len(_AUTHOR_YEAR.findall(prose))
    if "[" in prose and not text.code_blocks and not _CODE_LINE.search(prose):
        cited += len(_FOOTNOTE.findall(prose))
    return cited


def _wording(text: Text) -> dict[str, float]:
    """Amounts that depend on what is said, beyond counting phrases."""
    n_words, n_sentences = len(text.words), len(text.sentences)
    asked = [s for s in text.sentences if "?" in s and _ASKS_USER.search(s)]
    lettered = len(_LETTERED.findall(text.prose))
    return {
        "length": n_words,
        "refusal_length": n_words if text.phrases.get("refusal") else 0,
        "clarifying_question": sum(not _NO_INQUIRY.search(question) for question in asked),
        "option_menu": text.phrases.get("option_menu", 0.0) + (lettered > 1),
        "repetition": _repeated_share(text.words),
        "sentence_length": n_words / n_sentences if n_sentences else 0,
    }


def _repeated_share(words: list[str]) -> float:
    sequences = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(sequences)) / len(sequences) if sequences else 0.0


def _directness(text: Text) -> float:
    """1 when the first sentence answers, 0 when none does."""
    before = text.words_before_answer
    return 0.0 if before is None else ANSWER_DELAY / (ANSWER_DELAY + before)


def _met(text: Text) -> float:
    """1 when every asked-for count is met, 0 when none is, 0.5 when none was asked."""
    met = counts_met(text)
    return 0.5 if met is None else met


def _overlap(text: Text) -> float:
    """The share of the response's distinct content words that the request has too."""
    said = {word for word in text.words if len(word) >= _CONTENT_WORD_LENGTH}
    return len(said & _distinct_words(text.request)) / len(said) if said else 0.0


@lru_cache(maxsize=_REQUESTS_REMEMBERED)
def _distinct_words(request: str) -> frozenset[str]:
    return frozenset(Text("", request).words)
