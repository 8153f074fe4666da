"""Shown or preferred: the parts add up, vanish where nothing differs, and hold the truth."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.stats.decomposition import Crossed, Split, split

Array = npt.NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


def crossed(rates: tuple[float, float], prompts: int, rng: np.random.Generator) -> Crossed:
    """Three pairs a prompt whose two labels are 1 at these rates, prompts being alike."""
    level = rng.beta(4, 4, size=(prompts, 1, 1)) - 0.5
    chance = np.clip(np.array(rates) + 0.4 * level, 0, 1)
    values = (rng.random((prompts, 3, 2)) < chance).reshape(-1, 2).astype(np.float64)
    return Crossed(values, [f"p{i}" for i in range(prompts) for _ in range(3)])


def found(first: Crossed, second: Crossed) -> Split:
    known = split(first, second)
    assert known is not None
    return known


@settings(max_examples=20)
@given(seeds)
def test_the_parts_add_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = crossed((0.8, 0.4), 12, rng), crossed((0.3, 0.6), 9, rng)
    parts = found(a, b)
    home = a.values[:, 0].mean() - b.values[:, 1].mean()
    assert parts.total.estimate == pytest.approx(home)
    assert parts.shown.estimate + parts.preferred.estimate == pytest.approx(home)


@settings(max_examples=20)
@given(seeds)
def test_the_other_way_round_changes_the_signs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = crossed((0.8, 0.4), 12, rng), crossed((0.3, 0.6), 9, rng)
    there = found(a, b)
    back = found(*(Crossed(side.values[:, ::-1], side.keys) for side in (b, a)))
    assert back.shown.estimate == pytest.approx(-there.shown.estimate)
    assert back.preferred.estimate == pytest.approx(-there.preferred.estimate)


@settings(max_examples=20)
@given(seeds)
def test_one_reward_model_prefers_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (crossed((rate, rate), 12, rng) for rate in (0.8, 0.3))
    same = [Crossed(np.repeat(side.values[:, :1], 2, axis=1), side.keys) for side in (a, b)]
    parts = found(*same)
    assert parts.preferred.estimate == parts.preferred.interval.low == 0
    assert parts.preferred.p_value == 1
    assert parts.shown.estimate == pytest.approx(parts.total.estimate)


@settings(max_examples=20)
@given(seeds)
def test_the_same_pairs_show_the_same(seed: int) -> None:
    pairs = crossed((0.8, 0.3), 12, np.random.default_rng(seed))
    parts = found(pairs, pairs)
    assert parts.shown.estimate == pytest.approx(0)
    assert parts.preferred.estimate == pytest.approx(parts.total.estimate)


@pytest.mark.parametrize(
    ("repetitions", "within"), [(60, 0.06), pytest.param(300, 0.03, marks=pytest.mark.slow)]
)
def test_intervals_hold_the_truth_as_often_as_they_say(repetitions: int, within: float) -> None:
    """Of 60 prompts: 95%, plus or minus what so many repetitions leave to chance."""
    truth = {"total": 0.7 - 0.5, "shown": 0.05, "preferred": 0.15}
    held = dict.fromkeys(truth, 0)
    for seed in range(repetitions):
        rng = np.random.default_rng(seed)
        parts = found(crossed((0.7, 0.45), 60, rng), crossed((0.55, 0.5), 60, rng))
        for name, value in truth.items():
            interval = getattr(parts, name).interval
            held[name] += interval.low <= value <= interval.high
    expected = ((0.7 - 0.55) + (0.45 - 0.5)) / 2
    assert truth["shown"] == pytest.approx(expected)
    shares = {name: times / repetitions for name, times in held.items()}
    assert shares == pytest.approx(dict.fromkeys(truth, 0.95), abs=within)


def test_what_is_not_labelled_counts_for_nothing() -> None:
    rng = np.random.default_rng(0)
    a, b = crossed((0.8, 0.4), 12, rng), crossed((0.3, 0.6), 9, rng)
    more = Crossed(np.vstack([a.values, np.full((1, 2), np.nan)]), [*a.keys, "other"])
    assert found(more, b).total.estimate == pytest.approx(found(a, b).total.estimate)


def test_without_all_four_means_there_is_no_split() -> None:
    a = crossed((0.8, 0.4), 12, np.random.default_rng(0))
    lacking = Crossed(np.where([True, False], a.values, np.nan), a.keys)
    assert split(a, lacking) is None
    assert split(a, Crossed(a.values[:1], ["one"])) is None
    assert split(a, Crossed(np.zeros((0, 2)), [])) is None
