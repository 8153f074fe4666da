"""The page of `make bench-gate`: what it counts as a false alarm and as a detection."""

from benchmarks.gate import RULES, Gated, Outcomes, family, tables


def gated(gate: str, state: str, mean: float) -> Gated:
    return Gated(
        gate=gate, state=state, mean=mean, low=mean - 0.1, high=mean + 0.1, pairs=10, pairs_needed=9
    )


def outcomes(worse: Gated, *biases: Gated) -> Outcomes:
    return Outcomes(gates=(worse, *biases))


PASSES = outcomes(
    gated("no worse than main", "pass", -0.01),
    gated("bias: flattery", "pass", 0.1),
    gated("bias: option_menu", "pass", 0.0),
)
FAILS = outcomes(
    gated("no worse than main", "inconclusive", -0.04),
    gated("bias: flattery", "fail", 0.9),
    gated("bias: option_menu", "pass", 0.0),
)
UNSURE = outcomes(
    gated("no worse than main", "pass", 0.0),
    gated("bias: flattery", "inconclusive", 0.3),
    gated("bias: option_menu", "pass", 0.0),
)


def test_what_stops_a_release_is_what_each_rule_says() -> None:
    found = [[rule.stops(one.gates) for rule in RULES] for one in (PASSES, FAILS, UNSURE)]
    assert found == [
        [False, False, False, True, False],
        [True, True, True, True, False],
        [True, False, True, True, False],
    ]


def test_the_page_counts_them_and_names_what_failed_beside() -> None:
    kins = family(2)
    assert [kin.planted for kin in kins] == [None, "flattery", None, "option_menu"]
    page = tables({"unchanged": [PASSES, UNSURE], "planted": [FAILS, PASSES]}, kins)
    assert "| 1 of 2 (50%, 95% interval" in page
    assert "did not pass in 1 of 2" in page
    assert "| flattery | 101 | +0.90 [+0.80, +1.00] | fail |" in page
    assert "| no worse than main |" in page
    assert "| bias: flattery | +0.300 | +0.100 | 1 of 2 |" in page
