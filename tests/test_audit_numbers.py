"""The numbers behind the figures, on searches small enough to reckon by hand."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from audit_world import agreement, bare_run
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.findings.curves import Spread, curve, final, mean_difference, variant_gain, windows
from argo_audit.findings.evolution import LIX, collapse, lix, parts, repeats, stages
from argo_audit.findings.inputs import Planted, RunRecord
from argo_audit.findings.recall import recovered, score
from argo_audit.findings.stances import Stance, stances
from argo_audit.organism.populations import PlantedPreference
from argo_audit.records import Attempt, Measurement, Rubric, Split, Usage


def attempt(step: int, reward: float, text: str = "", variant: int = 0) -> Attempt:
    return Attempt(
        run="r",
        step=step,
        prompt_variant=variant,
        rubric=Rubric(text=text or f"- rubric {step} {reward}"),
        train=agreement(0.6, 10),
        policy_reward=reward,
        usage=Usage(calls=20),
        seconds=0.1,
    )


def record(attempts: list[Attempt], measured: dict[tuple[str, Split], float]) -> RunRecord:
    measurements = tuple(
        Measurement(
            run="r",
            rubric_id=Rubric(text=text).id,
            split=split,
            label_source="rm",
            agreement=agreement(accuracy),
        )
        for (text, split), accuracy in measured.items()
    )
    return RunRecord(bare_run(), tuple(attempts), measurements, Path("none"))


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 12))
def test_windows_cover_every_step_once(steps: int, count: int) -> None:
    cut = windows([attempt(step, 0.0) for step in range(steps)], count)
    assert [step for window in cut for step in window] == list(range(steps))
    assert len(cut) == min(steps, count)
    assert all(window for window in cut)


def test_a_window_selects_on_dev_and_reports_held_out() -> None:
    tried = [attempt(0, -0.3, "- a"), attempt(0, -0.2, "- b"), attempt(1, -0.9, "- never measured")]
    both: dict[tuple[str, Split], float] = {
        ("- a", "dev"): 0.7,
        ("- a", "held-out"): 0.6,
        ("- b", "dev"): 0.6,
        ("- b", "held-out"): 0.8,
    }
    first, second = curve(record(tried, both), "rm")
    assert first.held_out.mean == pytest.approx(0.7)
    assert (first.held_out.max, first.selected) == (0.8, 0.6)
    assert first.train == pytest.approx(-0.25)
    assert (second.dev.mean, second.held_out.max, second.selected) == (None, None, None)


def test_windows_are_those_that_the_search_measured() -> None:
    tried = record([attempt(step, 0.0) for step in range(22)], {})
    assert len(curve(tried, "rm")) == 9
    run = tried.run.model_copy(update={"config": {"search": {"windows": 6}}})
    assert len(curve(replace(tried, run=run), "rm")) == 6


def test_agreement_with_other_labels_is_not_mixed_in() -> None:
    tried = record([attempt(0, 0.0, "- a")], {("- a", "held-out"): 0.6})
    assert final(tried, "rm").accuracies == (0.6,)
    assert final(tried, "human").accuracies == ()
    assert final(record([], {}), "rm").mean is None


def gains(effect: float, seed: int = 0) -> list[Attempt]:
    """40 steps of 3 variants with 4 rubrics each; variant 0 is better by `effect`."""
    rng = Random(seed)
    cells = [(s, v) for s in range(40) for v in range(3) for _ in range(4)]
    return [attempt(s, rng.gauss(effect * (v == 0), 1), variant=v) for s, v in cells]


def test_luck_alone_is_not_a_gain_from_variants() -> None:
    gain = variant_gain(gains(0.0))
    assert gain is not None
    assert gain.steps == 40
    assert gain.observed == pytest.approx(gain.null_mean, abs=0.15)
    assert gain.observed > 0.3  # which is why the null stands beside it
    assert gain.p_value > 0.05


def test_a_better_variant_is_a_gain() -> None:
    gain = variant_gain(gains(1.5))
    assert gain is not None
    assert gain.observed > gain.null_high
    assert gain.p_value < 0.01


def test_one_variant_measures_no_gain() -> None:
    assert variant_gain([attempt(0, 0.1), attempt(1, 0.2)]) is None


def test_the_difference_of_means_has_an_interval_around_it() -> None:
    high, low = Spread((0.7, 0.72, 0.74, 0.76)), Spread((0.6, 0.62, 0.64))
    interval = mean_difference(high, low)
    assert interval is not None
    assert 0 < interval.low < 0.11 < interval.high < 0.2
    assert mean_difference(high, Spread((0.6,))) is None


def test_equal_rubrics_have_a_difference_without_width() -> None:
    interval = mean_difference(Spread((0.7, 0.7)), Spread((0.6, 0.6)))
    assert interval is not None
    assert interval.low == interval.high == pytest.approx(0.1)


GATED = """## Overrides & Gates

