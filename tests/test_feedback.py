"""Step 4: what the next policy prompts show of the past."""

from collections.abc import Sequence
from random import Random
from typing import get_args

import pytest

from argo_audit.records import Message, Pair
from argo_audit.search.feedback import policy_prompts
from argo_audit.search.lessons import Disagreement, Tried
from argo_audit.search.search_settings import FeedbackConfig, Variant

TRIED = [Tried(f"- rewards idea {i}", 0.9 - i / 10) for i in range(4)]
PAIR = Pair(
    id="p",
    prompt=(Message(role="user", content="How do I sleep better?"),),
    response_a="Go to bed early.",
    response_b="Great question! " + "word " * 400,
)
WRONG = [Disagreement(PAIR, label_p_a=0.1, judge_p_a=0.9)]


def prompts_of(
    *variants: Variant, tried: Sequence[Tried] = TRIED, seed: int = 0, elite: int = 8
) -> list[str]:
    config = FeedbackConfig(variants=variants, elite=elite)
    return policy_prompts(tried, WRONG, config, Random(seed))


def test_every_variant_asks_for_a_rubric_and_differs_from_the_others() -> None:
    prompts = prompts_of(*get_args(Variant))
    assert all("rubric" in prompt for prompt in prompts)
    assert len(set(prompts)) == len(prompts)


def test_improve_shows_one_attempt_with_its_agreement() -> None:
    (prompt,) = prompts_of("improve", elite=1)
    assert "- rewards idea 0" in prompt
    assert "0.90" in prompt
    assert "idea 1" not in prompt


def test_combine_shows_two_different_attempts_of_the_elite() -> None:
    for seed in range(10):
        (prompt,) = prompts_of("combine", seed=seed, elite=2)
        assert "idea 0" in prompt
        assert "idea 1" in prompt


def test_contrast_shows_the_worst() -> None:
    (prompt,) = prompts_of("contrast", elite=1)
    assert "idea 0" in prompt
    assert "idea 3" in prompt


def test_disagreements_show_the_pair_with_the_labels_side_first_and_cut_to_length() -> None:
    (prompt,) = prompts_of("disagreements")
    assert "Preferred: Great question!" in prompt
    assert "Not preferred: Go to bed early." in prompt
    assert len(prompt) < 2000


@pytest.mark.parametrize("variant", get_args(Variant))
def test_without_a_past_every_variant_explores(variant: Variant) -> None:
    assert prompts_of(variant, tried=[]) == prompts_of("explore")


def test_model_text_is_never_a_template() -> None:
    (prompt,) = prompts_of("improve", tried=[Tried("- $best ${worst} %s {0}", 0.5)])
    assert "- $best ${worst} %s {0}" in prompt


def test_the_same_seed_asks_the_same() -> None:
    assert prompts_of("improve", "combine", seed=3) == prompts_of("improve", "combine", seed=3)
