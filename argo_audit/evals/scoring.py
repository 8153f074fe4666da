"""Scorers: how a sample's judgments agree with its labels, per label source.

    scorer=[with_rubric(sources, temperature), agrees("no rubric", sources, 1.0), verdicts()]

Each value is that pair's part of `agreement.measure`, so the mean that Inspect reports is the mean
that the search optimises and the audit prints; the interval is the audit's too (`metrics`). What
cannot be measured is unscored, never a number: a pair without a verdict (its reason is
"grader_failed"), a label that is a tie (for agreement), a pair that a source did not label.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from inspect_ai.scorer import Metric, Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

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
from argo_audit.stats.agreement import of_each

_FIELDS = {"agreement": "accuracy", "kl": "kl", "kl_raw": "kl_raw", "brier": "brier"}


_METRICS: list[Metric] = [mean(), stderr(cluster=CLUSTER), interval_over_prompts()]
_OF_A_JUDGE: Mapping[str, Sequence[Metric]] = {
    "*agreement": [*_METRICS, by_slice()],
    "*kl*": _METRICS,
    "*brier": _METRICS,
}
_DIFFERENCES: Mapping[str, Sequence[Metric]] = {
    "* over *": [mean(), interval_over_prompts(), paired_difference()]
}
_OF_A_BASELINE = {"*agreement": _METRICS, "*kl": _METRICS, **_DIFFERENCES}


@scorer(metrics=_OF_A_JUDGE)
def with_rubric(label_sources: Sequence[str], temperature: float) -> Scorer:
    """Agreement, KL and Brier of the judge with the rubric; one value per label source.

    The judge's log-odds are divided by `temperature`, except in `kl_raw`.
    """
    return _scorer([RUBRIC], _Held(label_sources, tuple(_FIELDS), temperature))


@scorer(metrics=_OF_A_BASELINE)
def no_rubric(label_sources: Sequence[str], temperature: float) -> Scorer:
    """The same judge by its own taste, and how much more the rubric agrees than it."""
    return _scorer([NO_RUBRIC], _Held(label_sources, ("agreement", "kl"), temperature), RUBRIC)


@scorer(metrics=_OF_A_BASELINE)
def longest_response(label_sources: Sequence[str]) -> Scorer:
    """The longer response, and how much more the rubric agrees; it has no probabilities: no KL."""
    return _scorer([LONGEST_RESPONSE], _Held(label_sources, ("agreement",)), RUBRIC)


@scorer(metrics={"*": _METRICS})
def agrees(
    judged: str | Sequence[str],
    label_sources: Sequence[str],
    temperature: float = 1.0,
    measures: Sequence[str] = ("agreement", "kl", "brier"),
) -> Scorer:
    """Agreement of the judgments of each name; a rule has no probabilities, so no KL to ask for.

    Names that share a scorer spare the log one record per pair each.
    """
    named = [judged] if isinstance(judged, str) else list(judged)
    return _scorer(named, _Held(label_sources, measures, temperature))


@scorer(metrics=_DIFFERENCES)
def advantage(judged: str, baseline: str, label_sources: Sequence[str]) -> Scorer:
    """Agreement of the judgments of one name minus that of another's, on pairs both judged."""
    return _scorer([baseline], _Held(label_sources, ()), judged)


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


class _Held(NamedTuple):
    """What judgments are held to, and how."""

    label_sources: Sequence[str]
    measures: Sequence[str]
    temperature: float = 1.0


def _scorer(judged: Sequence[str], held: _Held, over: str = "") -> Scorer:
    """Values of all judgments of these names; with `over`, that one's advantage over each."""

    async def score(state: TaskState, target: Target) -> Score:
        said = {name: judgment_of(state, name) for name in judged}
        if all(one is None or one.p_a is None for one in said.values()):
            return _unscored(next(iter(said.values())))
        labels = PairMetadata.model_validate(state.metadata).labels
        other = judgment_of(state, over) if over else None
        value: dict[str, str | int | float | bool | None] = {}
        for name, judgment in said.items():
            prefix = "" if name == RUBRIC else f"{name}: "
            for source in held.label_sources:
                p_a = labels.get(source)
                for measure, number in _measured(p_a, judgment, held).items():
                    value[f"{prefix}{source} {measure}"] = number
                if over:
                    value[f"{over} over {name}: {source}"] = _ahead(p_a, other, judgment)
        return Score(value=value, answer=_answer(said))

    return score


def _answer(said: Mapping[str, Judgment | None]) -> str | None:
    read = [one for one in said.values() if one is not None and one.p_a is not None]
    return f"P(A) = {read[0].p_a:.3f}" if len(said) == 1 and read else None


def _ahead(p_a: float | None, first: Judgment | None, second: Judgment | None) -> float:
    """Whether the first agrees and the second does not, -1 the other way round; else 0 or NaN."""
    held = _Held((), ("agreement",))
    return float(
        _measured(p_a, first, held)["agreement"] - _measured(p_a, second, held)["agreement"]
    )


def _measured(p_a: float | None, judgment: Judgment | None, held: _Held) -> dict[str, float]:
    """Each measure of one pair by name; NaN, Inspect's "unscored", where there is none."""
    if p_a is None or judgment is None or not held.measures:
        return dict.fromkeys(held.measures, math.nan)
    label = Label(pair_id=judgment.pair_id, p_a=p_a, source="")
    found = of_each([label], [judgment], temperature=held.temperature)
    pair = judgment.pair_id
    return {name: found[_FIELDS[name]].get(pair, math.nan) for name in held.measures}
