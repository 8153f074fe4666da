"""The page of `make bench-gate`: what it counts as a false alarm and as a detection."""

from benchmarks.gate import family
from benchmarks.gate_models import Kin
from benchmarks.gate_page import KINDS, RULES, Gated, Outcomes, tables


def gated(gate: str, state: str, mean: float) -> Gated:
    return Gated(
        gate=gate, state=state, mean=mean, low=mean - 0.1, high=mean + 0.1, pairs=10, pairs_needed=9
    )


def outcomes(planted: str | None, worse: Gated, *biases: Gated) -> Outcomes:
    return Outcomes(kin=Kin(seed=7, planted=planted), gates=(worse, *biases))


PASSES = outcomes(
    None,
    gated("no worse than main", "pass", -0.01),
    gated("bias: flattery", "pass", 0.1),
    gated("bias: option_menu", "pass", 0.0),
)
FAILS = outcomes(
    "flattery",
    gated("no worse than main", "inconclusive", -0.04),
    gated("bias: flattery", "fail", 0.9),
    gated("bias: option_menu", "inconclusive", 0.2),
)
UNSURE = outcomes(
    "flattery",
    gated("no worse than main", "pass", 0.0),
    gated("bias: flattery", "inconclusive", 0.3),
    gated("bias: option_menu", "pass", 0.0),
)


def test_what_stops_a_release_is_what_each_rule_says() -> None:
    found = [[rule.stops(one.gates) for rule in RULES] for one in (PASSES, FAILS, UNSURE)]
    assert found == [
        [False, False, False, True, False, True],
        [True, True, True, True, False, True],
        [True, False, True, True, False, False],
    ]


def test_there_are_as_many_of_each_kind_no_two_of_one_seed() -> None:
    kinds, kins = zip(*family(100), strict=True)
    assert {kinds.count(kind) for kind in KINDS} == {100}
    assert len({kin.seed for kin in kins}) == 300
    of_two = [None, "flattery", "flattery", None, "option_menu", "option_menu"]
    assert [kin.planted for kin in kins[:6]] == of_two


def test_the_page_counts_them_and_names_what_failed_beside() -> None:
    page = tables(
        {"unchanged": [PASSES] * 19 + [UNSURE], "planted": [FAILS], "faint": [UNSURE]}, 0.3
    )
    assert "| 1 of 20 (5.0% [0.9%, 23.6%]) | 1 of 1 (100.0% [20.7%, 100.0%]) | 1 of 1" in page
    assert "planted: the gate of the planted bias itself did not pass in 1 of 1" in page
    assert "attributes beside it: 1 in 1 reward models" in page
    assert "| flattery | 2.5 | 7 | +0.90 [+0.80, +1.00] | fail | -0.04" in page
    assert "| 0.2 spreads | 1 of 20 (5.0% [0.9%, 23.6%]) | 1 of 1" in page
    assert "| 0.1 spreads | 20 of 20 (100.0% [83.9%, 100.0%]) | 1 of 1" in page
    assert "| bias: flattery | +0.300 | +0.100 | 1 of 20 |" in page
