"""What a policy is shown when it proposes lines: what the data are, and pairs that contrast.

    prompts = proposing_prompts(Seen(pairs, target), None, config, variants=3, seed=0)

In the first round these are pairs whose label is clear; later, those that the rubric found so far
gets most wrong, beside the rubric with its agreement, chance and "the longer one". Texts of pairs
are hostile until shown otherwise: each stands between marker lines with a code that none of them
contains, with its lines and spaces as they are, since style is part of the evidence. A long one is
cut in its middle, after what both responses begin and end with alike.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argo_audit.prompts import template
from argo_audit.prompts.fences import fence, new_nonce, render_messages
from argo_audit.records import Pair
from argo_audit.search.search_settings import LeadConfig

_CLEAR = 3  # pairs are drawn among the clearest, so many times as many as are shown
_LINES = 15
_HEAD = 0.6  # of what is shown of a long text


class Seen(NamedTuple):
    """Pairs that have labels: P(A preferred) [pairs]."""

    pairs: Sequence[Pair]
    target: NDArray[np.float64]


class SoFar(NamedTuple):
    """What was found: the rubric, and P(A preferred) by its lines [pairs]."""

    rubric: str
    said: NDArray[np.float64]


def proposing_prompts(
    seen: Seen, so_far: SoFar | None, config: LeadConfig, variants: int, seed: int
) -> list[str]:
    """One prompt for each variant, each with pairs of its own as far as there are enough."""
    ranked = _worst(seen, so_far) if so_far else _clearest(seen, config.contrasts * variants, seed)
    shares = [ranked[one::variants][: config.contrasts] for one in range(variants)]
    return [_prompt(seen, so_far, places, config) for places in shares]


def _clearest(seen: Seen, wanted: int, seed: int) -> list[int]:
    """Pairs with clear labels, drawn so that a few extreme ones are not all that is seen."""
    order = np.argsort(-np.abs(seen.target - 0.5), kind="stable").tolist()
    sided = [place for place in order if seen.target[place] != 0.5][: _CLEAR * wanted]
    return Random(seed).sample(sided, min(wanted, len(sided)))


def _worst(seen: Seen, so_far: SoFar) -> list[int]:
    """Pairs on which label and rubric are furthest apart, of those with a side."""
    order = np.argsort(-np.abs(seen.target - so_far.said), kind="stable").tolist()
    return [place for place in order if seen.target[place] != 0.5]


def _prompt(seen: Seen, so_far: SoFar | None, places: Sequence[int], config: LeadConfig) -> str:
    texts = [list(_texts(seen, place, config)) for place in places]
    rubric = so_far.rubric if so_far else ""
    nonce = new_nonce([rubric, *(text for of_pair in texts for _, text in of_pair)])
    shown = [
        "\n".join([_strength(seen, place, number), *(fence(*text, nonce) for text in of_pair)])
        for number, (place, of_pair) in enumerate(zip(places, texts, strict=True), start=1)
    ]
    return (
        template("propose_lines")
        .substitute(
            summary=_summary(seen),
            so_far=_found(seen, so_far, nonce) if so_far else "Nothing has been tried yet.",
            shown=len(places),
            which=" on which this rubric is furthest off, the worst first" if so_far else "",
            nonce=nonce,
            pairs="\n\n".join(shown),
            lines=_LINES,
        )
        .strip()
    )


def _summary(seen: Seen) -> str:
    """The data in one sentence, with counts."""
    prompts = len({pair.prompt_key for pair in seen.pairs})
    clear = float(np.mean(np.abs(seen.target - 0.5) >= 0.25))
    words = [len(text.split()) for p in seen.pairs for text in (p.response_a, p.response_b)]
    return (
        f"{len(seen.pairs)} pairs on {prompts} prompts, {clear:.0%} of them with a clear "
        f"preference (0.75 or more); half of the responses have {int(np.median(words))} words or "
        f"more; the longer one is preferred in {_longest(seen):.0%}."
    )


def _longest(seen: Seen) -> float:
    """Share of sided pairs on which the longer response is preferred; equal lengths are half."""
    longer = [np.sign(len(pair.response_a) - len(pair.response_b)) for pair in seen.pairs]
    return _agreeing(np.array(longer, dtype=np.float64), seen.target)


def _agreeing(side: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    sided = target != 0.5
    right = (1 + np.sign(side) * np.sign(target - 0.5)) / 2
    return float(right[sided].mean()) if sided.any() else 0.5


def _found(seen: Seen, so_far: SoFar, nonce: str) -> str:
    return (
        template("propose_so_far")
        .substitute(
            agreement=f"{_agreeing(so_far.said - 0.5, seen.target):.2f}",
            n=len(seen.pairs),
            longest=f"{_longest(seen):.2f}",
            rubric=fence("RUBRIC", so_far.rubric.strip(), nonce),
        )
        .strip()
    )


def _strength(seen: Seen, place: int, number: int) -> str:
    return f"Pair {number}, preference {max(seen.target[place], 1 - seen.target[place]):.2f}:"


def _texts(seen: Seen, place: int, config: LeadConfig) -> Iterator[tuple[str, str]]:
    """The texts of a pair, each with what it is, the preferred response before the other."""
    pair, length = seen.pairs[place], config.max_response
    both = (pair.response_a, pair.response_b)
    preferred, other = both if seen.target[place] > 0.5 else both[::-1]
    yield "PROMPT", shortened(render_messages(pair.prompt), length)
    for kind, text, beside in (("PREFERRED", preferred, other), ("OTHER", other, preferred)):
        yield kind, shortened(_apart(text, beside, length), length)


def _apart(text: str, beside: str, length: int) -> str:
    """A text that is too long, without what both begin and end with alike."""
    if len(text) <= length:
        return text
    rows, others = text.split("\n"), beside.split("\n")
    begun = _alike(rows, others)
    ended = _alike(rows[begun:][::-1], others[begun:][::-1])
    kept = rows[begun : len(rows) - ended]
    head = ["[the same in both …]"] if begun else []
    return "\n".join([*head, *kept, *(["[… the same in both]"] if ended else [])])


def _alike(rows: Sequence[str], others: Sequence[str]) -> int:
    """How many rows both begin with."""
    same = [one == other for one, other in zip(rows, others, strict=False)]
    return same.index(False) if False in same else len(same)


def shortened(text: str, length: int) -> str:
    """A text of about `length` characters: head and end, with how much is left out between."""
    if len(text) <= length:
        return text
    head = round(_HEAD * length)
    tail = length - head
    return f"{text[:head]}\n[… {len(text) - length} characters …]\n{text[-tail:]}"
