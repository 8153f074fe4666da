r"""A rubric in other words: what a judge makes of it should not depend on how it is put.

    >>> paraphrased("- Rewards concise answers.\n- Penalises hedging.")
    '* Favours succinct responses.\n* Punishes hedging.'

Offline, words give way to others that say the same (paraphrases.toml) and list marks to other
marks. It is not much of a paraphrase, but one that surely keeps the meaning: items, weights, caps
and the direction of every bias line are the same afterwards, or there is none. A rewriting model
says more in its own words, and may change what is asked for: its rubric is checked for as many
items, gates and weights, which a judge that follows meaning should not notice. Which of the two was
used is recorded with every number.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files

from argo_audit.judges.questions import shown
from argo_audit.prompts import template
from argo_audit.prompts.fences import fence, new_nonce
from argo_audit.rubrics.outline import Outline, outline, repeated_share
from argo_audit.rubrics.surgery import parts

_MARK = re.compile(r"^(\s*)([-*+])(?=\s)")
_OTHER_MARK = {"-": "*", "*": "-", "+": "-"}
_MAX_TEXT = 20_000
_MOSTLY = 0.5


def paraphrased(rubric: str) -> str | None:
    """The rubric with other words and list marks; None when that changes nothing or too much."""
    lines = re.split(r"\r\n?|\n", rubric)
    first = {part.line for part in parts(rubric)}
    changed = "\n".join(
        _other_words(_MARK.sub(_other_mark, line) if number in first else line)
        for number, line in enumerate(lines, start=1)
    )
    return changed if changed != "\n".join(lines) and same_shape(rubric, changed) else None


def request(rubric: str) -> str:
    """What a rewriting model is asked; the rubric stands in a fence that it cannot end."""
    text = shown(rubric, _MAX_TEXT).text
    nonce = new_nonce((text,))
    return template("paraphrase").substitute(nonce=nonce, rubric=fence("RUBRIC", text, nonce))


def rewritten(rubric: str, answer: str) -> str | None:
    """The paraphrase that a model answered; None when it is no paraphrase of this rubric."""
    text = answer.strip()
    usable = text and text != rubric.strip() and repeated_share(text) <= _MOSTLY
    return text if usable and same_shape(rubric, text) else None


def same_shape(one: str, other: str) -> bool:
    """Whether both have as many criteria, with the same weights, bias lines and gates."""
    return _shape(outline(one)) == _shape(outline(other))


def _shape(read: Outline) -> tuple[object, ...]:
    return (
        [item.weight for item in read.criteria],
        [item.direction for item in read.biases],
        [item.cap for item in read.gates],
    )


def _other_words(line: str) -> str:
    return _pattern().sub(_other_word, line)


def _other_word(found: re.Match[str]) -> str:
    word = found[0]
    other = _words()[word.lower()]
    if word.isupper():
        return other.upper()
    return other[0].upper() + other[1:] if word[0].isupper() else other


def _other_mark(found: re.Match[str]) -> str:
    return found[1] + _OTHER_MARK[found[2]]


@cache
def _words() -> dict[str, str]:
    written = files("argo_audit.evals").joinpath("paraphrases.toml").read_text(encoding="utf-8")
    words: dict[str, str] = tomllib.loads(written)["words"]
    return words


@cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(_words(), key=len, reverse=True)
    alternatives = "|".join(re.escape(word) for word in longest_first)
    return re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])", re.IGNORECASE)
