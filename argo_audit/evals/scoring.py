"""Scorers: how a sample's judgments agree with its labels, per label source.

    scorer=[with_rubric(sources, temperature), agrees("no rubric", sources, 1.0), verdicts()]

Each value is that pair's part of `agreement.measure`, so the mean that Inspect reports is the mean
that the search optimises and the audit prints; the interval is the audit's too (`metrics`). What
cannot be measured is unscored, never a number: a pair without a verdict (its reason is
"grader_failed"), a label that is a tie (for agreement), a pair that a source did not label.
"""

import math
from collections.abc import Mapping, Sequence

from inspect_ai.scorer import Metric, Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from argo_audit.agreement import of_each
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
    flip_rate,
    interval_over_prompts,
    minimum_detectable_effect,
    paired_difference,
    unparsed_share,
)
from argo_audit.records import Judgment, Label

_FIELDS = {"agreement": "accuracy", "kl": "kl", "kl_raw": "kl_raw", "brier": "brier"}


_METRICS: list[Metric] = [mean(), stderr(cluster=CLUSTER), interval_over_prompts()]
_OF_A_BASELINE: Mapping[str, Sequence[Metric]] = {"*": _METRICS}
_OF_A_JUDGE: Mapping[str, Sequence[Metric]] = {
    "*agreement": [*_METRICS, by_slice()],
    "*kl*": _METRICS,
    "*brier": _METRICS,
}


@scorer(metrics=_OF_A_JUDGE)
def with_rubric(label_sources: Sequence[str], temperature: float) -> Scorer:
    """Agreement, KL and Brier of the judge with the rubric; one value per label source.

    The judge's log-odds are divided by `temperature`, except in `kl_raw`.
    """
    return _scorer(RUBRIC, label_sources, tuple(_FIELDS), temperature)


@scorer(metrics=_OF_A_BASELINE)
def no_rubric(label_sources: Sequence[str], temperature: float) -> Scorer:
    """The baseline: the same judge by its own taste."""
    return _scorer(NO_RUBRIC, label_sources, ("agreement", "kl"), temperature)


@scorer(metrics=_OF_A_BASELINE)
def longest_response(label_sources: Sequence[str]) -> Scorer:
    """The baseline: the longer response. It has no probabilities, hence no KL."""
    return _scorer(LONGEST_RESPONSE, label_sources, ("agreement",), 1.0)


@scorer(metrics=_OF_A_BASELINE)
def agrees(
    judged: str,
    label_sources: Sequence[str],
    temperature: float = 1.0,
    measures: Sequence[str] = ("agreement", "kl", "brier"),
) -> Scorer:
    """Agreement of the judgments of one name; a rule has no probabilities, so no KL to ask for."""
    return _scorer(judged, label_sources, measures, temperature)


@scorer(metrics={"*": [mean(), interval_over_prompts(), paired_difference()]})
def advantage(judged: str, baseline: str, label_sources: Sequence[str]) -> Scorer:
    """Agreement of the judgments of one name minus that of another's, on pairs both judged."""

    async def score(state: TaskState, target: Target) -> Score:
        labels = PairMetadata.model_validate(state.metadata).labels
        read: list[Judgment] = []
        for judgment in (judgment_of(state, name) for name in (judged, baseline)):
            if judgment is None or judgment.p_a is None:
                return _unscored(judgment)
            read.append(judgment)
        correct = {s: [_correct(labels.get(s), judgment) for judgment in read] for s in sources}
        return Score(value={f"{prefix}{s}": first - other for s, (first, other) in correct.items()})

    sources, prefix = tuple(label_sources), f"{judged} over {baseline}: "
    return score


@scorer(
    metrics={
        "unparsed": [mean(), unparsed_share()],
        "unread replies": [mean()],
        "truncated": [mean()],
        "position flip": [
            mean(),
            flip_rate(),
            interval_over_prompts(),
            minimum_detectable_effect(),
        ],
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
        if judgment is None:
            return _unscored(None)
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


def judgment_of(state: TaskState, judged: str) -> Judgment | None:
    """The judgment of that name that a solver kept in the sample; None where there is none."""
    found = (state.store.get(JUDGMENTS) or {}).get(judged)
    return None if found is None else Judgment.model_validate(found)


def _unscored(judgment: Judgment | None) -> Score:
    if judgment is None:
        return Score.unscored(reason="not_judged", explanation="nobody was asked about this pair")
    return Score.unscored(reason="grader_failed", explanation=judgment.reply)


def _scorer(
    judged: str, label_sources: Sequence[str], measures: Sequence[str], temperature: float
) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        judgment = judgment_of(state, judged)
        if judgment is None or judgment.p_a is None:
            return _unscored(judgment)
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
    found = of_each([label], [judgment], temperature=temperature)
    return [(name, found[_FIELDS[name]].get(judgment.pair_id, math.nan)) for name in measures]
