"""The coverage benchmark: its worlds have the truth they say, its count is a count."""

import numpy as np
import pytest

from benchmarks import coverage
from benchmarks.simulated import World, worlds

PROMPTS = 3000


@pytest.fixture(scope="module")
def known(request: pytest.FixtureRequest) -> dict[str, World]:
    return dict(worlds(many=4000))


def test_the_mean_of_a_large_sample_is_the_truth(known: dict[str, World]) -> None:
    for name, world in known.items():
        found = world.measure(world.draw(np.random.default_rng(1), PROMPTS))
        assert found.interval is not None, name
        assert found.mean is not None, name
        slack = 1.5 * (found.interval.high - found.interval.low)
        assert abs(found.mean - world.truth) < slack, name


def test_prompts_have_one_to_three_pairs_and_samples_repeat(known: dict[str, World]) -> None:
    for world in known.values():
        one, other = (world.draw(np.random.default_rng(7), 50) for _ in range(2))
        assert np.array_equal(one.values, other.values)
        assert set(np.bincount(one.prompts)) == {1, 2, 3}
        assert len(one.values) == len(one.keys)


def test_coverage_counts_the_samples_whose_interval_holds_the_truth(
    known: dict[str, World],
) -> None:
    world = known["agreement 75%"]
    always = coverage.covered(world, 20, 10, 0, lambda sample: (0.0, 1.0))
    never = coverage.covered(world, 20, 10, 0, lambda sample: (0.8, 0.9))
    even = coverage.covered(world, 20, 10, 0, lambda sample: (0.75, float(len(sample.values) % 2)))
    assert (always.share, always.width) == (1, 1)
    assert never.share == 0
    assert 0 < even.share < 1
    assert str(never) == "0.0% ! (0.100)"


def test_the_other_methods_give_intervals_around_the_mean(known: dict[str, World]) -> None:
    sample = known["KL, soft labels"].draw(np.random.default_rng(0), 40)
    for method in coverage.RIVALS.values():
        low, high = method(sample)
        assert low < sample.values.mean() < high
