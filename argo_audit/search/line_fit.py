"""Lines weighed: a regression of the labels on what a judge says of each line.

    found = weigh(evidence(p_a), target, families, seed=0)
    found.weights            # log-odds of the label for each of an answer; 0: the line is left out
    found.stability, found.z

A logistic regression on soft labels, penalised in L1 and a little in L2, without an intercept:
exchanging the letters changes every sign. The penalty is chosen by cross-validation over families
of prompts, since pairs of one prompt are not independent.

A line that goes along with the labels is not yet one that says why. So a line is kept when it has
the same sign in most resamples of the families (Meinshausen and Buehlmann, 2010, "Stability
selection"), and when beside the other lines that were kept it still says something: its score
without it is off zero by LEAST_Z standard errors over families; the weakest goes first. A score
normalised by itself is at most the root of the number of families that show the line, so that a
line which few pairs show does not count, however well it fits them; a weight over its error would.
What is kept is weighed again without the L1 penalty, which shrinks.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

Array = NDArray[np.float64]

LEAST_Z = 2.0
LEAST_STABLE = 0.8
SURE = 0.02
"""Answers are clipped to [SURE, 1 - SURE] before their log-odds are taken."""

_RIDGE = 0.003
_PENALTIES = (0.1, 0.05, 0.025, 0.0125, 0.006, 0.003, 0.001)
_FOLDS = 5
_NOTHING = 1e-6


class Weighed(NamedTuple):
    """One number per line; `loss` is the cross-validated cross-entropy in nats a pair.

    `weights` are of the lines that were kept, `loose` of all that the penalised regression has:
    they may foretell labels better where there is little to go by, and say less of why.
    """

    weights: Array
    stability: Array
    z: Array
    loss: float
    loose: Array


def evidence(p_a: Array) -> Array:
    """Answers [pairs, lines, 2] as log-odds [pairs, lines] of their mean over both orders.

    Where an order could not be read there is no evidence, 0.
    """
    said = logit(np.clip(p_a.mean(axis=2), SURE, 1 - SURE))
    return np.asarray(np.nan_to_num(said), dtype=np.float64)


def weigh(
    x: Array, target: Array, families: Sequence[str], seed: int, resamples: int = 40
) -> Weighed:
    """Weigh the columns of `x` [pairs, lines] against P(A preferred) [pairs]."""
    rng, spread = np.random.default_rng(seed), _spread(x)
    scaled, groups = x / spread, np.unique(np.array(families), return_inverse=True)[1]
    penalty, loss = _chosen(scaled, target, groups, rng)
    whole = fitted(scaled, target, penalty)
    seeds = rng.integers(2**32, size=resamples)
    stability = _stability(scaled, target, groups, (penalty, whole), seeds)
    weights, z = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    kept = np.flatnonzero((stability >= LEAST_STABLE) & (np.abs(whole) > _NOTHING))
    while len(kept):
        own = fitted(scaled[:, kept], target)
        beside = _scores(scaled[:, kept], target, groups, own)
        weakest = int(np.argmin(np.abs(beside)))
        if abs(beside[weakest]) >= LEAST_Z:
            weights[kept], z[kept] = own / spread[kept], beside
            break
        kept = np.delete(kept, weakest)
    return Weighed(weights, stability, z, loss, whole / spread)


def fitted(x: Array, target: Array, penalty: float = 0.0) -> Array:
    """The weights of a logistic regression on soft labels, penalised in L1 by `penalty`.

    Each weight is the difference of two that are not negative, so that the penalty is smooth.
    """
    pairs, lines = x.shape
    if not lines:
        return np.zeros(0)

    def value(halves: Array) -> tuple[float, Array]:
        weights = halves[:lines] - halves[lines:]
        said = x @ weights
        slope = x.T @ (expit(said) - target) / pairs + _RIDGE * weights
        lost = float(cross_entropy(said, target).mean() + _RIDGE / 2 * weights @ weights)
        return lost + penalty * float(halves.sum()), np.r_[slope + penalty, penalty - slope]

    found = minimize(
        value, np.zeros(2 * lines), jac=True, method="L-BFGS-B", bounds=[(0, None)] * (2 * lines)
    )
    return np.asarray(found.x[:lines] - found.x[lines:], dtype=np.float64)


def cross_entropy(said: Array, target: Array) -> Array:
    """In nats, of log-odds and soft labels."""
    return np.asarray(np.logaddexp(0, said) - target * said, dtype=np.float64)


def marginal(x: Array, left: Array) -> Array:
    """How clearly each column goes along with what is left of the labels, in standard errors."""
    products = x * left[:, None]
    error = products.std(axis=0) / np.sqrt(len(x)) + _NOTHING
    return np.asarray(products.mean(axis=0) / error, dtype=np.float64)


def _spread(x: Array) -> Array:
    """Root mean square of each column; 1 for one without any."""
    size = np.sqrt((x**2).mean(axis=0))
    return np.where(size > _NOTHING, size, 1.0)


def _chosen(
    x: Array, target: Array, groups: NDArray[np.intp], rng: np.random.Generator
) -> tuple[float, float]:
    """The penalty with the least loss on the folds left out, and that loss in nats a pair."""
    fold = (rng.permutation(groups.max() + 1) % _FOLDS)[groups]
    losses = []
    for penalty in _PENALTIES:
        lost = 0.0
        for left_out in (fold == one for one in np.unique(fold)):
            weights = fitted(x[~left_out], target[~left_out], penalty) if any(~left_out) else 0.0
            lost += float(cross_entropy((x * weights).sum(axis=1), target)[left_out].sum())
        losses.append(lost / len(target))
    best = int(np.argmin(losses))
    return _PENALTIES[best], losses[best]


def _stability(
    x: Array,
    target: Array,
    groups: NDArray[np.intp],
    whole: tuple[float, Array],
    seeds: NDArray[np.int64],
) -> Array:
    """Share of resamples of the families in which each line has the sign that it has in all."""
    penalty, weights = whole
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    same = np.zeros(x.shape[1])
    for seed in seeds:
        drawn = np.random.default_rng(seed).integers(len(members), size=len(members))
        rows = np.concatenate([members[family] for family in drawn])
        again = fitted(x[rows], target[rows], penalty)
        same += (np.abs(again) > _NOTHING) & (np.sign(again) == np.sign(weights))
    return same / len(seeds)


def _scores(x: Array, target: Array, groups: NDArray[np.intp], weights: Array) -> Array:
    """What each line says that the others do not: its score without it, in standard errors.

    The other lines are taken to make up for it as far as they go along with it, in one step.
    """
    said = expit(x @ weights)
    slope = x.T @ (x * (said * (1 - said))[:, None]) + _RIDGE * len(x) * np.eye(x.shape[1])
    bread = np.linalg.inv(slope)
    apart = x @ (bread / np.diag(bread))  # [pairs, lines]: what is left of each beside the others
    without = expit((x @ weights)[:, None] - apart * weights)
    scores = np.zeros((groups.max() + 1, x.shape[1]))
    np.add.at(scores, groups, apart * (target[:, None] - without))
    size = np.sqrt((scores**2).sum(axis=0)) + _NOTHING
    return np.asarray(scores.sum(axis=0) / size, dtype=np.float64)
