"""The pure measures: laws that hold for all inputs, and values worked out by hand."""

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from argo_audit.records import CLIP, Judgment, Label
from argo_audit.stats.agreement import (
    MAX_TEMPERATURE,
    accuracy_difference,
    fit_temperature,
    kl_divergence,
    measure,
    preference,
    selection_key,
    tempered,
)

probabilities = st.floats(0, 1)
inner = st.floats(CLIP, 1 - CLIP)
rows = st.lists(st.tuples(probabilities, probabilities), min_size=1, max_size=40)


def labels_of(values: Sequence[float]) -> list[Label]:
    return [Label(pair_id=str(i), p_a=p, source="rm") for i, p in enumerate(values)]


def judged(values: Sequence[float | None]) -> list[Judgment]:
    return [
        Judgment(pair_id=str(i), rubric_id="r", p_a=p, p_a_first=p, p_a_second=p)
        for i, p in enumerate(values)
    ]


@given(inner, probabilities)
def test_kl_is_never_negative_and_zero_only_at_equality(p: float, q: float) -> None:
    (divergence,) = kl_divergence(np.array([p]), np.array([q]))
    assert divergence >= -1e-12
    assert kl_divergence(np.array([p]), np.array([p]))[0] == pytest.approx(0, abs=1e-9)


@given(rows)
def test_exchanging_the_letters_changes_no_number(pairs: list[tuple[float, float]]) -> None:
    straight = measure(labels_of([p for p, _ in pairs]), judged([q for _, q in pairs]))
    swapped = measure(labels_of([1 - p for p, _ in pairs]), judged([1 - q for _, q in pairs]))
    for name in ("accuracy", "kl", "brier", "cross_entropy"):
        first, second = getattr(straight, name), getattr(swapped, name)
        assert first == second or first == pytest.approx(second, abs=1e-6)


@given(rows)
def test_a_fitted_temperature_is_never_worse_than_none(pairs: list[tuple[float, float]]) -> None:
    labels, judgments = labels_of([p for p, _ in pairs]), judged([q for _, q in pairs])
    fitted = measure(labels, judgments, temperature=None)
    assert fitted.kl is not None
    assert fitted.kl_raw is not None
    assert fitted.kl <= fitted.kl_raw + 1e-3


@given(rows)
def test_no_rubric_is_better_than_fitting_the_empty_one_by_accident(
    pairs: list[tuple[float, float]],
) -> None:
    """At the highest temperature any judge says 0.5: fitting can always fall back to silence."""
    target = np.array([p for p, _ in pairs])
    labels, judgments = labels_of(list(target)), judged([q for _, q in pairs])
    fitted = measure(labels, judgments, temperature=None)
    silent = float(kl_divergence(target, np.full_like(target, 0.5)).mean())
    assert fitted.kl is not None
    assert fitted.kl <= silent + 0.05


def test_cross_entropy_is_kl_plus_the_labels_entropy() -> None:
    found = measure(labels_of([0.9]), judged([0.6]))
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert found.kl is not None
    assert found.cross_entropy == pytest.approx(found.kl + entropy)
    assert found.brier == pytest.approx(0.09)


def test_accuracy_counts_half_for_an_undecided_judge_and_leaves_tied_labels_out() -> None:
    found = measure(labels_of([0.9, 0.2, 0.5, 0.8]), judged([0.7, 0.5, 0.9, 0.1]))
    assert found.accuracy == pytest.approx((1 + 0.5 + 0) / 3)
    assert (found.n, found.ties) == (4, 1)


def test_an_unread_verdict_is_counted_and_enters_nothing_else() -> None:
    found = measure(labels_of([0.9, 0.9]), judged([0.8, None]))
    assert (found.n, found.unparsed, found.accuracy) == (1, 1, 1.0)


def test_nothing_read_is_nothing_measured() -> None:
    found = measure(labels_of([0.9]), judged([None]))
    assert (found.n, found.unparsed) == (0, 1)
    assert found.accuracy is found.kl is found.brier is None


def test_a_judgment_without_a_label_is_an_error() -> None:
    with pytest.raises(KeyError):
        measure(labels_of([0.9]), judged([0.5, 0.5]))


def test_flip_rate_counts_only_pairs_read_in_both_orders() -> None:
    both = Judgment(pair_id="0", rubric_id="r", p_a=0.5, p_a_first=0.9, p_a_second=0.1)
    once = Judgment(pair_id="1", rubric_id="r", p_a=0.9, p_a_first=0.9, p_a_second=None)
    steady = Judgment(pair_id="2", rubric_id="r", p_a=0.8, p_a_first=0.9, p_a_second=0.7)
    assert measure(labels_of([1, 1, 1]), [both, once, steady]).position_flip_rate == 0.5


@given(st.floats(0.3, 5.0))
def test_a_planted_temperature_is_found(temperature: float) -> None:
    z = np.linspace(-3, 3, 61)
    target, confident = expit(z / temperature), expit(z)
    assert fit_temperature(target, confident) == pytest.approx(temperature, rel=0.02)
    assert tempered(confident, temperature) == pytest.approx(target, abs=1e-6)


def test_a_judge_that_is_always_wrong_is_told_to_say_nothing() -> None:
    z = np.linspace(-3, 3, 21)
    assert fit_temperature(expit(-z), expit(z)) == pytest.approx(MAX_TEMPERATURE, rel=0.1)


