"""Phases of a search: cut where it became better, by what was measured, and told with their n."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from audit_world import agreement, bare_run

from argo_audit.findings.inputs import RunRecord
from argo_audit.findings.phases import GAIN, Phases, length_effect, phases
from argo_audit.records import Attempt, Measurement, Rubric, Split, Usage


def searched(
    steps: int,
    text: Callable[[int, int], str],
    accuracy: Callable[[int, str], float],
    splits: tuple[Split, ...] = ("held-out",),
) -> RunRecord:
    """A search of three rubrics a step, each measured."""
    attempts = tuple(
        Attempt(
            run="r",
            step=step,
            prompt_variant=0,
            rubric=Rubric(text=text(step, i)),
            train=agreement(0.6, 10),
            policy_reward=-0.5 if step < steps // 2 else -0.1,
            usage=Usage(calls=20),
            seconds=0.1,
        )
        for step in range(steps)
        for i in range(3)
    )
    measurements = tuple(
        Measurement(
            run="r",
            rubric_id=tried.rubric.id,
            split=split,
            label_source="rm",
            agreement=agreement(accuracy(tried.step, tried.rubric.text)),
        )
        for tried in attempts
        for split in splits
    )
    return RunRecord(bare_run(), attempts, measurements, Path("none"))


def a_rubric(step: int, i: int) -> str:
    return f"- rubric {step} {i}"


def cut(record: RunRecord) -> Phases:
    found = phases(record, "rm")
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(5))
def test_training_is_cut_where_it_became_better(seed: int) -> None:
    rng = Random(seed)
    levels = [0.55] * 8 + [0.65] * 12 + [0.75] * 20
    found = cut(searched(40, a_rubric, lambda step, text: levels[step] + rng.gauss(0, 0.01)))
    assert {0, 8, 20} <= {steps[0] for steps in found.steps}  # one time in twenty there is another
    values = [mean.value for mean in found.levels]
    assert values[:3] == pytest.approx([0.55, 0.65, 0.75], abs=0.01)
    assert all(m.interval and m.interval.low < (m.value or 0) for m in found.levels)
    assert found.measure == "agreement on held-out pairs, %"
    assert found.of == 40


def test_a_search_that_did_not_improve_is_one_phase() -> None:
    rng = Random(0)
    found = cut(searched(40, a_rubric, lambda step, text: 0.6 + rng.gauss(0, 0.02)))
    assert found.steps == (range(40),)
    assert found.evidence == 0


def test_phases_cover_every_step_also_those_without_a_measurement() -> None:
    def measured_late(step: int, text: str) -> float:
        return 0.6 if step < 10 else 0.8

    whole = searched(20, a_rubric, measured_late)
    some = tuple(m for i, m in enumerate(whole.measurements) if (i // 3) % 2)  # odd steps
    found = cut(RunRecord(whole.run, whole.attempts, some, whole.folder))
    assert [(steps[0], steps[-1]) for steps in found.steps] == [(0, 10), (11, 19)]
    assert found.of == 10


def test_dev_and_then_train_stand_in_for_held_out() -> None:
    on_dev = cut(searched(12, a_rubric, lambda s, t: 0.5 + (s > 5) / 5, splits=("dev",)))
    assert on_dev.measure == "agreement on dev pairs, %"
    on_train = cut(searched(12, a_rubric, lambda s, t: 0.5, splits=()))
    assert on_train.measure == GAIN
    assert on_train.steps == on_dev.steps == (range(6), range(6, 12))


def test_nothing_tried_has_no_phases() -> None:
    assert phases(searched(0, a_rubric, lambda s, t: 0.5), "rm") is None


def words(step: int, i: int) -> str:
    return f"- {step} {i}" + " word" * (5 * i)


def test_longer_rubrics_that_agree_less_are_seen() -> None:
    rng = Random(1)
    record = searched(20, words, lambda s, t: 0.8 - len(t) / 1000 + rng.gauss(0, 0.005))
    found = length_effect(record, "rm")
    assert found is not None
    assert (found.rubrics, found.steps) == (60, 20)
    assert found.raw.interval.high < -0.5
    assert found.at_equal_step
    assert found.at_equal_step.interval.high < -0.5


def test_what_training_does_to_both_is_taken_out() -> None:
    """Rubrics grow and agreement rises with the steps; within a step they are unrelated."""
    rng = Random(2)
    grown = searched(
        40,
        lambda s, i: f"- {s} {i}" + " word" * (10 * s + rng.randrange(40)),
        lambda s, t: 0.5 + s / 200 + rng.gauss(0, 0.01),
    )
    found = length_effect(grown, "rm")
    assert found
    assert found.raw.interval.low > 0.5
    assert found.at_equal_step
    assert found.at_equal_step.interval.low < 0 < found.at_equal_step.interval.high


def test_without_variation_there_is_no_correlation() -> None:
    assert length_effect(searched(20, a_rubric, lambda s, t: 0.5 + s / 100), "rm") is None
    assert length_effect(searched(3, words, lambda s, t: 0.5), "rm") is None
    assert length_effect(searched(1, words, lambda s, t: len(t) / 1000), "rm") is None


def test_a_partial_correlation_without_anything_left_is_none() -> None:
    found = length_effect(searched(20, lambda s, i: "- " + "w " * s, lambda s, t: s / 50), "rm")
    assert found
    assert found.raw.value == pytest.approx(1)
    assert found.at_equal_step is None
