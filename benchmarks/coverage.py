"""`python -m benchmarks.coverage`: how often do the suite's 95% intervals hold the truth?

Each kind of number is drawn again and again from a world whose answer is known (`simulated`), and
its interval is made by the function that the suite reports it with (`estimates.estimate`,
`alpha.alpha`), nothing else. Coverage should be 95%; of 300 repetitions it is itself known to 2.5
points (two standard errors), of 1,000 to 1.4. An interval may also be too wide, so the mean width
stands beside it.

The methods that were not chosen are run on the same samples: bootstraps over prompts (BCa and
percentile, what most suites report, and the studentised one), and Student's t with as many degrees
of freedom as there are prompts less one.
"""

import time
from collections.abc import Callable
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console
from scipy.stats import bootstrap

from argo_audit.report.markdown import table
from argo_audit.stats.intervals import Clustered, by_prompt, quantile
from benchmarks.simulated import Sample, World, worlds

PROMPTS = (100, 400)
RESAMPLES = 499
GOAL, TOLERANCE = 0.95, 0.03

page = Console(soft_wrap=True)

Bounds = tuple[float, float]


class Covered(NamedTuple):
    """How often intervals held the truth, and their mean width."""

    share: float
    width: float

    def __str__(self) -> str:
        """The share, marked where it is more than the tolerance away from its goal."""
        mark = "" if abs(self.share - GOAL) <= TOLERANCE else " !"
        return f"{self.share:.1%}{mark} ({self.width:.3f})"


def main(
    repetitions: Annotated[int, typer.Option(min=1, help="Samples of each world.")] = 600,
    rivals: Annotated[int, typer.Option(min=0, help="Of which the other methods are run.")] = 300,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
) -> None:
    """Print coverage and mean width of every interval, at 100 and 400 prompts."""
    started = time.perf_counter()
    rows, outside = [], 0
    for name, world in worlds().items():
        for prompts in PROMPTS:
            ours = covered(world, prompts, repetitions, seed, _suite(world))
            beside = [
                str(covered(world, prompts, rivals, seed, method))
                if world.resampled and rivals
                else "-"
                for method in RIVALS.values()
            ]
            method = _method(world, prompts, seed)
            rows.append([name, str(prompts), f"{world.truth:.4g}", str(ours), method, *beside])
            outside += abs(ours.share - GOAL) > TOLERANCE
    header = ["", "prompts", "truth", "suite", "method", *RIVALS]
    page.print(table(header, rows), markup=False, highlight=False)
    page.print(
        f"\nCoverage of nominal 95% intervals (mean width); ! is outside {GOAL - TOLERANCE:.0%} to "
        f"{GOAL + TOLERANCE:.0%}. {repetitions} samples ({rivals} for the other methods), "
        f"1 to 3 pairs a prompt, seed {seed}; {time.perf_counter() - started:.0f} s.\n"
        f"Outside: {outside} of {len(rows)}.",
        markup=False,
        highlight=False,
    )


def covered(
    world: World, prompts: int, repetitions: int, seed: int, method: Callable[[Sample], Bounds]
) -> Covered:
    samples = (
        world.draw(np.random.default_rng([seed, prompts, repetition]), prompts)
        for repetition in range(repetitions)
    )
    bounds = np.array([method(sample) for sample in samples])
    held = (bounds[:, 0] <= world.truth) & (world.truth <= bounds[:, 1])
    return Covered(float(held.mean()), float(np.mean(bounds[:, 1] - bounds[:, 0])))


def _suite(world: World) -> Callable[[Sample], Bounds]:
    def measured(sample: Sample) -> Bounds:
        found = world.measure(sample).interval
        return (np.nan, np.nan) if found is None else (found.low, found.high)

    return measured


def _method(world: World, prompts: int, seed: int) -> str:
    found = world.measure(world.draw(np.random.default_rng(seed), prompts)).interval
    return "" if found is None else found.method.partition(",")[0]


def _bca(sample: Sample) -> Bounds:
    sums, counts = by_prompt(sample.values, sample.keys)
    mean = sums.sum() / counts.sum()
    if np.allclose(sums, mean * counts):
        return mean, mean
    found = bootstrap(
        (sums, counts),
        lambda s, c, axis=-1: s.sum(axis=axis) / c.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def _percentile(sample: Sample) -> Bounds:
    means, _ = _resampled(by_prompt(sample.values, sample.keys))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _studentised(sample: Sample) -> Bounds:
    values = by_prompt(sample.values, sample.keys)
    means, errors = _resampled(values)
    t = (means[errors > 0] - values.mean) / errors[errors > 0]
    if not len(t):
        return values.mean, values.mean
    low, high = np.quantile(t, [0.025, 0.975])
    return values.mean - float(high) * values.error, values.mean - float(low) * values.error


def _t(sample: Sample) -> Bounds:
    values = by_prompt(sample.values, sample.keys)
    half = quantile(len(values.sums) - 1) * values.error
    return values.mean - half, values.mean + half


def _resampled(values: Clustered) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of each resample of the prompts."""
    groups = len(values.sums)
    drawn = np.random.default_rng(0).integers(0, groups, (RESAMPLES, groups))
    sums, counts = values.sums[drawn], values.counts[drawn]
    means = sums.sum(axis=1) / counts.sum(axis=1)
    residuals = sums - counts * means[:, None]
    scale = groups / (groups - 1)
    return means, np.sqrt(scale * np.sum(residuals**2, axis=1)) / counts.sum(axis=1)


RIVALS: dict[str, Callable[[Sample], Bounds]] = {
    "BCa": _bca,
    "percentile": _percentile,
    "studentised": _studentised,
    "t": _t,
}


if __name__ == "__main__":
    typer.run(main)
