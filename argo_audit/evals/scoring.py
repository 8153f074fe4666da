"""Scorers: how a sample's judgments agree with its labels, per label source.

    scorer=[with_rubric(sources, temperature), agrees("no rubric", sources, 1.0), verdicts()]

Each value is `agreement.measure` of that one pair, so the mean that Inspect reports is the mean
that the search optimises and the audit prints; the interval is the audit's too (`metrics`). What
cannot be measured is unscored, never a number: a pair without a verdict (its reason is
"grader_failed"), a label that is a tie (for agreement), a pair that a source did not label.
"""

import math
from collections.abc import Mapping, Sequence

from inspect_ai.scorer import Metric, Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from argo_audit.agreement import measure
from argo_audit.evals.judging import (
    JUDGMENTS,
    LONGEST_RESPONSE,
    NO_RUBRIC,
    RUBRIC,
    PairMetadata,
)
from argo_audit.evals.metrics import (
    CLUSTER,
    by_slice,
    cluster_bootstrap,
    flip_rate,
    minimum_detectable_effect,
    paired_difference,
    unparsed_share,
)
from argo_audit.records import Judgment, Label

_FIELDS = {"agreement": "accuracy", "kl": "kl", "kl_raw": "kl_raw", "brier": "brier"}


_METRICS: Mapping[str, Sequence[Metric]] = {
    "*": [mean(), stderr(cluster=CLUSTER), cluster_bootstrap(), by_slice()]
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


@scorer(metrics=_METRICS)
def agrees(
    judged: str,
    label_sources: Sequence[str],
    temperature: float = 1.0,
    measures: Sequence[str] = ("agreement", "kl", "brier"),
) -> Scorer:
    """Agreement of the judgments of one name; a rule has no probabilities, so no KL to ask for."""
    return _scorer(judged, label_sources, measures, temperature)


@scorer(metrics={"*": [mean(), cluster_bootstrap(), paired_difference(), by_slice()]})
def advantage(judged: str, baseline: str, label_sources: Sequence[str]) -> Scorer:
    """Agreement of the judgments of one name minus that of another's, on pairs both judged."""

    async def score(state: TaskState, target: Target) -> Score:
        labels = PairMetadata.model_validate(state.metadata).labels
        both = [judgment_of(state, name) for name in (judged, baseline)]
        unread = next((judgment for judgment in both if judgment.p_a is None), None)
        if unread is not None:
            return Score.unscored(reason="grader_failed", explanation=unread.reply)
        return Score(
            value={
                f"{judged} over {baseline}: {source}": _correct(labels.get(source), both[0])
                - _correct(labels.get(source), both[1])
                for source in label_sources
            }
        )

    return score


@scorer(
    metrics={
        "unparsed": [mean(), unparsed_share()],
        "unread replies": [mean()],
        "truncated": [mean()],
        "position flip": [mean(), flip_rate(), cluster_bootstrap(), minimum_detectable_effect()],
    }
)
def verdicts(judged: str = RUBRIC) -> Scorer:
    """What the judge could not do: the shares of pairs, and per pair the replies not read.

    "unparsed" is pairs without a verdict, "truncated" pairs of which some text was shown in part,
    "position flip" pairs whose verdict follows the order shown: counted where both orders were
    read, and an order at exactly 0.5 is no flip.
    """

    async def score(state: TaskState, target: Target) -> Score:
        judgment = judgment_of(state, judged)
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


def judgment_of(state: TaskState, judged: str) -> Judgment:
    """The judgment of that name that a solver kept in the sample."""
    return Judgment.model_validate(state.store.get(JUDGMENTS)[judged])


def _scorer(
    judged: str, label_sources: Sequence[str], measures: Sequence[str], temperature: float
) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        judgment = judgment_of(state, judged)
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


def _correct(p_a: float | None, judgment: Judgment) -> float:
    return _measured(p_a, judgment, ("agreement",), 1.0)[0][1]


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
