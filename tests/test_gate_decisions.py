"""Pass, fail, inconclusive: what intervals decide, how often wrongly, and with how many pairs."""

import numpy as np
import pytest

from argo_audit.errors import RecordError
from argo_audit.gates.decisions import (
    FAILS_BELOW,
    LEAST_PROMPTS,
    Bounds,
    Evidence,
    decide,
)


def shares(right: int, wrong: int) -> Evidence:
    values = np.array([1.0] * right + [0.0] * wrong)
    return Evidence(values, [f"p{i}" for i in range(len(values))], len(values), "share")


def means(mean: float, sd: float, n: int, seed: int = 0) -> Evidence:
    drawn = np.random.default_rng(seed).normal(mean, sd, n)
    return Evidence(drawn, [f"p{i}" for i in range(n)], n, "mean")


@pytest.mark.parametrize(
    ("evidence", "bounds", "verdict"),
    [
        (shares(95, 5), Bounds(at_least=0.8), "pass"),
        (shares(60, 40), Bounds(at_least=0.8), "fail"),
        (shares(82, 18), Bounds(at_least=0.8), "inconclusive"),
        (shares(5, 95), Bounds(at_most=0.2), "pass"),
        (means(0.0, 1.0, 400), Bounds(at_least=-0.3, at_most=0.3), "pass"),
        (means(1.0, 1.0, 400), Bounds(at_least=-0.3, at_most=0.3), "fail"),
        (means(-1.0, 1.0, 400), Bounds(at_least=-0.3, at_most=0.3), "fail"),
    ],
)
def test_the_interval_decides(evidence: Evidence, bounds: Bounds, verdict: str) -> None:
    assert decide(evidence, bounds).verdict == verdict


def test_nothing_is_decided_by_a_handful_of_prompts() -> None:
    few = Evidence(
        np.full(500, 1.0), [f"p{i % (LEAST_PROMPTS - 1)}" for i in range(500)], 500, "share"
    )
    assert decide(few, Bounds(at_least=0.1)).verdict == "inconclusive"
    enough = few._replace(keys=[f"p{i % 100}" for i in range(500)])
    assert decide(enough, Bounds(at_least=0.1)).verdict == "pass"


def test_without_a_value_there_is_no_verdict_but_inconclusive() -> None:
    nothing = decide(Evidence(np.array([]), [], 100, "mean"), Bounds(at_most=1.0))
    assert (nothing.verdict, nothing.mean, nothing.pairs_needed) == ("inconclusive", None, None)


def test_failing_takes_more_than_not_passing() -> None:
    """Fifty gates share the chance of a wrong failure, and passing needs no correction."""
    weak = decide(shares(70, 30), Bounds(at_least=0.8))
    assert weak.interval is not None
    assert weak.interval.high < 0.8
    assert FAILS_BELOW < weak.p_value < 0.05
    assert weak.verdict == "inconclusive"
    assert decide(shares(95, 5), Bounds(at_least=0.8)).verdict == "pass"


def test_the_p_value_is_the_level_at_which_the_interval_touches_the_bound() -> None:
    bounds = Bounds(at_least=0.8)
    for right in range(60, 80):
        decision = decide(shares(right, 100 - right), bounds)
        assert (decision.p_value < FAILS_BELOW) == (decision.verdict == "fail")
    assert decide(shares(95, 5), bounds).p_value == 1.0


def test_that_many_pairs_decide_it_four_times_in_five() -> None:
    """If the truth is what was found; the number is of pairs like those that were measured."""
    bounds, decided = Bounds(at_most=0.25), 0
    asked = Evidence(np.tile([1.0, -0.8], 50), [f"p{i}" for i in range(100)], 100, "mean")
    needed = decide(asked, bounds).pairs_needed
    assert needed is not None
    assert needed > 100
    for seed in range(200):
        drawn = np.random.default_rng(seed).choice([1.0, -0.8], needed)
        again = Evidence(drawn, [f"p{i}" for i in range(needed)], needed, "mean")
        decided += decide(again, bounds).verdict == "pass"
    assert 0.7 < decided / 200 < 0.9


def test_on_the_bound_no_number_of_pairs_would_decide() -> None:
    on = Evidence(np.tile([1.0, 0.0], 50), [f"p{i}" for i in range(100)], 100, "mean")
    assert decide(on, Bounds(at_most=0.5)).pairs_needed is None


def test_a_session_is_failed_wrongly_no_more_often_than_said() -> None:
    """Six gates whose truth is exactly on the bound: the least favourable case."""
    failed = 0
    for seed in range(50):
        verdicts = [
            decide(means(0.25, 1.0, 60, 6 * seed + i), Bounds(at_most=0.25)).verdict
            for i in range(6)
        ]
        failed += "fail" in verdicts
    assert failed / 50 <= 0.05


@pytest.mark.parametrize("words", [{}, {"at_least": 0.5, "at_most": 0.4}])
def test_bounds_that_claim_nothing_or_contradict_themselves_are_refused(
    words: dict[str, float],
) -> None:
    with pytest.raises(RecordError, match="at_least"):
        Bounds(**words)
