"""The worlds that searches are raced on: judges with faults, a bank of lines, counts."""

from pathlib import Path

import anyio
import numpy as np
import pytest

from argo_audit.organism.world import build
from argo_audit.records import Label, Rubric
from argo_audit.search.selection import SearchData
from benchmarks.line_judges import CLEAN, HARD, Nature, ScriptedJudge
from benchmarks.search import recovered
from benchmarks.search_worlds import (
    SearchWorld,
    accuracy,
    line_bank,
    real_sets,
    spoken,
    targets,
)
from benchmarks.surface_counts import counted, fitted_on

LINES = ["bulleted lists", "long responses", "apologies"]
PAIRS = build("A", pairs=60, seed=0).pairs


def answers(nature: Nature) -> np.ndarray:
    judge = ScriptedJudge(nature)
    return anyio.run(judge.line_answers, LINES, PAIRS).p_a


def test_a_clean_judge_says_the_same_in_both_orders_and_counts_blocks_of_lines() -> None:
    judge = ScriptedJudge(CLEAN)
    said = anyio.run(judge.line_answers, LINES * 3, PAIRS)
    assert np.array_equal(said.p_a[:, :, 0], said.p_a[:, :, 1])
    assert said.asked.calls == judge.calls == 2 * 2 * len(PAIRS)


def test_faults_are_a_function_of_the_text() -> None:
    assert np.array_equal(answers(HARD), answers(HARD))


@pytest.mark.parametrize(
    ("nature", "differs"),
    [
        (Nature(name="biased", bias=1.0), True),
        (Nature(name="noisy", noise=1.0), True),
        (Nature(name="interfering", interference=0.2), False),
    ],
)
def test_each_fault_shows(nature: Nature, differs: bool) -> None:
    said = answers(nature)
    assert not np.allclose(said, answers(CLEAN))
    assert bool(np.any(said[:, :, 0] != said[:, :, 1])) == differs


def test_blind_lines_say_nothing_and_inverted_ones_the_opposite() -> None:
    assert np.all(answers(Nature(name="blind", blind=1.1)) == 0.5)
    turned = answers(Nature(name="turned", inverted=1.1))
    assert np.allclose(turned, 1 - answers(CLEAN))


def test_a_rubric_is_judged_by_what_its_lines_say() -> None:
    judge = ScriptedJudge(Nature(name="turned", inverted=1.1))
    table = "| Category | Description |\n|---|---|\n| L | Rewards bulleted lists |\n"
    plain = ScriptedJudge(CLEAN).without_counting(table, PAIRS)
    assert np.allclose(judge.without_counting(table, PAIRS), 1 - plain)


def test_the_key_of_a_bank_is_far_above_chance() -> None:
    bank = line_bank(0, lines=30, true=6, pairs=3300)
    held = bank.data.splits["held-out"]
    assert (
        accuracy(bank.judge.without_counting(bank.key, held), targets(bank.data, "held-out")) > 0.7
    )
    assert len(bank.true) == 6


def test_counts_learn_that_the_longer_one_is_preferred() -> None:
    target = np.array([float(len(p.response_a) > len(p.response_b)) for p in PAIRS])
    said = fitted_on(counted(PAIRS), target)(counted(PAIRS))
    assert np.mean((said > 0) == (target > 0.5)) > 0.9


def test_recovered_lines_are_planted_or_hold() -> None:
    labels = {pair.id: Label(pair_id=pair.id, p_a=0.5, source="rm") for pair in PAIRS}
    data = SearchData({"train": PAIRS}, {"rm": labels}, "rm")
    world = SearchWorld(
        "A", 0, data, ScriptedJudge(), "", {"bullets": 1.0}, {"apology": (-0.4, -0.1)},
        frozenset({"bullets", "length"}),
    )  # fmt: skip
    rubric = "- Rewards bulleted lists\n- Penalizes apologies\n- Rewards emoji\n"
    assert recovered(world, rubric) == (1, 2, 2, 3)
    assert spoken("| Lists | Penalizes bulleted lists | 10% |") == {"bullets": -1}


def test_real_sets_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    assert list(real_sets(tmp_path)) == []


def test_a_judgment_has_both_orders() -> None:
    (said,) = anyio.run(ScriptedJudge(HARD).judge, Rubric(text="- Rewards emoji\n"), PAIRS[:1])
    assert said.p_a == pytest.approx(((said.p_a_first or 0) + (said.p_a_second or 0)) / 2)
