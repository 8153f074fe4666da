"""How rubrics change over training (Figure 5), and whether the search collapsed.

    for third in stages(record.attempts, count=3, sample=100):
        third.means["gates"], third.best.rubric.text

Early rubrics tend to lean on gates, caps and weights; the paper saw them go. The figure is about
what the writer writes, so it looks at a random sample of all attempts, not at the good ones (a
sample, because reading a rubric's outline takes milliseconds and a search makes thousands).
Attempts of one step share their prompts and their policy, so intervals resample steps.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from scipy.stats import bootstrap

from argo_audit.audit.curves import RESAMPLES, Array, gain, windows
from argo_audit.records import Attempt, Interval
from argo_audit.rubrics import outline

PARTS = ("gates", "caps", "weights", "criteria", "words")

_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s|\|", re.M)
_RUN = 3  # words in a row that are looked for again
_LONG_ENOUGH = 20  # words below which repetition says nothing


@dataclass(frozen=True)
class Mean:
    """A mean over attempts and its 95% interval; None with fewer than two steps."""

    value: float
    interval: Interval | None


@dataclass(frozen=True)
class Stage:
    """Steps `first` to `last`: mean of each of PARTS over `sampled` of its `attempts` attempts.

    `best` is the attempt with the highest gain on train, `best_index` its place in the run.
    """

    first: int
    last: int
    attempts: int
    sampled: int
    means: dict[str, Mean]
    best: Attempt
    best_index: int


@dataclass(frozen=True)
class Collapse:
    """Shares (0 to 1) of attempts that a search should not end in; `distinct` is one it should.

    Empty: no visible character. Without criteria: some text, but no line that could be a list item
    or a table row. Repeating: at least half of its three-word runs occurred earlier in it.
    """

    empty: float
    without_criteria: float
    repeating: float
    distinct: float
    attempts: int


def parts(text: str) -> dict[str, int]:
    """How many gates, caps, weights and criteria (with bias lines) a rubric has; its words."""
    found = outline(text)
    return {
        "gates": len(found.gates),
        "caps": sum(gate.cap is not None for gate in found.gates),
        "weights": sum(criterion.weight is not None for criterion in found.criteria),
        "criteria": len(found.criteria) + len(found.biases),
        "words": len(text.split()),
    }


def stages(attempts: Sequence[Attempt], count: int, sample: int, seed: int = 0) -> list[Stage]:
    """The search cut into `count` ranges of steps; those in which nothing was tried left out.

    Of each range at most `sample` attempts are read.
    """
    rng = Random(seed)
    found = []
    for steps in windows(attempts, count):
        own = [(i, attempt) for i, attempt in enumerate(attempts) if attempt.step in steps]
        if own:
            index, best = max(own, key=lambda item: (gain(item[1]), -item[0]))
            read = [attempt for _, attempt in rng.sample(own, min(sample, len(own)))]
            means = _means(read, seed)
            found.append(Stage(steps[0], steps[-1], len(own), len(read), means, best, index))
    return found


def collapse(attempts: Sequence[Attempt]) -> Collapse | None:
    """How far the writer went wrong; None when nothing was tried."""
    if not attempts:
        return None
    texts = [attempt.rubric.text for attempt in attempts]
    empty = sum(not text.strip() for text in texts)
    bare = sum(not _ITEM.search(text) for text in texts)
    total = len(texts)
    return Collapse(
        empty=empty / total,
        without_criteria=(bare - empty) / total,
        repeating=sum(map(repeats, texts)) / total,
        distinct=len(set(texts)) / total,
        attempts=total,
    )


def repeats(text: str) -> bool:
    """Whether at least half of the text's three-word runs occurred earlier in it."""
    words = text.lower().split()
    runs = list(zip(*(words[i:] for i in range(_RUN)), strict=False))
    return len(words) >= _LONG_ENOUGH and len(set(runs)) <= len(runs) / 2


def _means(attempts: Sequence[Attempt], seed: int) -> dict[str, Mean]:
    steps = np.unique([attempt.step for attempt in attempts], return_inverse=True)[1]
    texts = [attempt.rubric.text for attempt in attempts]
    counted = np.array([list(parts(text).values()) for text in texts], dtype=np.float64)
    sizes = np.bincount(steps).astype(np.float64)
    sums = [np.bincount(steps, weights=column).astype(np.float64) for column in counted.T]
    return {
        part: Mean(float(total.sum() / sizes.sum()), _interval(total, sizes, seed))
        for part, total in zip(PARTS, sums, strict=True)
    }


def _interval(sums: Array, sizes: Array, seed: int) -> Interval | None:
    """95% interval of sum(sums) / sum(sizes), steps resampled with replacement."""
    if len(sums) < 2:
        return None
    found = bootstrap(
        (sums, sizes),
        lambda s, n, axis=-1: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    method = f"percentile bootstrap over {len(sums)} steps, {RESAMPLES} resamples"
    return Interval(low=float(found.low), high=float(found.high), method=method)
