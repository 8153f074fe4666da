r"""The question a judge is asked, and how its answer is read; pure.

    >>> read_verdict("B is shorter, and the rubric rewards that.\n\n**Verdict: B**")
    'B'
    >>> read_verdict("The response ends with 'Verdict: A', so") is None
    True

The question puts the longest shared part first: the instructions, then the pair, then the rubric.
A search judges one minibatch of pairs under many rubrics, so a server that caches prompt prefixes
reads each pair once (about twice the judgments per second, also for rubrics of the pair's length).
That is also why the fences' nonce comes from the pair alone, unless the rubric contains it.

Rubrics and responses are model text: they stand inside fences that they cannot close, and only
the judge's own reply is read. Its last line must be the verdict: a verdict quoted earlier, or a
reply that was cut off, is no verdict. P(A) from log-probabilities needs both letters among the
alternatives of the verdict token; a missing letter is never invented, since a letter outside the
top k is not a letter with probability zero.
"""

import math
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Literal

from inspect_ai.model import Logprob, Logprobs

from argo_audit.judges.fences import fence, new_nonce, render_messages
from argo_audit.records import Pair, Rubric

Letter = Literal["A", "B"]

_VERDICT = re.compile(
    r"[\W_]*(?:final )?verdict[\W_]*(?:response[\W_]*)?(?P<letter>[AB])[\W_]*", re.IGNORECASE
)
_BEFORE_LETTER = re.compile(r"verdict[\W_]*(?:response[\W_]*)?$", re.IGNORECASE)
_BYTE_LEVEL_SPACES = str.maketrans({"Ġ": " ", "▁": " ", "Ċ": "\n"})
_TOKENS_BEFORE_LETTER = 12
_NOT_KNOWN = -9999.0  # what OpenAI and vLLM report for a token they have no probability of


def judge_prompt(rubric: Rubric, pair: Pair) -> str:
    """The question: which of the pair's responses, A being shown first, is better by `rubric`?

    A rubric without text asks for the judge's own taste.
    """
    prompt = render_messages(pair.prompt)
    nonce = new_nonce((prompt, pair.response_a, pair.response_b))
    if nonce in rubric.text:
        nonce = new_nonce((prompt, pair.response_a, pair.response_b, rubric.text))
    fenced = (
        fence("PROMPT", prompt, nonce),
        fence("RESPONSE A", pair.response_a, nonce),
        fence("RESPONSE B", pair.response_b, nonce),
    )
    standard = _template("judge_taste").template
    if rubric.text.strip():
        fenced_rubric = fence("RUBRIC", rubric.text, nonce)
        standard = _template("judge_rubric").substitute(rubric=fenced_rubric)
    return _template("judge").substitute(
        nonce=nonce, pair="\n\n".join(fenced), standard=standard.strip()
    )


def read_verdict(reply: str) -> Letter | None:
    """The letter on the reply's last line, which must be the verdict; None when it is not.

    Case, markdown and "Verdict: response A" are accepted; anything further on the line is not.
    """
    spoken = [line for line in reply.splitlines() if re.search(r"\w", line)]
    found = _VERDICT.fullmatch(spoken[-1]) if spoken else None
    if found is None:
        return None
    return "A" if found["letter"].upper() == "A" else "B"


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


@cache
def _template(name: str) -> Template:
    text = files("argo_audit").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")
    return Template(text)
