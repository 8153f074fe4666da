"""Worlds of pairs with a known answer, as a mean over pairs is estimated in: for `coverage`.

    world = WORLDS["agreement 75%"]
    sample = world.draw(np.random.default_rng(0), 100)   # values of the pairs of 100 prompts

A prompt has one to three pairs. Pairs of a prompt are alike: their chances are drawn from a Beta or
Dirichlet distribution with the prompt's (intraclass correlation 0.2), their numbers share an
offset. The truth is written down or, where there is no formula, the mean of a sample so large that
its error is a hundredth of an interval.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from argo_audit.stats.agreement import kl_divergence
from argo_audit.stats.alpha import alpha
from argo_audit.stats.estimates import Estimate, estimate

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ALIKE = 0.2
MOST_PAIRS = 3
MANY_PROMPTS = 100_000
TRUTH_SEED = 2026
CLIP = 1e-3


class Sample(NamedTuple):
    """Values by pair, and the prompt of each; several columns are ratings of the same pair."""

    values: Array
    prompts: Integers

    @property
    def keys(self) -> list[str]:
        """The prompts as the suite names them."""
        return [str(prompt) for prompt in self.prompts]


class World(NamedTuple):
    """`draw` gives a sample of so many prompts; `measure` is the suite's own function."""

    draw: Callable[[np.random.Generator, int], Sample]
    truth: float
    measure: Callable[[Sample], Estimate]
    resampled: bool = True


def _share(sample: Sample) -> Estimate:
    return estimate(sample.values, sample.keys)


def _difference(sample: Sample) -> Estimate:
    return estimate(sample.values, sample.keys, test=True)


def _number(sample: Sample) -> Estimate:
    return estimate(sample.values, sample.keys, verdicts=False)


def _alpha(sample: Sample) -> Estimate:
    return alpha(sample.values.tolist(), sample.keys)


def _prompts(rng: np.random.Generator, n: int) -> Integers:
    return np.repeat(np.arange(n), rng.integers(1, MOST_PAIRS + 1, n))


def _verdicts(share: float) -> World:
    """Pairs that agree, or flip, with this chance."""
    spread = 1 / ALIKE - 1

    def draw(rng: np.random.Generator, n: int) -> Sample:
        prompts = _prompts(rng, n)
        chance = rng.beta(share * spread, (1 - share) * spread, n)
        return Sample((rng.random(len(prompts)) < chance[prompts]).astype(float), prompts)

    return World(draw, share, _share)


def _gains(gained: float, lost: float) -> World:
    """Pairs that one judge gets right and the other wrong, or the other way round."""
    spread = 1 / ALIKE - 1
    shares = np.array([gained, lost, 1 - gained - lost])
    drawn = np.maximum(shares, 1e-9) * spread

    def draw(rng: np.random.Generator, n: int) -> Sample:
        prompts = _prompts(rng, n)
        edges = np.cumsum(rng.dirichlet(drawn, n), axis=1)[prompts, :2]
        place = (rng.random((len(prompts), 1)) > edges).sum(axis=1)
        return Sample(np.array([1.0, -1.0, 0.0])[place], prompts)

    return World(draw, gained - lost, _difference)


def _kl(rng: np.random.Generator, n: int) -> Sample:
    """A judge that is surer than it should be, on soft labels; prompts differ in how wrong."""
    prompts = _prompts(rng, n)
    label = rng.normal(0, 1.2, len(prompts))
    off = rng.normal(0, 0.7, n)[prompts] + rng.normal(0, 1.3, len(prompts))
    return Sample(kl_divergence(expit(label), expit(1.5 * label + off), CLIP), prompts)


def _hard_kl(rng: np.random.Generator, n: int) -> Sample:
    """Hard labels and an over-confident judge: one pair in twelve costs nearly all there is."""
    agrees = _verdicts(0.92).draw(rng, n)
    target, said = np.ones(len(agrees.values)), rng.beta(8, 0.5, len(agrees.values))
    judged = np.where(agrees.values > 0, said, 1 - said)
    return Sample(kl_divergence(target, judged, CLIP), agrees.prompts)


def _effect(rng: np.random.Generator, n: int) -> Sample:
    """Changes of a reward, with a few large ones (t with 4 degrees of freedom)."""
    prompts = _prompts(rng, n)
    return Sample(0.3 + rng.normal(0, 0.5, n)[prompts] + rng.standard_t(4, len(prompts)), prompts)


def _rare_change(rng: np.random.Generator, n: int) -> Sample:
    """Changes of KL where a criterion speaks of one pair in ten."""
    hit = _verdicts(0.1).draw(rng, n)
    return Sample(hit.values * rng.normal(0.1, 0.3, len(hit.values)), hit.prompts)


def _runs(confidence: float, *, verdicts: bool) -> Callable[[np.random.Generator, int], Sample]:
    """Three runs of a judge; the smaller `confidence`, the nearer its P(A) to 0 or 1."""

    def draw(rng: np.random.Generator, n: int) -> Sample:
        prompts = _prompts(rng, n)
        shared = rng.random(len(prompts)) < 0.5
        of_prompt = rng.beta(confidence, confidence, n)[prompts]
        p = np.where(shared, of_prompt, rng.beta(confidence, confidence, len(prompts)))[:, None]
        if verdicts:
            return Sample((rng.random((len(prompts), 3)) < p).astype(float), prompts)
        odds = np.log(np.clip(p, 1e-3, 1 - 1e-3) / (1 - np.clip(p, 1e-3, 1 - 1e-3)))
        return Sample(expit(odds + rng.normal(0, 0.7, (len(prompts), 3))), prompts)

    return draw


def _of(
    draw: Callable[[np.random.Generator, int], Sample],
    measure: Callable[[Sample], Estimate],
    *,
    many: int,
    resampled: bool = True,
) -> World:
    truth = measure(draw(np.random.default_rng(TRUTH_SEED), many)).mean
    return World(draw, truth or 0.0, measure, resampled)


def worlds(many: int = MANY_PROMPTS) -> Mapping[str, World]:
    """Every interval that the suite reports, in easy places and at the edge.

    `many` prompts are as good as all of them, where the truth has no formula.
    """
    return {
        "agreement 75%": _verdicts(0.75),
        "agreement 95%": _verdicts(0.95),
        "flip rate 10%": _verdicts(0.10),
        "flip rate 2%": _verdicts(0.02),
        "flip rate 0.5%": _verdicts(0.005),
        "KL, soft labels": _of(_kl, _number, many=many),
        "KL, hard labels": _of(_hard_kl, _number, many=many),
        "paired difference 20 points": _gains(0.30, 0.10),
        "paired difference 3 points": _gains(0.08, 0.05),
        "contribution of a criterion 2 points": _gains(0.02, 0.0),
        "contribution of a redundant criterion": _gains(0.02, 0.02),
        "contribution to KL, seldom": _of(_rare_change, _number, many=many),
        "mean probe effect": _of(_effect, _number, many=many)._replace(truth=0.3),
        "alpha of verdicts, unsure judge": _of(
            _runs(0.5, verdicts=True), _alpha, resampled=False, many=many
        ),
        "alpha of verdicts, sure judge": _of(
            _runs(0.05, verdicts=True), _alpha, resampled=False, many=many
        ),
        "alpha of P(A)": _of(_runs(0.2, verdicts=False), _alpha, resampled=False, many=many),
    }
