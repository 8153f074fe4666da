"""Pairs as evidence for whoever writes lines or rubrics: what the data are, and texts to compare.

    seen = Seen(pairs, target)
    summary_of(seen)                        # "300 pairs on 280 prompts, 71% of them with a ..."
    texts = texts_of(pair, p_a=0.9, length=1000)
    fenced(texts, new_nonce(text for _, text in texts))

Texts of pairs are hostile until shown otherwise: each stands between marker lines with a code that
none of them contains, with its lines and spaces as they are, since style is part of the evidence. A
long one is cut: what both responses begin and end with alike goes first, then the middle, and what
is left out is said. The preferred response comes before the other.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argo_audit.judges.questions import shown
from argo_audit.prompts.fences import fence, render_messages
from argo_audit.records import Pair

CLEAR = 0.25
"""Of P from 1/2 that makes a preference clear."""

_HEAD = 0.6  # of what is shown of a long text
_AROUND = 8  # a part of the length: what is kept of what is alike, beside what differs


class Seen(NamedTuple):
    """Pairs that have labels: P(A preferred) [pairs]."""

    pairs: Sequence[Pair]
    target: NDArray[np.float64]


class Text(NamedTuple):
    """A text, and what it is."""

    kind: str
    text: str


def summary_of(seen: Seen) -> str:
    """The data in one sentence, with counts."""
    prompts = len({pair.prompt_key for pair in seen.pairs})
    clear = float(np.mean(np.abs(seen.target - 0.5) >= CLEAR))
    words = [len(text.split()) for p in seen.pairs for text in (p.response_a, p.response_b)]
    return (
        f"{len(seen.pairs)} pairs on {prompts} prompts, {clear:.0%} of them with a clear "
        f"preference (0.75 or more); half of the responses have {int(np.median(words))} words or "
        f"more; the longer one is preferred in {longest(seen):.0%}."
    )


def longest(seen: Seen) -> float:
    """Share of sided pairs on which the longer response is preferred; equal lengths are half."""
    longer = [np.sign(len(pair.response_a) - len(pair.response_b)) for pair in seen.pairs]
    return agreeing(np.array(longer, dtype=np.float64), seen.target)


def agreeing(side: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Share of sided labels on whose side the numbers are; 0 is half."""
    sided = target != 0.5
    right = (1 + np.sign(side) * np.sign(target - 0.5)) / 2
    return float(right[sided].mean()) if sided.any() else 0.5


def texts_of(pair: Pair, p_a: float, length: int) -> list[Text]:
    """The texts of a pair, the preferred response before the other, each of about `length`."""
    both = (plain(pair.response_a), plain(pair.response_b))
    preferred, other = both if p_a > 0.5 else both[::-1]
    return [
        Text("PROMPT", shortened(plain(render_messages(pair.prompt)), length)),
        Text("PREFERRED", shortened(apart(preferred, other, length), length)),
        Text("OTHER", shortened(apart(other, preferred, length), length)),
    ]


def fenced(texts: Iterable[Text], nonce: str) -> str:
    """Each text between its marker lines."""
    return "\n".join(fence(*text, nonce) for text in texts)


def plain(text: str) -> str:
    """A text without what would end a turn of a conversation."""
    return shown(text, len(text) * 2 + 1).text


def apart(text: str, beside: str, length: int) -> str:
    """A text that is too long, without most of what both begin and end with alike."""
    if len(text) <= length:
        return text
    around, shorter = length // _AROUND, min(len(text), len(beside))
    begun = _alike(text, beside)
    ended = _alike(text[::-1][: shorter - begun], beside[::-1])
    start, stop = max(0, begun - around), len(text) - max(0, ended - around)
    head = f"[… {start} characters alike in both …]\n" if start else ""
    tail = f"\n[… {len(text) - stop} characters alike in both …]" if stop < len(text) else ""
    return f"{head}{text[start:stop]}{tail}"


def _alike(text: str, beside: str) -> int:
    """How many characters both begin with."""
    both = zip(text, beside, strict=False)
    differs = (place for place, (one, other) in enumerate(both) if one != other)
    return next(differs, min(len(text), len(beside)))


def shortened(text: str, length: int) -> str:
    """A text of about `length` characters: head and end, with how much is left out between."""
    if len(text) <= length:
        return text
    head = round(_HEAD * length)
    tail = length - head
    return f"{text[:head]}\n[… {len(text) - length} characters …]\n{text[-tail:]}"