- Safety gate: Overall <= 3
- Language gate

## Criteria

| Category | Weight |
|---|---|
| Warm | 30% |
| Brief | 70% |
"""


def test_the_parts_of_a_rubric_are_counted() -> None:
    counts = {"gates": 2, "caps": 1, "weights": 2, "criteria": 2, "words": 31}
    assert parts(GATED) == {**counts, LIX: lix(GATED)}
    assert parts("") == {**dict.fromkeys(counts, 0), LIX: None}


def test_lix_is_words_per_sentence_and_the_share_of_long_words() -> None:
    assert lix("Be kind. Be brief.") == 2
    assert lix("Thoroughness\nmatters") == 1 + 100
    assert lix("Short; considerably shorter: better") == 4 / 3 + 50
    assert lix("- 1. 2. | |") is None


def test_stages_compare_early_with_late() -> None:
    tried = [attempt(s, -1 + s / 10, GATED if s < 3 else "- be warm") for s in range(9)]
    early, _, late = stages(tried, windows(tried, 3), sample=10)
    assert (early.means["gates"].value, late.means["gates"].value) == (2, 0)
    assert early.means["gates"].interval is not None
    assert (late.first, late.last, late.sampled, late.attempts) == (6, 8, 3, 3)
    assert (late.shown.step, late.shown_index) == (8, 8)


def test_a_stage_reads_at_most_its_sample_and_one_step_has_no_interval() -> None:
    [stage] = stages([attempt(0, i / 100, f"- rule {i}") for i in range(50)], [range(1)], sample=20)
    assert (stage.sampled, stage.attempts, stage.shown_index) == (20, 50, 49)
    assert stage.means["criteria"].interval is None


def test_collapses_are_told_apart() -> None:
    texts = ["", " \n", "be nice", "- warm\n- brief", "- warm\n- brief", "- a b c d " * 10]
    found = collapse([attempt(0, 0.0).model_copy(update={"rubric": Rubric(text=t)}) for t in texts])
    assert found is not None
    assert found.empty == pytest.approx(2 / 6)
    assert found.without_criteria == pytest.approx(1 / 6)
    assert found.repeating == pytest.approx(1 / 6)
    assert found.distinct == pytest.approx(5 / 6)
    assert collapse([]) is None


def test_a_short_text_repeats_nothing() -> None:
    assert not repeats("so it is so it is so it is")
    assert repeats("so it is " * 20)


PLANTED = Planted(
    (
        PlantedPreference(feature="bullets", direction="rewards", strength=1.0),
        PlantedPreference(feature="hedging", direction="penalises", strength=0.5),
        PlantedPreference(feature="emoji", direction="rewards", strength=0.3),
    )
)


def test_verdicts_on_planted_preferences() -> None:
    read = {feature: Stance(1, 1.0, (1,)) for feature in ("bullets", "hedging", "code")}
    rows = recovered(PLANTED, read)
    assert [(row.feature, row.verdict) for row in rows] == [
        ("bullets", "recovered"),
        ("hedging", "wrong sign"),
        ("emoji", "missed"),
        ("code", "spurious"),
    ]
    assert score(rows).recall == pytest.approx(1 / 3)
    assert score(rows).precision == pytest.approx(1 / 3)


def test_a_rubric_that_says_nothing_recovers_nothing() -> None:
    found = score(recovered(PLANTED, stances("")))
    assert (found.recall, found.precision) == (0.0, None)


def test_lines_about_one_feature_add_up() -> None:
    found = stances("- Rewards bullet lists.\n- Penalises emoji.\n")
    assert found["bullets"].verb == "rewards"
    assert found["emoji"] == Stance(-1, found["emoji"].weight, (2,))
