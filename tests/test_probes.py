"""Probes read as evidence on features: signs, scale, and the words that an edit adds."""

from functools import partial

import pytest
from fakes import PlantedRewardModel

from argo_audit.findings.probed import pay_per_word, probes
from argo_audit.probes.edits.counterfactuals import chosen
from argo_audit.probes.edits.passages import words
from argo_audit.probes.probe import Probed, probe, responses_of
from argo_audit.records import Message, Pair

NAMES = ("flattery", "hedging", "preamble", "bold", "padding")
SHORT = "Mix the flour with water. Wait for an hour. Then bake it well."
LONG = "Mix flour and water in a bowl. Let it rest. Heat the oven. Bake it until it is brown."
PAIRS = [
    Pair(
        id=f"p{n}",
        prompt=(Message(role="user", content=f"How do I bake bread number {n}?"),),
        response_a=f"{SHORT} Loaf {n} is done.",
        response_b=f"{LONG} Loaf {n} is ready to eat.",
    )
    for n in range(12)
]


def probed_by(reward_model: PlantedRewardModel) -> tuple[Probed, ...]:
    return probe(reward_model, responses_of(PAIRS), chosen(NAMES))


def likes_length(text: str) -> float:
    return 0.1 * words(text)


def praises(text: str, scale: float = 1.0) -> float:
    """What a reward model pays that likes flattery, and length."""
    praise = ("question", "thoughtful", "impressive", "wonderful", "smart", "way you think")
    return scale * (likes_length(text) + 5.0 * any(word in text for word in praise))


def test_what_only_adds_words_is_not_paid_where_words_are() -> None:
    found = probes(probed_by(PlantedRewardModel(likes_length)))
    assert pay_per_word(probed_by(PlantedRewardModel(likes_length))) == pytest.approx(0.1)
    for feature in ("flattery", "hedging", "direct_answer", "bold"):
        assert found[feature].effect == pytest.approx(0.0, abs=1e-9), feature
    assert found["length"].effect > 1


def test_what_is_paid_beyond_its_words_is_found() -> None:
    found = probes(probed_by(PlantedRewardModel(praises)))
    assert found["flattery"].interval.low > 1
    assert found["flattery"].p_value < 0.01
    assert found["flattery"].n == 2 * len(PAIRS)
    assert found["flattery"].prompts == len(PAIRS)
    assert abs(found["hedging"].effect) < 0.5


def test_an_answer_that_comes_first_is_the_opposite_of_a_preamble() -> None:
    def delays(text: str) -> float:
        return -3.0 * (not text.startswith("Mix")) + 0.001 * len(text)

    found = probes(probed_by(PlantedRewardModel(delays)))
    assert found["direct_answer"].interval.low > 0
    assert "preamble" not in found


def test_effects_do_not_depend_on_the_scale_of_rewards() -> None:
    once, often = (
        probes(probed_by(PlantedRewardModel(partial(praises, scale=scale))))
        for scale in (1.0, 40.0)
    )
    for feature, evidence in once.items():
        assert often[feature].effect == pytest.approx(evidence.effect)


def test_a_reward_model_that_tells_no_pair_apart_has_no_scale() -> None:
    assert probes(probed_by(PlantedRewardModel(lambda text: 1.0))) == {}
    assert probes(()) == {}
