"""Metrics: what a log says of a value over its pairs, prompts being what is independent.

    @scorer(metrics={"*": [mean(), interval_over_prompts(), by_slice()]})

The values are numbers per pair whose mean is the measure: 1 where judge and label agree, nats of
KL, squared differences, a difference from a baseline. `estimates` does the arithmetic, so the
interval in `inspect view` is the one that tables and reports print. Pairs without a value are not
among the scores: Inspect counts them as unscored.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from inspect_ai.scorer import Metric, SampleScore, Value, metric

from argo_audit.stats.estimates import Estimate, estimate

CLUSTER = "prompt_key"
"""Key in a sample's metadata that names its prompt."""

LENGTH_BANDS = {"under 500 characters": 500, "500 to 2000": 2000}
LONGEST_BAND = "over 2000"
MOST_GROUPS = 20
"""What has more values is no slice but something like an id."""

_FEWEST = 10  # pairs of a slice that a log's own view is worth a line


@metric
def interval_over_prompts() -> Metric:
    """The 95% interval of the mean over prompts, `low` and `high`; see `intervals`."""

    def compute(scores: list[SampleScore]) -> Value:
        interval = _estimate(scores).interval
        return {} if interval is None else {"low": interval.low, "high": interval.high}

    return compute


@metric
def paired_difference(seed: int = 0) -> Metric:
    """Of per-pair differences from a baseline: `p_value` of no difference, `detectable` effect.

    The p-value is two-sided, from flipping the signs of prompts; `detectable` is the smallest true
    difference that these pairs show at the 5% level four times in five.
    """

    def compute(scores: list[SampleScore]) -> Value:
        found = _estimate(scores, test=True, seed=seed)
        numbers = {"p_value": found.p_value, "detectable": found.detectable}
        return {name: number for name, number in numbers.items() if number is not None}

    return compute


@metric
def minimum_detectable_effect() -> Metric:
    """How far from its true value a mean of such pairs must lie to be told apart from it.

    At the 5% level with a power of 80%; see `estimates.detectable_effect`.
    """

    def compute(scores: list[SampleScore]) -> Value:
        found = _estimate(scores).detectable
        return {} if found is None else found

    return compute


@metric
def flip_rate() -> Metric:
    """Of 0 and 1: the share of pairs whose verdict follows the order in which they are shown."""
    return _mean


@metric
def unparsed_share() -> Metric:
    """Of 0 and 1: the share of pairs for which no verdict could be read."""
    return _mean


@metric
def by_slice() -> Metric:
    """The mean of each slice of ten pairs or more, where a kind has several: "population=A".

    Kinds are the population, every slice that the pairs name (category, language, ...), and the
    length of the longer response.
    """

    def compute(scores: list[SampleScore]) -> Value:
        values: dict[str, dict[str, list[float]]] = {}
        for score in scores:
            for kind, name in slices_of(score.sample_metadata or {}):
                values.setdefault(kind, {}).setdefault(name, []).append(score.score.as_float())
        return {
            f"{kind}={name}": fmean(group)
            for kind, groups in values.items()
            if 1 < len(groups) <= MOST_GROUPS
            for name, group in groups.items()
            if len(group) >= _FEWEST
        }

    return compute


def slices_of(metadata: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The slices that a pair belongs to by the metadata of its sample: kind and name."""
    yield "population", str(metadata.get("population", ""))
    named = metadata.get("slices")
    if isinstance(named, Mapping):
        yield from ((str(kind), str(name)) for kind, name in named.items())
    yield "length", length_band([str(metadata.get(f"response_{side}", "")) for side in "ab"])


def length_band(responses: Sequence[str]) -> str:
    """The band that the longer of the responses falls into."""
    longer = max(map(len, responses))
    return next((band for band, end in LENGTH_BANDS.items() if longer < end), LONGEST_BAND)


def _mean(scores: list[SampleScore]) -> Value:
    return fmean(score.score.as_float() for score in scores)


def _estimate(scores: Sequence[SampleScore], *, test: bool = False, seed: int = 0) -> Estimate:
    keys = [str((score.sample_metadata or {})[CLUSTER]) for score in scores]
    return estimate([score.score.as_float() for score in scores], keys, test=test, seed=seed)
