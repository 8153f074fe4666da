"""Krippendorff's alpha: Inspect's number, with an interval that holds what was planted."""

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.scorer import SampleScore, Score, krippendorff_alpha

from argo_audit.stats.alpha import alpha

KrippendorffLevel = Literal["nominal", "ordinal", "interval"]

UNITS = st.lists(
    st.lists(st.floats(0, 1).map(lambda x: round(x, 3)), min_size=1, max_size=5),
    min_size=3,
    max_size=20,
)


def inspects(units: list[list[float]], level: KrippendorffLevel) -> float:
    compute: Callable[[list[SampleScore]], float] = cast("Any", krippendorff_alpha(level))
    rated = [list[str | int | float | bool](unit) for unit in units if len(unit) > 1]
    return compute([SampleScore(score=Score(value=unit)) for unit in rated])


def names(n: int) -> list[str]:
    return [str(i) for i in range(n)]


@settings(deadline=None)
@given(UNITS)
def test_it_is_inspects_alpha(units: list[list[float]]) -> None:
    found = alpha(units, names(len(units)))
    assert found.n == sum(len(unit) > 1 for unit in units)
    if found.mean is None:
        assert len({x for unit in units if len(unit) > 1 for x in unit}) < 2
    else:
        assert found.mean == pytest.approx(inspects(units, "interval"), abs=1e-9)


def test_of_verdicts_it_counts_disagreements() -> None:
    units = [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    assert alpha(units, names(3)).mean == pytest.approx(inspects(units, "nominal"))


@pytest.mark.parametrize("units", [[], [[0.7], [0.2]], [[0.5, 0.5], [0.5, 0.5]]])
def test_where_nothing_could_disagree_nothing_is_measured(units: list[list[float]]) -> None:
    found = alpha(units, names(len(units)))
    assert found.mean is None
    assert found.interval is None


def test_perfect_agreement_of_a_hundred_pairs_is_not_certain() -> None:
    units = [[float(i % 2)] * 2 for i in range(100)]
    found = alpha(units, names(100))
    assert found.interval is not None
    assert (found.mean, found.interval.high) == (1.0, 1.0)
    assert 0.9 < found.interval.low < 0.95


def test_the_interval_is_of_prompts_not_of_pairs() -> None:
    rng = np.random.default_rng(0)
    units = [[float(x), float(x != (rng.random() < 0.2))] for x in rng.random(60) < 0.5]
    once = alpha(units, names(60)).interval
    copied = alpha([unit for unit in units for _ in range(5)], [str(i // 5) for i in range(300)])
    assert once is not None
    assert copied.interval is not None
    assert copied.interval.low == pytest.approx(once.low, abs=0.03)