def test_over_confidence_on_noisy_labels_makes_silence_look_best_until_it_is_tempered() -> None:
    """The trap the temperature is there for: right 70% of the time and sure of it."""
    labels = labels_of([0.7] * 10)
    sure, silent = judged([0.999] * 10), judged([0.5] * 10)
    raw, quiet = measure(labels, sure), measure(labels, silent)
    fitted = measure(labels, sure, temperature=None)
    assert raw.kl is not None
    assert quiet.kl is not None
    assert fitted.kl is not None
    assert raw.kl > quiet.kl > fitted.kl


def test_preference_is_bradley_terry() -> None:
    assert preference(1.0, 1.0) == 0.5
    assert preference(2.0, 0.0) == pytest.approx(1 / (1 + math.exp(-2)))
    assert preference(2.0, 0.0, temperature=2.0) == pytest.approx(1 / (1 + math.exp(-1)))
    assert preference(-1e6, 1e6) == 0.0


def test_the_interval_resamples_prompts_not_pairs() -> None:
    """Ten copies of each pair add pairs but no information."""
    rng = np.random.default_rng(0)
    verdicts = rng.random(40) < 0.7
    once = measure(
        labels_of([1.0] * 40),
        judged([float(v) for v in verdicts]),
        clusters={str(i): str(i) for i in range(40)},
    )
    copies = measure(
        labels_of([1.0] * 400),
        judged([float(v) for v in np.repeat(verdicts, 10)]),
        clusters={str(i): str(i // 10) for i in range(400)},
    )
    assert once.accuracy_interval is not None
    assert copies.accuracy_interval is not None
    width = once.accuracy_interval.high - once.accuracy_interval.low
    assert copies.accuracy_interval.high - copies.accuracy_interval.low == pytest.approx(width)
    assert copies.prompts == 40
    assert "40 prompts" in copies.accuracy_interval.method


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        values = [float(v) for v in rng.random(120) < 0.75]
        clusters = {str(i): str(i // 2) for i in range(120)}
        found = measure(labels_of([1.0] * 120), judged(values), clusters=clusters)
        assert found.accuracy_interval is not None
        covered += found.accuracy_interval.low <= 0.75 <= found.accuracy_interval.high
    assert covered >= 52


def test_a_paired_difference_sees_what_unpaired_intervals_do_not() -> None:
    rng = np.random.default_rng(2)
    first = [float(v) for v in rng.random(200) < 0.8]
    second = [0.0 if i % 12 == 0 else value for i, value in enumerate(first)]
    found = accuracy_difference(
        labels_of([1.0] * 200),
        judged(first),
        judged(second),
        {str(i): str(i) for i in range(200)},
    )
    assert found.estimate > 0
    assert found.interval.low > 0
    assert found.p_value < 0.01
    assert found.n == 200


def test_a_rubric_compared_with_itself_differs_by_nothing() -> None:
    same = judged([0.9, 0.1, 0.8])
    found = accuracy_difference(labels_of([1, 1, 1]), same, same, {"0": "a", "1": "b", "2": "c"})
    assert (found.estimate, found.p_value) == (0.0, 1.0)


def test_a_difference_needs_pairs_that_both_judged() -> None:
    with pytest.raises(ValueError, match="judged by both"):
        accuracy_difference(labels_of([1.0]), judged([None]), judged([0.5]), {"0": "a"})


def test_the_best_on_dev_agrees_more_and_then_has_less_kl() -> None:
    labels = labels_of([0.9, 0.9, 0.1, 0.1])
    right = measure(labels, judged([0.9, 0.9, 0.1, 0.1]))
    right_but_timid = measure(labels, judged([0.51, 0.51, 0.49, 0.49]))
    nearly = measure(labels, judged([0.9, 0.9, 0.1, 0.6]))
    silent = measure(labels, judged([None] * 4))
    ranked = [right, right_but_timid, nearly, silent]
    assert sorted(ranked, key=selection_key, reverse=True) == ranked


def test_pairs_without_a_verdict_count_as_chance_when_selecting() -> None:
    labels = labels_of([0.9, 0.9, 0.1, 0.1])
    one_lucky_verdict = measure(labels, judged([0.9, None, None, None]))
    mostly_right = measure(labels, judged([0.9, 0.9, 0.1, 0.9]))
    assert one_lucky_verdict.accuracy == 1.0
    assert selection_key(mostly_right) > selection_key(one_lucky_verdict)


def test_a_judge_of_places_that_is_read_in_one_order_alone_is_not_measured() -> None:
    said = {"pair_id": "p", "rubric_id": "r", "p_a": 0.9, "p_a_first": 0.9, "p_a_second": None}
    read = Judgment.model_validate_json(json.dumps(said))
    assert read.p_a is None
    found = measure([Label(pair_id="p", p_a=1.0, source="rm")], [read])
    assert (found.accuracy, found.n, found.unparsed, found.incomplete) == (None, 0, 1, 1)


def test_votes_that_were_not_read_are_counted() -> None:
    said = Judgment(
        pair_id="p", rubric_id="r", p_a=0.9, p_a_first=0.9, p_a_second=0.9, votes=7, unread=1
    )
    found = measure([Label(pair_id="p", p_a=1.0, source="rm")], [said])
    assert (found.n, found.unparsed, found.incomplete) == (1, 0, 1)
    assert "incomplete" not in found.model_copy(update={"incomplete": 0}).model_dump()
