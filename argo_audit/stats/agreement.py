"""How well a judge's preferences match the labels: accuracy and KL together, with intervals.

    >>> from argo_audit.records import Judgment, Label
    >>> labels = [Label(pair_id="p", p_a=0.9, source="rm")]
    >>> said = [Judgment(pair_id="p", rubric_id="r", p_a=0.8, p_a_first=0.8, p_a_second=0.8)]
    >>> round(measure(labels, said).kl, 4)
    0.0367

The objective is Eq. 1 of ARGO (Sodhi et al., 2026): the mean over pairs of
KL(Bernoulli(label) || Bernoulli(judge)). It depends on scale twice: on the reward model's margin
and on how sure the judge is of itself. An over-confident judge pays so much for its mistakes on
soft labels that saying nothing (p = 0.5) becomes the best rubric. So a single judge temperature
per rubric can be fitted on train: the judge's log-odds are divided by T, with T chosen to minimise
the cross-entropy (Guo et al., 2017, "On calibration of modern neural networks"). It is recorded,
and the raw KL (T = 1) stands beside it. Pure functions, numpy and scipy only.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, xlogy

from argo_audit.records import CLIP, Agreement, Interval, Judgment, Label
from argo_audit.stats.estimates import sign_flip_p, standard_error
from argo_audit.stats.intervals import by_prompt, interval

Array = npt.NDArray[np.float64]

MAX_TEMPERATURE = 100.0
MIN_TEMPERATURE = 0.05


class Difference(NamedTuple):
    """A paired difference in accuracy (first minus second), its interval and p-value."""

    estimate: float
    interval: Interval
    p_value: float
    n: int


class Verdict(Protocol):
    """What is measured of a judgment: P(A) where one was read, and whether its orders differ."""

    @property
    def pair_id(self) -> str:
        """The pair's id."""

    @property
    def p_a(self) -> float | None:
        """P(A preferred), None where no verdict was read."""

    @property
    def flipped(self) -> bool | None:
        """Whether exchanging the order exchanges the verdict; None unless both were read."""

    @property
    def is_incomplete(self) -> bool:
        """Whether an order, or some votes of it, could not be read, and others could."""


class _Joined(NamedTuple):
    """Labels and judgments of the same pairs, aligned; judgments without a verdict left out."""

    target: Array  # [n] label probability
    judged: Array  # [n] judge probability
    pair_ids: list[str]
    unparsed: int
    incomplete: int


def preference(reward_a: float, reward_b: float, temperature: float = 1.0) -> float:
    """P(A preferred) under Bradley-Terry: sigmoid((reward_a - reward_b) / temperature)."""
    return float(expit((reward_a - reward_b) / temperature))


def tempered(p: Array, temperature: float, clip: float = CLIP) -> Array:
    """Divide the log-odds of `p` by `temperature`, after clipping to [clip, 1 - clip]."""
    return np.asarray(expit(logit(np.clip(p, clip, 1 - clip)) / temperature), dtype=np.float64)


def kl_divergence(target: Array, judged: Array, clip: float = CLIP) -> Array:
    """KL(Bernoulli(target) || Bernoulli(judged)) in nats, elementwise; `judged` is clipped."""
    return np.asarray(cross_entropy(target, judged, clip) - _entropy(target), dtype=np.float64)


def cross_entropy(target: Array, judged: Array, clip: float = CLIP) -> Array:
    """-[p log q + (1 - p) log(1 - q)] in nats, elementwise; `judged` is clipped."""
    q = np.clip(judged, clip, 1 - clip)
    return np.asarray(-(target * np.log(q) + (1 - target) * np.log1p(-q)), dtype=np.float64)


def fit_temperature(target: Array, judged: Array, clip: float = CLIP) -> float:
    """The temperature in [0.05, 100] that minimises mean cross-entropy; 100 means "no signal".

    The loss is convex in 1/T, so a bounded scalar search finds the one minimum.
    """
    z = logit(np.clip(judged, clip, 1 - clip))
    if not np.any(z):
        return 1.0

    def loss(sharpness: float) -> float:
        s = sharpness * z
        return float(np.mean(np.logaddexp(0.0, s) - target * s))

    bounds = (1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-3})
    return float(np.clip(1 / found.x, MIN_TEMPERATURE, MAX_TEMPERATURE))


