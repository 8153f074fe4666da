"""Means over pairs: known values, and the laws that intervals and tests obey."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from argo_audit.stats.estimates import detectable_effect, estimate, sign_flip_p
from argo_audit.stats.intervals import by_prompt

NUMBERS = st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=12)


def test_a_mean_is_over_pairs_and_its_error_between_prompts() -> None:
    """Two prompts of two equal pairs hold as much as two pairs: the error is that of two."""
    once = estimate([1.0, 0.0, 1.0], ["x", "y", "z"])
    twice = estimate([1.0, 1.0, 0.0, 0.0, 1.0, 1.0], ["x", "x", "y", "y", "z", "z"])
    assert (once.mean, once.n, once.clusters) == pytest.approx((2 / 3, 3, 3))
    assert (twice.mean, twice.n, twice.clusters) == pytest.approx((2 / 3, 6, 3))
    assert twice.detectable == pytest.approx(once.detectable)


def test_where_nothing_varies_there_is_no_detectable_effect() -> None:
    assert estimate([0.0, 0.0, 0.0], ["x", "y", "z"]).detectable is None


def test_the_detectable_effect_is_that_of_the_textbook() -> None:
    """100 prompts of standard deviation 1: (1.96 + 0.84) / 10."""
    values = np.array([1.0, -1.0] * 50)
    found = detectable_effect(*by_prompt(values, [str(i) for i in range(100)]))
    assert found == pytest.approx(2.8016 / 10 * (100 / 99) ** 0.5, abs=1e-4)


def test_the_sign_flip_test_is_exact_for_few_prompts() -> None:
    """All of 8 on one side: of 256 equally likely flips two are as extreme."""
    assert sign_flip_p(np.ones(8)) == pytest.approx(2 / 256)
    assert sign_flip_p(np.ones(1)) == 1.0
    assert sign_flip_p(np.zeros(5)) == 1.0


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=6))
@settings(deadline=None, max_examples=10)
def test_the_exact_sign_flip_test_is_that_of_scipy(sums: list[int]) -> None:
    numbers = np.array(sums, dtype=np.float64)
    flipped = permutation_test(
        (numbers, np.zeros_like(numbers)),
        lambda x, y, axis=-1: np.sum(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
    )
    assert sign_flip_p(numbers) == pytest.approx(flipped.pvalue)


def test_nothing_is_estimated_from_nothing() -> None:
    found = estimate([], [], test=True)
    assert (found.mean, found.interval, found.p_value, found.detectable, found.n) == (
        (None,) * 4 + (0,)
    )
    alone = estimate([0.5], ["x"], test=True)
    assert (alone.mean, alone.detectable, alone.p_value) == (0.5, None, 1.0)


@given(NUMBERS)
@settings(deadline=None, max_examples=50)
def test_a_difference_is_as_sure_the_other_way_round(values: list[float]) -> None:
    keys = [str(i) for i in range(len(values))]
    one = estimate(values, keys, test=True)
    other = estimate([-value for value in values], keys, test=True)
    assert one.mean == pytest.approx(-(other.mean or 0.0))
    assert one.p_value == pytest.approx(other.p_value)
    assert one.detectable == pytest.approx(other.detectable)
    assert one.interval is not None
    assert one.mean is not None
    assert one.interval.low <= one.mean + 1e-9
    assert one.mean <= one.interval.high + 1e-9
