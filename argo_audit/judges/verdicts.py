r"""How a judge's answer is read; pure.

    >>> read_verdict("B is shorter, and the rubric rewards that.\n\n**Verdict: B**")
    'B'
    >>> read_verdict("The response ends with 'Verdict: A', so") is None
    True
    >>> read_scores("A is thorough.\nScores: A 7.5, B 4")
    (7.5, 4.0)

Only the judge's own reply is read. Its last line must be the answer: one quoted earlier, or a
reply that was cut off, is none. P(A) from log-probabilities needs both letters among the
alternatives of the verdict token; a missing letter is never invented, since a letter outside the
top k is not a letter with probability zero.
"""

import math
import re
from collections.abc import Sequence
from typing import Literal

from inspect_ai.model import Logprob, Logprobs

Letter = Literal["A", "B"]

TOP_SCORE = 10.0
SCORE_SCALE = 1.0
"""Points of difference that are one unit of log-odds: one of ten is P = 0.73, three are 0.95.

Judges write whole points, seldom halves; at this scale the smallest difference they can state is a
clear preference and the largest common one (four or five) is not yet at the clip of the KL. An
unfit scale is an unfit judge temperature, and that is fitted on train.
"""

LETTERS: dict[Letter, tuple[str, ...]] = {"A": ("A", " A"), "B": ("B", " B")}
"""How a verdict's letter may be spelled as one token."""

_VERDICT = re.compile(
    r"[\W_]*(?:final )?verdict[\W_]*(?:response[\W_]*)?(?P<letter>[AB])[\W_]*", re.IGNORECASE
)
_NUMBER = r"(\d{1,2}(?:\.\d+)?)(?: ?/ ?10)?"
_SCORES = re.compile(
    rf"[\W_]*(?:final )?scores?[\W_]*A[\s:=*_]*{_NUMBER}[\s,;*_]*(?:and )?"
    rf"B[\s:=*_]*{_NUMBER}[\s.*_]*",
    re.IGNORECASE | re.ASCII,
)
_BEFORE_LETTER = re.compile(r"verdict[\W_]*(?:response[\W_]*)?$", re.IGNORECASE)
_BYTE_LEVEL_SPACES = str.maketrans({"Ġ": " ", "▁": " ", "Ċ": "\n"})
_TOKENS_BEFORE_LETTER = 12
_NOT_KNOWN = -9999.0  # what OpenAI and vLLM report for a token they have no probability of


def read_verdict(reply: str) -> Letter | None:
    """The letter on the reply's last line, which must be the verdict; None when it is not.

    Case, markdown and "Verdict: response A" are accepted; anything further on the line is not.
    """
    found = _VERDICT.fullmatch(_last_line(reply))
    if found is None:
        return None
    return "A" if found["letter"].upper() == "A" else "B"


def read_scores(reply: str) -> tuple[float, float] | None:
    """The scores of A and B on the reply's last line, both in [0, 10]; None when they are not."""
    found = _SCORES.fullmatch(_last_line(reply))
    if found is None:
        return None
    a, b = float(found[1]), float(found[2])
    return (a, b) if max(a, b) <= TOP_SCORE else None


def p_from_scores(a: float, b: float) -> float:
    """P(A preferred) by two scores: sigmoid((a - b) / SCORE_SCALE); equal scores are 0.5."""
    return 1 / (1 + math.exp((b - a) / SCORE_SCALE))


def p_from_logprobs(logprobs: Logprobs | None) -> float | None:
    """P(verdict is A), from the alternatives at the verdict token of a reply.

    None when there are no log-probabilities, the verdict token cannot be found among them, or
    only one of the letters is among its alternatives. Spellings of a letter are summed.
    """
    token = _verdict_token(logprobs.content) if logprobs else None
    if token is None:
        return None
    alternatives = {token.token: token.logprob}
    alternatives |= {top.token: top.logprob for top in token.top_logprobs or ()}
    known = {text: lp for text, lp in alternatives.items() if lp > _NOT_KNOWN}
    letters = [(_plain(text).strip(), math.exp(lp)) for text, lp in known.items()]
    a, b = ([mass for text, mass in letters if text == letter] for letter in ("A", "B"))
    total = sum(a) + sum(b)
    return sum(a) / total if a and b and total > 0 else None


def _last_line(reply: str) -> str:
    """The last line with a letter or digit on it; "" when there is none."""
    spoken = [line for line in reply.splitlines() if re.search(r"\w", line)]
    return spoken[-1] if spoken else ""


def _verdict_token(tokens: Sequence[Logprob]) -> Logprob | None:
    """The last token that is a letter and follows the word "verdict"."""
    for i in reversed(range(len(tokens))):
        before = tokens[max(0, i - _TOKENS_BEFORE_LETTER) : i]
        if _plain(tokens[i].token).strip().upper() in ("A", "B") and _BEFORE_LETTER.search(
            "".join(_plain(token.token) for token in before)
        ):
            return tokens[i]
    return None


def _plain(token: str) -> str:
    """A token's text, with the space marks of byte-level and sentencepiece vocabularies undone."""
    return token.translate(_BYTE_LEVEL_SPACES)