def agreeing(target: Array, judged: Array) -> Array:
    """1 where both are on the same side of 0.5, 0 where not, 1/2 where either has none."""
    return np.asarray((1 + np.sign(judged - 0.5) * np.sign(target - 0.5)) / 2, dtype=np.float64)


def measure(
    labels: Sequence[Label],
    judgments: Sequence[Verdict],
    *,
    clusters: Mapping[str, str] | None = None,
    temperature: float | None = 1.0,
    clip: float = CLIP,
) -> Agreement:
    """Agreement of `judgments` with the `labels` of the same pairs.

    Accuracy is the share of pairs on which judge and label prefer the same response; a judge at
    exactly 0.5 gets half a point, a label at exactly 0.5 has no side and does not count. With
    `clusters` (pair id -> prompt key) 95% intervals are added, over prompts, since pairs of one
    prompt are not independent; see `intervals`. `temperature=None` fits it on these very pairs.
    Raises KeyError when a judgment's pair has no label.
    """
    joined = _join(labels, judgments)
    if not joined.pair_ids:
        return _unmeasured(joined, temperature, clip)
    if temperature is None:
        temperature = fit_temperature(joined.target, joined.judged, clip)
    calibrated = tempered(joined.judged, temperature, clip)
    correct, sided = _correct(joined), joined.target != 0.5
    kl = kl_divergence(joined.target, calibrated, clip)
    accuracy_interval = kl_interval = None
    if clusters is not None:
        keys = np.array([clusters[pair_id] for pair_id in joined.pair_ids])
        accuracy_interval = interval(correct[sided], keys[sided]) if sided.any() else None
        kl_interval = interval(kl, keys, verdicts=False)
    return Agreement(
        accuracy=float(correct[sided].mean()) if sided.any() else None,
        kl=float(kl.mean()),
        kl_raw=float(kl_divergence(joined.target, joined.judged, clip).mean()),
        cross_entropy=float(cross_entropy(joined.target, calibrated, clip).mean()),
        brier=float(np.mean((joined.target - calibrated) ** 2)),
        n=len(joined.pair_ids),
        ties=int((~sided).sum()),
        unparsed=joined.unparsed,
        incomplete=joined.incomplete,
        prompts=len({clusters[i] for i in joined.pair_ids}) if clusters else 0,
        position_flip_rate=_flip_rate(judgments),
        temperature=temperature,
        clip=clip,
        accuracy_interval=accuracy_interval,
        kl_interval=kl_interval,
    )


def of_each(
    labels: Sequence[Label],
    judgments: Sequence[Judgment],
    *,
    temperature: float = 1.0,
    clip: float = CLIP,
) -> dict[str, dict[str, float]]:
    """What `measure` takes the means of: each measure of each pair, by its name and the pair's id.

    Names are those of Agreement. Pairs without a verdict are in none, tied labels not in accuracy.
    """
    joined = _join(labels, judgments)
    calibrated = tempered(joined.judged, temperature, clip)
    columns = {
        "accuracy": np.where(joined.target == 0.5, np.nan, _correct(joined)),
        "kl": kl_divergence(joined.target, calibrated, clip),
        "kl_raw": kl_divergence(joined.target, joined.judged, clip),
        "brier": (joined.target - calibrated) ** 2,
    }
    rows = {name: zip(joined.pair_ids, column, strict=True) for name, column in columns.items()}
    return {name: {i: float(x) for i, x in row if not np.isnan(x)} for name, row in rows.items()}


def selection_key(agreement: Agreement) -> tuple[float, float]:
    """What the best rubric is best by, higher first: agreement, then less KL.

    A pair without a verdict counts as chance. Rewards are by KL, but agreement is what is reported,
    and dev agreement foretells held-out agreement better than dev KL does (rubric_store/LOG.md).
    """
    if agreement.accuracy is None or agreement.kl is None:
        return -np.inf, -np.inf
    judged = agreement.n + agreement.unparsed
    return (agreement.accuracy * agreement.n + 0.5 * agreement.unparsed) / judged, -agreement.kl


