"""The numbers of Figures 2 and 6: how the best rubrics improve over a search, and end.

    for window in curve(record, "my-rm"):
        window.dev.mean, window.held_out.max

A search is cut into windows of steps. In each, the 50 best distinct rubrics on train stand for the
window (each step has a minibatch of its own, so what counts is the policy reward above that of a
judge who always says 0.5), and their agreement is measured on dev and on held-out pairs.
A maximum over held-out numbers is selected on held-out and so too good; beside it stands the
held-out agreement of the rubric that is best on dev.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from argo_audit.findings.inputs import RunRecord
from argo_audit.records import Agreement, Attempt, Interval, Split
from argo_audit.stats.agreement import selection_key
from argo_audit.stats.resampling import RESAMPLES, percentile_interval

Array = npt.NDArray[np.float64]

TOP = 50
WINDOWS = 9  # three for each third of training


@dataclass(frozen=True)
class Spread:
    """Agreement (accuracy, 0 to 1) of several rubrics on the same pairs."""

    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """None when nothing was measured."""
        return sum(self.accuracies) / len(self.accuracies) if self.accuracies else None

    @property
    def max(self) -> float | None:
        """None when nothing was measured."""
        return max(self.accuracies, default=None)


@dataclass(frozen=True)
class Window:
    """Steps `first` to `last`; `train` is the mean gain on train of the window's top 50.

    `selected` is the held-out accuracy of the rubric that is best on dev.
    """

    first: int
    last: int
    train: float | None
    dev: Spread
    held_out: Spread
    selected: float | None


class VariantGain(NamedTuple):
    """Mean over steps of the best prompt variant's mean policy reward minus the variants' mean.

    `null_mean` and `null_high` (95th percentile) are the same statistic with each step's rubrics
    dealt to its variants at random: the best of several means is above their mean by luck alone.
    """

    observed: float
    null_mean: float
    null_high: float
    p_value: float
    steps: int


def windows(attempts: Sequence[Attempt], count: int) -> list[range]:
    """The steps 0 to the last one tried, cut into `count` equal ranges (fewer if steps are)."""
    steps = max((attempt.step for attempt in attempts), default=-1) + 1
    count = min(count, steps)
    ends = [-(-steps * i // count) for i in range(count + 1)] if count else []
    return [range(first, end) for first, end in pairwise(ends)]


def curve(record: RunRecord, label_source: str) -> list[Window]:
    """The windows of one run, as the search measured them, against the labels of one source."""
    dev = measured(record, "dev", label_source)
    held_out = measured(record, "held-out", label_source)
    cut = windows(record.attempts, _count(record))
    return [_window(record, steps, dev, held_out) for steps in cut]


def _count(record: RunRecord) -> int:
    """How many windows the search measured; runs of before that was recorded have WINDOWS."""
    search = record.run.config.get("search")
    return int(search.get("windows", WINDOWS)) if isinstance(search, Mapping) else WINDOWS


def gain(attempt: Attempt) -> float:
    """Policy reward above what saying nothing earns on the same minibatch, in nats."""
    return attempt.policy_reward + (attempt.empty_kl or 0.0)


def top(attempts: Sequence[Attempt], steps: range) -> dict[str, float]:
    """The best gain on train of each distinct rubric tried in `steps`, best first."""
    best: dict[str, float] = {}
    for attempt in attempts:
        if attempt.step in steps:
            rubric = attempt.rubric.id
            best[rubric] = max(gain(attempt), best.get(rubric, -np.inf))
    return dict(sorted(best.items(), key=lambda item: (-item[1], item[0])))


def final(record: RunRecord, label_source: str) -> Spread:
    """Held-out agreement of the top 50 of the last window: the end of training."""
    measured = curve(record, label_source)
    return measured[-1].held_out if measured else Spread(())


def variant_gain(attempts: Sequence[Attempt], seed: int = 0) -> VariantGain | None:
    """What choosing among prompt variants within a step gains; None without two variants."""
    rng = np.random.default_rng(seed)
    gains = [_step_gain(rewards, rng) for rewards in _by_variant(attempts)]
    if not gains:
        return None
    total = np.mean(gains, axis=0)  # [1 + RESAMPLES], the first is the observed one
    observed, null = float(total[0]), total[1:]
    p_value = (1 + int((null >= observed).sum())) / (1 + len(null))
    high = float(np.quantile(null, 0.95))
    return VariantGain(observed, float(null.mean()), high, p_value, len(gains))


def mean_difference(first: Spread, second: Spread, seed: int = 0) -> Interval | None:
    """95% interval of mean(first) - mean(second) over rubrics; None when one has under two."""
    return _over_rubrics((first, second), seed)


def spread_interval(spread: Spread, seed: int = 0) -> Interval | None:
    """95% interval of the mean over rubrics; None of fewer than two."""
    return _over_rubrics((spread,), seed)


def _over_rubrics(spreads: Sequence[Spread], seed: int) -> Interval | None:
    """Of the mean of the first, minus that of a second where there is one."""
    samples = [np.array(spread.accuracies) for spread in spreads]
    if min(map(len, samples)) < 2:
        return None
    return percentile_interval(
        samples,
        lambda a, *b, axis=-1: a.mean(axis=axis) - sum(other.mean(axis=axis) for other in b),
        "rubrics",
        seed=seed,
    )


def measured(record: RunRecord, split: Split, label_source: str) -> dict[str, Agreement]:
    """Agreement by rubric id, where it was measured."""
    wanted = (split, label_source)
    found = (m for m in record.measurements if (m.split, m.label_source) == wanted)
    return {m.rubric_id: m.agreement for m in found if m.agreement.accuracy is not None}


def _window(
    record: RunRecord, steps: range, dev: dict[str, Agreement], held_out: dict[str, Agreement]
) -> Window:
    """Ranks by gain on train among the rubrics that were measured at all; dev selects."""
    ranked = top(record.attempts, steps)
    best = [rubric for rubric in ranked if rubric in dev or rubric in held_out][:TOP]
    on_both = [rubric for rubric in best if rubric in dev and rubric in held_out]
    selected = max(on_both, key=lambda rubric: selection_key(dev[rubric]), default=None)
    gains = list(ranked.values())[:TOP]
    return Window(
        first=steps[0],
        last=steps[-1],
        train=sum(gains) / len(gains) if gains else None,
        dev=_spread(dev, best),
        held_out=_spread(held_out, best),
        selected=None if selected is None else held_out[selected].accuracy,
    )


def _spread(measured: dict[str, Agreement], rubrics: Sequence[str]) -> Spread:
    found = [measured[rubric].accuracy for rubric in rubrics if rubric in measured]
    return Spread(tuple(accuracy for accuracy in found if accuracy is not None))


def _by_variant(attempts: Sequence[Attempt]) -> list[list[tuple[int, float]]]:
    """(variant, policy reward) of each step in which at least two variants were tried."""
    steps: dict[int, list[tuple[int, float]]] = {}
    for attempt in attempts:
        pair = (attempt.prompt_variant, attempt.policy_reward)
        steps.setdefault(attempt.step, []).append(pair)
    return [pairs for pairs in steps.values() if len({variant for variant, _ in pairs}) > 1]


def _step_gain(pairs: list[tuple[int, float]], rng: np.random.Generator) -> Array:
    """[1 + RESAMPLES] best minus mean of the variants' means, as dealt and dealt at random."""
    variants, index = np.unique([variant for variant, _ in pairs], return_inverse=True)
    member = np.eye(len(variants))[index]  # [rubric, variant]
    rewards = np.array([reward for _, reward in pairs])
    dealt = np.vstack([rewards, rng.permuted(np.tile(rewards, (RESAMPLES, 1)), axis=1)])
    means = dealt @ (member / member.sum(axis=0))
    return np.asarray(means.max(axis=1) - means.mean(axis=1), dtype=np.float64)
