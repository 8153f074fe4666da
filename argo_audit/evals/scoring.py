"""Scorers and metrics: how a sample's judgments agree with its labels, per label source.

Each value is `agreement.measure` of that one pair, so the mean that Inspect reports is the mean
that the search optimises and the audit prints; only the interval differs (Inspect's is a t
interval clustered by prompt, the audit's a bootstrap over prompts). What cannot be measured is
unscored, never a number: a pair without a verdict (its reason is "grader_failed"), a label that
is a tie (for agreement), a pair that a source did not label.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from inspect_ai.scorer import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    Value,
    ci,
    mean,
    metric,
    scorer,
    stderr,
)
from inspect_ai.solver import TaskState

from argo_audit.agreement import measure
from argo_audit.evals.judging import (
    JUDGMENTS,
    LONGEST_RESPONSE,
    NO_RUBRIC,
    RUBRIC,
    PairMetadata,
)
from argo_audit.records import Judgment, Label

_CLUSTER = "prompt_key"
_FIELDS = {"agreement": "accuracy", "kl": "kl", "kl_raw": "kl_raw", "brier": "brier"}


@metric
def by_population() -> Metric:
    """The mean of each population, where there are several."""

    def compute(scores: list[SampleScore]) -> Value:
        values: dict[str, list[float]] = {}
        for score in scores:
            population = (score.sample_metadata or {}).get("population", "")
            values.setdefault(str(population), []).append(score.score.as_float())
        if len(values) < 2:
            return {}
        return {name: fmean(group) for name, group in values.items()}

    return compute


_METRICS: Mapping[str, Sequence[Metric]] = {
    "*": [mean(), stderr(cluster=_CLUSTER), ci(cluster=_CLUSTER), by_population()]
}


@scorer(metrics=_METRICS)
def with_rubric(label_sources: Sequence[str], temperature: float) -> Scorer:
    """Agreement, KL and Brier of the judge with the rubric; one value per label source.

    The judge's log-odds are divided by `temperature`, except in `kl_raw`.
    """
    return _scorer(RUBRIC, label_sources, tuple(_FIELDS), temperature)


@scorer(metrics=_METRICS)
def no_rubric(label_sources: Sequence[str], temperature: float) -> Scorer:
    """The baseline: the same judge by its own taste."""
    return _scorer(NO_RUBRIC, label_sources, ("agreement", "kl"), temperature)


@scorer(metrics=_METRICS)
def longest_response(label_sources: Sequence[str]) -> Scorer:
    """The baseline: the longer response. It has no probabilities, hence no KL."""
    return _scorer(LONGEST_RESPONSE, label_sources, ("agreement",), 1.0)


@scorer(
    metrics={
        "unparsed": [mean()],
        "unread replies": [mean()],
        "truncated": [mean()],
        "position flip": [mean(), stderr(cluster=_CLUSTER)],
    }
)
def verdicts() -> Scorer:
    """What the judge could not do: the shares of pairs, and per pair the replies not read.

    "unparsed" is pairs without a verdict, "truncated" pairs of which some text was shown in part,
    "position flip" pairs whose verdict follows the order shown: counted where both orders were
    read, and an order at exactly 0.5 is no flip.
    """

    async def score(state: TaskState, target: Target) -> Score:
        judgment = _judgment(state, RUBRIC)
        flipped = math.nan if judgment.flipped is None else float(judgment.flipped)
        return Score(
            value={
                "unparsed": float(judgment.p_a is None),
                "unread replies": float(judgment.unread),
                "truncated": float(judgment.truncated > 0),
                "position flip": flipped,
            }
        )

    return score


def _scorer(
    judged: str, label_sources: Sequence[str], measures: Sequence[str], temperature: float
) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        judgment = _judgment(state, judged)
        if judgment.p_a is None:
            return Score.unscored(reason="grader_failed", explanation=judgment.reply)
        labels = PairMetadata.model_validate(state.metadata).labels
        prefix = "" if judged == RUBRIC else f"{judged}: "
        value: dict[str, str | int | float | bool | None] = {
            f"{prefix}{source} {name}": number
            for source in label_sources
            for name, number in _measured(labels.get(source), judgment, measures, temperature)
        }
        return Score(value=value, answer=f"P(A) = {judgment.p_a:.3f}")

    return score


def _judgment(state: TaskState, judged: str) -> Judgment:
    return Judgment.model_validate(state.store.get(JUDGMENTS)[judged])


def _measured(
    p_a: float | None, judgment: Judgment, measures: Sequence[str], temperature: float
) -> list[tuple[str, float]]:
    """Each measure of one pair by name; NaN, Inspect's "unscored", where there is none."""
    if p_a is None:
        return [(name, math.nan) for name in measures]
    label = Label(pair_id=judgment.pair_id, p_a=p_a, source="")
    found = measure([label], [judgment], temperature=temperature)
    numbers = ((name, getattr(found, _FIELDS[name])) for name in measures)
    return [(name, math.nan if number is None else number) for name, number in numbers]
