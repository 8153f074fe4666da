"""What a policy is shown when it proposes lines: what the data are, and pairs that contrast.

    prompts = proposing_prompts(Seen(pairs, target), None, config, variants=3, seed=0)

In the first round these are pairs whose label is clear; later, those that the rubric found so far
gets most wrong, beside the rubric with its agreement, chance and "the longer one". How texts are
shown is in `shown_pairs`.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argo_audit.prompts import template
from argo_audit.prompts.fences import fence, new_nonce
from argo_audit.search.search_settings import LeadConfig
from argo_audit.search.shown_pairs import Seen, agreeing, fenced, longest, summary_of, texts_of

_CLEAR = 3  # pairs are drawn among the clearest, so many times as many as are shown
_LINES = 15


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
    length = config.max_response
    texts = [texts_of(seen.pairs[place], seen.target[place], length) for place in places]
    rubric = so_far.rubric if so_far else ""
    nonce = new_nonce([rubric, *(text for of_pair in texts for _, text in of_pair)])
    shown = [
        "\n".join([_strength(seen, place, number), fenced(of_pair, nonce)])
        for number, (place, of_pair) in enumerate(zip(places, texts, strict=True), start=1)
    ]
    return (
        template("propose_lines")
        .substitute(
            summary=summary_of(seen),
            so_far=_found(seen, so_far, nonce) if so_far else "Nothing has been tried yet.",
            shown=len(places),
            which=" on which this rubric is furthest off, the worst first" if so_far else "",
            nonce=nonce,
            pairs="\n\n".join(shown),
            lines=_LINES,
        )
        .strip()
    )


def _found(seen: Seen, so_far: SoFar, nonce: str) -> str:
    return (
        template("propose_so_far")
        .substitute(
            agreement=f"{agreeing(so_far.said - 0.5, seen.target):.2f}",
            n=len(seen.pairs),
            longest=f"{longest(seen):.2f}",
            rubric=fence("RUBRIC", so_far.rubric.strip(), nonce),
        )
        .strip()
    )


def _strength(seen: Seen, place: int, number: int) -> str:
    return f"Pair {number}, preference {max(seen.target[place], 1 - seen.target[place]):.2f}:"
