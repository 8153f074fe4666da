"""Change points: planted ones are found, none are found in noise, and the best is the best."""

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.stats.change_points import change_points

Array = npt.NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


def noisy(levels: list[float], length: int, seed: int) -> Array:
    """Phases of equal length at these levels, with normal noise of 1."""
    rng = np.random.default_rng(seed)
    return np.repeat(levels, length) + rng.normal(size=length * len(levels))


@given(st.lists(st.sampled_from([-1, 1]), min_size=0, max_size=4), st.integers(5, 20), seeds)
def test_planted_changes_are_found_where_they_are(ways: list[int], length: int, seed: int) -> None:
    levels = np.cumsum([0.0, *(12.0 * way for way in ways)]).tolist()
    found = change_points(noisy(levels, length, seed) / 3)
    planted = [length * i for i in range(len(levels))]
    assert [start for start in found.starts if start in planted] == planted


def test_noise_is_one_phase_about_nineteen_times_in_twenty() -> None:
    for n in (10, 20, 40):
        several = sum(len(change_points(noisy([0.0], n, s)).starts) > 1 for s in range(200))
        assert several / 200 < 0.1


def test_the_number_of_changes_is_found_more_often_the_more_there_is_to_see() -> None:
    right = [
        sum(len(change_points(noisy([0.0, 1.5, 0.0], n, s)).starts) == 3 for s in range(100))
        for n in (8, 40)
    ]
    assert right[0] < right[1]
    assert right[1] >= 90


@given(
    st.lists(st.floats(-5, 5, width=16), min_size=6, max_size=11),
    st.floats(0.1, 10),
    st.floats(-10, 10),
)
def test_scale_origin_and_direction_play_no_part(
    given: list[float], scale: float, shift: float
) -> None:
    values = np.array(given) + np.random.default_rng(0).normal(size=len(given)) / 7
    starts = change_points(values).starts
    assert change_points(values * scale + shift).starts == starts
    back = change_points(values[::-1]).starts
    assert sorted(len(values) - start for start in back[1:]) == list(starts[1:])


@given(seeds, st.integers(6, 12), st.integers(1, 3))
def test_no_other_places_have_a_lower_criterion(seed: int, n: int, shortest: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=n), rng.uniform(0.5, 3, size=n)

    def criterion(starts: tuple[int, ...]) -> float:
        cuts = [slice(*ends) for ends in pairwise([*starts, n])]
        squares = sum(
            float(w @ (v - np.average(v, weights=w)) ** 2)
            for v, w in ((values[cut], weights[cut]) for cut in cuts)
        )
        parameters = 2 * len(starts) - 1
        penalty = parameters * np.log(n) * n / (n - parameters - 2)
        return float(n * np.log(squares / n) + penalty)

    allowed = [
        (0, *starts)
        for k in range(4)
        for starts in combinations(range(1, n), k)
        if all(b - a >= shortest for a, b in pairwise([0, *starts, n]))
        and n > 2 * k + 3  # more changes have no criterion
    ]
    found = change_points(values, weights, most=3, shortest=shortest)
    assert criterion(found.starts) == pytest.approx(min(map(criterion, allowed)))


def test_weights_count_as_repeats() -> None:
    values = np.array([0.0, 1, 0, 1, 4, 5, 4, 5])
    doubled = change_points(values, np.full(8, 2.0))
    assert doubled.starts == change_points(values).starts == (0, 4)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_little_is_one_phase(n: int) -> None:
    assert change_points(np.array([100.0 * i for i in range(n)])).starts == ((0,) if n else ())


def test_constant_values_are_one_phase_and_clean_steps_are_cut() -> None:
    assert change_points(np.full(30, 0.7)).starts == (0,)
    assert change_points(np.repeat([0.5, 0.7], 10)).starts == (0, 10)


def test_a_slope_is_a_staircase() -> None:
    assert len(change_points(np.array([i / 100 for i in range(100)])).starts) == 5
