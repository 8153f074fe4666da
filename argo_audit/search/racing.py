"""Rubrics raced: all judged on a few pairs, the better half on twice as many more, and so on.

    raced = race(panel, texts, pairs, labels, Heats(first=32, heats=3))
    raced[0].text                  # the winner; raced[-1] left first

Every heat is on pairs that no rubric in it has been judged on, the same for all: successive halving
(Jamieson and Talwalkar, 2016), so that calls go where rubrics are close. A rubric is as good as its
KL at its own temperature is low, as a search pays for it. Rubrics are named in the order in which
they are to be preferred where the pairs do not tell them apart.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from argo_audit.records import Label, Pair
from argo_audit.search.panel import Panel, Verdicts
from argo_audit.stats.agreement import Array, fit_temperature, kl_divergence, tempered

_ROUNDING = 1e-9


class Heats(NamedTuple):
    """How a race goes: pairs of the first heat, how many heats, clipping of probabilities.

    `noise` is by how many standard errors a rubric has to be better than one named before it.
    """

    first: int
    heats: int
    clip: float
    noise: float = 1.0


class Raced(NamedTuple):
    """A rubric, and what the judge said with it on as many pairs as it stayed for."""

    text: str
    said: Verdicts
    labels: Sequence[Label]


def race(
    panel: Panel,
    texts: Sequence[str],
    pairs: Sequence[Pair],
    labels: Sequence[Label],
    heats: Heats,
) -> list[Raced]:
    """Judge `texts` on `pairs`, which have `labels` in this order; the winner comes first.

    A rubric that is no worse than the best beyond the noise of their difference, pair by pair, goes
    before those that are, and of several such the one that was named first.
    """
    said: dict[str, Verdicts] = {}
    target = np.array([label.p_a for label in labels], dtype=np.float64)
    alive, left, done = list(dict.fromkeys(texts)), list[str](), 0
    for end in _ends(heats, len(pairs)):
        judged = panel.judge(alive, pairs[done:end])
        for text in alive:
            said[text] = said[text].extended(judged[text]) if text in said else judged[text]
        lost = np.stack([_lost(said[text], target[:end], heats.clip) for text in alive])
        alive = _ranked(alive, lost, heats.noise)
        done, stay = end, -(-len(alive) // 2)
        left, alive = [*alive[stay:], *left], alive[:stay]
        if len(alive) == 1:
            break
    return [Raced(text, said[text], labels[: len(said[text])]) for text in [*alive, *left]]


def _ends(heats: Heats, pairs: int) -> Iterator[int]:
    """After how many pairs each heat is over; with too few pairs there are fewer heats."""
    for heat in range(heats.heats):
        end = heats.first * 2**heat
        if heat and end > pairs:
            return
        yield min(end, pairs)


def _ranked(texts: Sequence[str], lost: Array, noise: float) -> list[str]:
    """Best first, by what each loses on each pair [texts, pairs]."""
    mean = lost.mean(axis=1)
    apart = lost - lost[np.argmin(mean)]
    error = apart.std(axis=1) / np.sqrt(lost.shape[1])
    as_good = apart.mean(axis=1) <= noise * error + _ROUNDING
    order = sorted(
        range(len(texts)), key=lambda i: (not as_good[i], 0.0 if as_good[i] else mean[i])
    )
    return [texts[i] for i in order]


def _lost(said: Verdicts, target: Array, clip: float) -> Array:
    """KL on each pair at the rubric's own temperature, saying nothing where nothing was read."""
    p_a = np.array([np.nan if one.p_a is None else one.p_a for one in said], dtype=np.float64)
    read = ~np.isnan(p_a)
    judged = np.full(len(p_a), 0.5)
    if read.any():
        temperature = fit_temperature(target[read], p_a[read], clip)
        judged[read] = tempered(p_a[read], temperature, clip)
    return kl_divergence(target, judged, clip)