def accuracy_difference(
    labels: Sequence[Label],
    first: Sequence[Judgment],
    second: Sequence[Judgment],
    clusters: Mapping[str, str],
    seed: int = 0,
) -> Difference:
    """Accuracy of `first` minus that of `second` on the pairs both judged.

    The interval is over prompts (see `intervals`); the p-value a two-sided sign-flip permutation
    test over prompts (scipy.stats.permutation_test, "samples"). Raises ValueError when no pair
    with a sided label was judged by both.
    """
    scores = [_scores(labels, judgments) for judgments in (first, second)]
    shared = sorted(scores[0].keys() & scores[1].keys())
    if not shared:
        raise ValueError("no pair with a sided label was judged by both")
    delta = np.array([scores[0][i] - scores[1][i] for i in shared])
    keys = [clusters[i] for i in shared]
    p_value = sign_flip_p(by_prompt(delta, keys).sums, seed)
    found = interval(delta, keys, difference=True)
    return Difference(float(delta.mean()), found, p_value, len(shared))


def errors_apart(
    labels: Sequence[Label],
    first: Sequence[Verdict],
    second: Sequence[Verdict],
    clusters: Mapping[str, str],
) -> float:
    """Accuracy of `first` minus that of `second`, in standard errors over prompts.

    On the pairs that both were asked about; one without a verdict counts as chance, as it does in
    `selection_key`. 0 where there is no difference, or nothing to say its error from.
    """
    target = {label.pair_id: label.p_a for label in labels if label.p_a != 0.5}
    said = [{j.pair_id: 0.5 if j.p_a is None else j.p_a for j in some} for some in (first, second)]
    shared = sorted(target.keys() & said[0].keys() & said[1].keys())
    wanted = np.array([target[i] for i in shared], dtype=np.float64)
    right = [agreeing(wanted, np.array([one[i] for i in shared], dtype=np.float64)) for one in said]
    sums, counts = by_prompt(right[0] - right[1], [clusters[i] for i in shared])
    error = standard_error(sums, counts)
    if error is None or not sums.sum():
        return 0.0
    return (
        float(sums.sum() / counts.sum() / error)
        if error
        else float(np.copysign(np.inf, sums.sum()))
    )


def _scores(labels: Sequence[Label], judgments: Sequence[Judgment]) -> dict[str, float]:
    joined = _join(labels, judgments)
    rows = zip(joined.pair_ids, _correct(joined), joined.target, strict=True)
    return {pair_id: float(correct) for pair_id, correct, target in rows if target != 0.5}


def _join(labels: Sequence[Label], judgments: Sequence[Verdict]) -> _Joined:
    target = {label.pair_id: label.p_a for label in labels}
    read = [(j.pair_id, j.p_a) for j in judgments if j.p_a is not None]
    return _Joined(
        np.array([target[pair_id] for pair_id, _ in read], dtype=np.float64),
        np.array([p for _, p in read], dtype=np.float64),
        [pair_id for pair_id, _ in read],
        len(judgments) - len(read),
        sum(j.is_incomplete for j in judgments),
    )


def _correct(joined: _Joined) -> Array:
    return agreeing(joined.target, joined.judged)


def _entropy(p: Array) -> Array:
    return np.asarray(-(xlogy(p, p) + xlogy(1 - p, 1 - p)), dtype=np.float64)


def _flip_rate(judgments: Sequence[Verdict]) -> float | None:
    flips = [j.flipped for j in judgments if j.flipped is not None]
    return sum(flips) / len(flips) if flips else None


def _unmeasured(joined: _Joined, temperature: float | None, clip: float) -> Agreement:
    return Agreement(
        accuracy=None,
        kl=None,
        kl_raw=None,
        cross_entropy=None,
        brier=None,
        n=0,
        ties=0,
        unparsed=joined.unparsed,
        incomplete=joined.incomplete,
        prompts=0,
        position_flip_rate=None,
        temperature=temperature or 1.0,
        clip=clip,
    )
