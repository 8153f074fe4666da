"""How rubrics change over training (Figure 5), and whether the search collapsed.

    for phase in stages(record.attempts, phases(record, "my-rm").steps, sample=100):
        phase.means["gates"], phase.shown.rubric.text

Early rubrics tend to lean on gates, caps and weights; the paper saw them go. The figure is about
what the writer writes, so it looks at a random sample of all attempts, not at the good ones (a
sample, because reading a rubric's outline takes milliseconds and a search makes thousands).
Attempts of one step share their prompts and their policy, so intervals resample steps.

How hard a rubric reads is LIX, words per sentence plus the percentage of words of more than six
letters (Björnsson, 1968): 25 is a children's book, 60 a law. The end of a line ends a sentence. It
needs no syllables and no language.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from argo_audit.findings.curves import TOP, Array, gain, top
from argo_audit.records import Attempt, Interval
from argo_audit.rubrics.outline import outline
from argo_audit.stats.resampling import percentile_interval

LIX = "LIX"
PARTS = ("gates", "caps", "weights", "criteria", "words", LIX)

_ITEM = re.compile(r"^(?:(?!\n)\s)*(?:[-*+]|\d+[.)])\s|\|", re.M)
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_END = re.compile(r"[.!?:;|\n]+")
_LONG_WORD = 6  # letters; LIX counts words of more
_RUN = 3  # words in a row that are looked for again
_LONG_ENOUGH = 20  # words below which repetition says nothing


@dataclass(frozen=True)
class Mean:
    """A mean over attempts and its 95% interval.

    No value where no attempt has one, no interval with fewer than two steps.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Stage:
    """Steps `first` to `last`: mean of each of PARTS over `sampled` of its `attempts` attempts.

    `shown` stands for them: of the 50 best on train it is the one whose parts are nearest to the
    means. `shown_index` is its place in the run.
    """

    first: int
    last: int
    attempts: int
    sampled: int
    means: dict[str, Mean]
    shown: Attempt
    shown_index: int


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


def parts(text: str) -> dict[str, float | None]:
    """How many gates, caps, weights and criteria (with bias lines) a rubric has, words, and LIX."""
    found = outline(text)
    return {
        "gates": len(found.gates),
        "caps": sum(gate.cap is not None for gate in found.gates),
        "weights": sum(criterion.weight is not None for criterion in found.criteria),
        "criteria": len(found.criteria) + len(found.biases),
        "words": len(text.split()),
        LIX: lix(text),
    }


def lix(text: str) -> float | None:
    """How hard a text reads: the higher, the harder; None without a word."""
    sentences = [words for part in _SENTENCE_END.split(text) if (words := _WORD.findall(part))]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return None
    long = sum(len(word) > _LONG_WORD for word in words)
    return len(words) / len(sentences) + 100 * long / len(words)


def stages(
    attempts: Sequence[Attempt], cut: Sequence[range], sample: int, seed: int = 0
) -> list[Stage]:
    """What was written in each of some ranges of steps; those in which nothing was are left out.

    Of each range at most `sample` attempts are read.
    """
    rng = Random(seed)
    found = []
    for steps in cut:
        own = [attempt for attempt in attempts if attempt.step in steps]
        if own:
            read = rng.sample(own, min(sample, len(own)))
            means = _means(read, seed)
            place = _typical(attempts, steps, means)
            found.append(
                Stage(steps[0], steps[-1], len(own), len(read), means, attempts[place], place)
            )
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


def mean_over_steps(values: Sequence[float] | Array, steps: Sequence[int], seed: int = 0) -> Mean:
    """The mean of what is known of `values`, each of a step; the interval resamples steps."""
    numbers = np.asarray(values, dtype=np.float64)
    index = np.unique(steps, return_inverse=True)[1]
    known = ~np.isnan(numbers)
    if not known.any():
        return Mean(None, None)
    sizes = np.bincount(index, weights=known).astype(np.float64)
    sums = np.bincount(index, weights=np.where(known, numbers, 0.0)).astype(np.float64)
    has = sizes > 0
    return Mean(float(sums.sum() / sizes.sum()), _interval(sums[has], sizes[has], seed))


def _typical(attempts: Sequence[Attempt], steps: range, means: dict[str, Mean]) -> int:
    """The place of the attempt that stands for a range of steps; the better of two as near."""
    best = list(top(attempts, steps))[:TOP]
    places = {rubric: place for place, rubric in enumerate(best)}
    known: dict[str, int] = {}
    for place, attempt in enumerate(attempts):
        rubric = attempt.rubric.id
        if attempt.step in steps and rubric in places:
            held = known.get(rubric)
            if held is None or gain(attempt) > gain(attempts[held]):
                known[rubric] = place
    chosen = sorted(known.values(), key=lambda place: places[attempts[place].rubric.id])
    centre = np.array([means[part].value for part in PARTS], dtype=np.float64)
    counted = _counted([attempts[place].rubric.text for place in chosen])
    spread = np.nanstd(np.vstack([counted, centre]), axis=0)
    far = np.nan_to_num((counted - centre) / np.where(spread > 0, spread, 1.0), nan=1.0)
    return chosen[int(np.argmin(np.sum(far**2, axis=1).round(9)))]


def _counted(texts: Sequence[str]) -> Array:
    """[texts, PARTS], NaN for what a text has no value of."""
    return np.array([list(parts(text).values()) for text in texts], dtype=np.float64)


def _means(attempts: Sequence[Attempt], seed: int) -> dict[str, Mean]:
    steps = [attempt.step for attempt in attempts]
    counted = _counted([attempt.rubric.text for attempt in attempts])
    columns = zip(PARTS, counted.T, strict=True)
    return {part: mean_over_steps(own, steps, seed) for part, own in columns}


def _interval(sums: Array, sizes: Array, seed: int) -> Interval | None:
    """95% interval of sum(sums) / sum(sizes), steps resampled with replacement."""
    if len(sums) < 2:
        return None
    return percentile_interval(
        (sums, sizes),
        lambda s, n, axis=-1: s.sum(axis=axis) / n.sum(axis=axis),
        f"{len(sums)} steps",
        paired=True,
        seed=seed,
    )
