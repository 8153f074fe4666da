"""Intervals over prompts: their laws; how often they hold the truth is the benchmark's to say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from argo_audit.stats.intervals import by_prompt, interval, mean_interval, share_interval

VERDICTS = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=60)


def names(n: int, per_prompt: int = 1) -> list[str]:
    return [str(i // per_prompt) for i in range(n)]


@settings(deadline=None)
@given(VERDICTS)
def test_a_share_lies_in_its_interval_and_that_in_the_unit(values: list[float]) -> None:
    found = interval(np.array(values), names(len(values)))
    assert 0 <= found.low <= np.mean(values) <= found.high <= 1
    assert found.low < found.high


@settings(deadline=None)
@given(VERDICTS)
def test_a_share_and_its_complement_mirror_each_other(values: list[float]) -> None:
    one = interval(np.array(values), names(len(values)))
    other = interval(1 - np.array(values), names(len(values)))
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))


def test_of_many_independent_pairs_it_is_wilsons() -> None:
    values = np.repeat([1.0, 0.0], [140, 860])
    found = interval(values, names(1000))
    wilson = binomtest(140, 1000).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=1e-3)


def test_what_never_happened_may_still_happen() -> None:
    found = interval(np.zeros(100), names(100))
    assert found.low == 0
    assert found.high == pytest.approx(0.038, abs=1e-3)
    unseen = interval(np.zeros(100), names(100), difference=True)
    assert (unseen.low, unseen.high) == pytest.approx((-found.high, found.high))


@settings(deadline=None)
@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=4, max_size=60))
def test_a_difference_turns_with_its_sides(values: list[float]) -> None:
    one = interval(np.array(values), names(len(values), 2), difference=True)
    other = interval(-np.array(values), names(len(values), 2), difference=True)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.low <= np.mean(values) <= one.high


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=6, max_size=40), st.floats(0.1, 10))
def test_any_other_mean_scales_with_its_unit(values: list[float], unit: float) -> None:
    numbers = np.array([*values, 0.123, 0.321])
    one = mean_interval(by_prompt(numbers, names(len(numbers), 2)))
    other = mean_interval(by_prompt(unit * numbers, names(len(numbers), 2)))
    assert other.low == pytest.approx(unit * one.low, rel=1e-6, abs=1e-6)
    assert one.low < numbers.mean() < one.high


def test_a_few_large_values_make_it_wider_than_as_many_small_ones() -> None:
    rng = np.random.default_rng(0)
    even = rng.normal(size=100)
    rare = np.where(np.arange(100) < 4, 5.0, 0.01 * even)
    rare *= even.std() / rare.std()
    widths = [
        found.high - found.low
        for values in (even, rare)
        for found in [mean_interval(by_prompt(values, names(100)))]
    ]
    assert widths[1] > 1.1 * widths[0]


def test_copies_of_a_pair_in_its_prompt_are_no_evidence() -> None:
    values = (np.random.default_rng(1).random(50) < 0.8).astype(float)
    once = share_interval(by_prompt(values, names(50)))
    copied = share_interval(by_prompt(np.repeat(values, 8), names(400, 8)))
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_a_single_prompt_and_equal_numbers_have_no_width_and_say_so() -> None:
    single = interval(np.array([1.0, 0.0]), ["x", "x"])
    equal = interval(np.full(5, 0.3), names(5))
    assert (single.low, single.high) == (0.5, 0.5)
    assert (equal.low, equal.high) == pytest.approx((0.3, 0.3))
    assert all(found.method.startswith("degenerate") for found in (single, equal))
