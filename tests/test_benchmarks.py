"""The pure parts of benchmarks/: estimates, cells that resume, tables from given outcomes."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.organism.world import build
from argo_audit.records import Record
from benchmarks import budget, labels, organism
from benchmarks.cells import Finished, Ledger, key
from benchmarks.plan import QUICK
from benchmarks.tables import estimate, middle, minus, points, ratio, share
from benchmarks.trials import Collapses, Outcome, Point, Trial
from benchmarks.worlds import Yardsticks, parts_of

shares = st.floats(0, 1)


class Cell(Record):
    n: int
    steps: int = 60


class Result(Record):
    value: float


def ledger(path: Path) -> Ledger[Cell, Result]:
    return Ledger(path, Finished[Cell, Result])


def test_an_interval_is_students_t_over_seeds() -> None:
    found = estimate([0.80, 0.84, 0.88])
    assert found is not None
    assert found.mean == pytest.approx(0.84)
    assert found.high == pytest.approx(0.84 + 4.302653 * 0.04 / math.sqrt(3))


@given(st.lists(shares, min_size=2), shares)
def test_an_interval_moves_with_the_values(values: list[float], shift: float) -> None:
    here, there = estimate(values), estimate([value + shift for value in values])
    assert here is not None
    assert there is not None
    assert here.low is not None
    assert here.high is not None
    assert here.low <= here.mean + 1e-9
    assert here.high >= here.mean - 1e-9
    assert there.mean == pytest.approx(here.mean + shift)
    assert there.low == pytest.approx(here.low + shift, abs=1e-6)


def test_what_was_not_measured_is_left_out_and_never_zero() -> None:
    assert share([None, 0.5, None]) == "50.0%"
    assert share([None]) == points([]) == middle([]) == "not measured"
    assert minus(None, 0.5) is minus(0.5, None) is ratio(None, 1.0) is ratio(0.5, 0.0) is None


def test_differences_are_signed_percentage_points() -> None:
    assert points([0.02, 0.02]) == "+2.0 [+2.0, +2.0]"
    assert middle([3, 1000, 2000]) == "1,000 (3 to 2,000)"


def test_a_changed_setting_is_another_cell() -> None:
    assert key(Cell(n=1)) == key(Cell(n=1, steps=60))
    assert len({key(cell) for cell in (Cell(n=1), Cell(n=2), Cell(n=1, steps=30))}) == 3


def test_a_ledger_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cells.jsonl"
    ledger(path).add(Cell(n=1), Result(value=0.5))
    with path.open("a") as file:
        file.write('{"cell": {"n": 2')  # an interruption
    again = ledger(path)
    assert again.get(Cell(n=1)) == Result(value=0.5)
    assert again.get(Cell(n=2)) is None
    again.add(Cell(n=2), Result(value=0.7))
    assert ledger(path).get(Cell(n=2)) == Result(value=0.7)
    assert len(path.read_text().splitlines()) == 2


def outcome(trial: Trial) -> Outcome:
    """An outcome with numbers to look for: planted 90% when trained on RM labels, else 70%."""
    planted = 0.9 if trial.source == "rm" else 0.7
    by_source: dict[str, float | None] = {"rm": 0.8, "human": 0.6, "planted": planted}
    yardsticks = Yardsticks(
        rm=0.88, raw=0.67, no_rubric=by_source, longest=by_source, ceiling=by_source
    )
    steps = [Point(judge_calls=n, dev_calls=0, wall=n, cpu=n, by_train=n / 10, by_dev=None)
             for n in (5, 7, 8)]  # fmt: skip
    return Outcome(
        yardsticks=yardsticks,
        rubric="- rewards lists",
        step=1,
        dev=0.8,
        held_out=by_source,
        dev_top=(0.5, 0.6),
        held_out_top=(0.5, 0.65),
        points=tuple(steps),
        collapses=Collapses(attempts=9, empty=1, without_criteria=0, repeating=0, distinct=8),
    )


def test_the_organism_table_shows_rise_and_ratio_to_the_ceiling() -> None:
    trials = organism.trials(QUICK)
    text = organism.tables(QUICK, {key(trial): outcome(trial) for trial in trials})
    assert "| **Rise of the top 50, points** | +15.0 | +15.0 |" in text
    assert "| **Its ratio to the ceiling** | 100.0% | 100.0% |" in text


def test_the_labels_table_shows_rm_trained_minus_raw_trained() -> None:
    trials = labels.trials(QUICK)
    assert [trial.source for trial in trials] == ["rm", "human"]
    assert len({key(trial.world) for trial in trials}) == 1
    text = labels.tables(QUICK, {key(trial): outcome(trial) for trial in trials})
    assert "| 0.675 | 50 | +20.0 | +0.0 | +0.0 | 88.0% | 67.0% |" in text


def test_the_budget_counts_to_the_first_step_at_ninety_percent() -> None:
    trials = budget.trials(QUICK)
    assert {key(trial) for trial in organism.trials(QUICK)} < set(map(key, trials))
    text = budget.tables(QUICK, {key(trial): outcome(trial) for trial in trials})
    assert "| A | ARGO | train | 1 of 1 | 8 | 8 | 8 | 80.0% | 100.0% | 8 |" in text
    assert "| A | ARGO | dev | 0 of 1 | not reached |" in text


def test_arms_of_a_seed_ask_equally_many_prompts() -> None:
    argo, best_of_n = (
        QUICK.budget_trial("A", 0, arm).search.feedback for arm in ("argo", "best-of-n")
    )
    assert len(argo.variants) == len(best_of_n.variants)
    assert set(best_of_n.variants) == {"explore"}


def test_fewer_train_pairs_are_among_the_more_and_held_out_stays() -> None:
    pairs = build("A", 150, seed=3).pairs
    specs = [labels.trials(QUICK)[0].world.model_copy(update={"train_pairs": n}) for n in (10, 60)]
    few, more = (parts_of(spec, pairs) for spec in specs)
    assert few["train"] == more["train"][:10]
    assert few["held-out"] == more["held-out"]
    assert len(few["train"]) == len(few["dev"]) == 10
    with pytest.raises(ValueError, match="train pairs asked for"):
        parts_of(specs[0].model_copy(update={"train_pairs": 149}), pairs)
