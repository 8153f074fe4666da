"""Planted effects on rewards are found where they are, and nothing where there are none."""

import random
from collections.abc import Sequence
from statistics import fmean

import numpy as np
import pytest
from fakes import PlantedRewardModel

from argo_audit.errors import RewardModelError
from argo_audit.organism.populations import PopulationName, population_spec
from argo_audit.organism.world import build
from argo_audit.probes.edits.catalogue import description
from argo_audit.probes.edits.counterfactuals import ATTRIBUTES, chosen
from argo_audit.probes.edits.edit import Attribute, NoEdit
from argo_audit.probes.edits.passages import words
from argo_audit.probes.edits.phrased import found
from argo_audit.probes.effects import ALL, Effect, effects, spread
from argo_audit.probes.probe import Probed, Response, probe, responses_of
from argo_audit.records import Interval, Message, Pair, fingerprint
from argo_audit.reward_models.recorded import RecordedRewardModel
from argo_audit.roles import Conversation
from argo_audit.stats.agreement import Array
from argo_audit.stats.discoveries import FALSE_DISCOVERIES, q_values_of_tested
from argo_audit.stats.estimates import PERMUTATIONS, sign_flip_p
from argo_audit.surface.features import FEATURES, measure

PLANTED = {"flattery": 0.5, "apology": -0.8, "invented_citation": 1.2}
NOTHING = ("warmth", "urls", "option_menu", "disclaimers")
PER_WORD, NOISE = 0.02, 0.3
SENTENCES = ("Dough rests.", "Salt goes in last.", "The oven warms the room.", "Yeast feeds.")


def planted(text: str) -> float:
    """So much per attribute that is there, per word, and noise that belongs to the text."""
    there = sum(size for name, size in PLANTED.items() if found(text, description(name)))
    noise = random.Random(fingerprint(text)).gauss(0.0, NOISE)
    return there + PER_WORD * words(text) + noise


def the_responses(prompts: int = 40) -> list[Response]:
    """Two pairs to each prompt, no text twice; every third pair has one that flatters."""
    rng = random.Random(0)

    def text(number: int) -> str:
        return " ".join([*rng.choices(SENTENCES, k=rng.randint(2, 6)), f"Loaf {number} is done."])

    pairs = [
        Pair(
            id=f"p{i}",
            prompt=(Message(role="user", content=f"Question {i // 2}"),),
            response_a=f"Great question! {text(i)}" if i % 3 == 0 else text(i),
            response_b=text(1000 + i),
            population="A" if i % 4 < 2 else "B",
        )
        for i in range(2 * prompts)
    ]
    return list(responses_of(pairs))


def by_edit(found: tuple[Effect, ...], population: str = ALL) -> dict[tuple[str, str], Effect]:
    return {(e.attribute, e.direction): e for e in found if e.population == population}


@pytest.fixture(scope="module")
def probed() -> tuple[Probed, ...]:
    attributes = chosen([*PLANTED, *NOTHING])
    return probe(PlantedRewardModel(planted), the_responses(), attributes)


def holds(interval: Interval | None, value: float) -> bool:
    return interval is not None and interval.low <= value <= interval.high


# Known answers


def test_planted_effects_lie_in_their_intervals_and_are_found(probed: tuple[Probed, ...]) -> None:
    effect_of = by_edit(effects(probed))
    for name, size in PLANTED.items():
        effect = effect_of[name, "add"]
        assert holds(effect.beyond_length.interval, size)
        assert effect.words_added is not None
        assert holds(effect.change.interval, size + PER_WORD * effect.words_added)
        assert effect.found
        assert effect.win_rate.mean is not None
        assert (effect.win_rate.mean > 0.5) == (size > 0)


def test_removing_is_the_opposite_of_adding(probed: tuple[Probed, ...]) -> None:
    """Both texts have the noise of their own; the words differ by those of what is put back."""
    effect = by_edit(effects(probed))["flattery", "remove"]
    shorter = [
        words(one.edit.edited) - words(one.edit.back)
        for response in probed
        for one in response.edits
        if one.edit.attribute == "flattery" and one.edit.edited and one.edit.back
        if one.edit.direction == "remove"
    ]
    assert effect.change.n == len(shorter) == 27
    assert holds(effect.change.interval, -PLANTED["flattery"] + PER_WORD * fmean(shorter))
    assert effect.beyond_length.n == 0


def test_what_is_paid_for_length_alone_is_no_effect_beyond_it(probed: tuple[Probed, ...]) -> None:
    effect_of = by_edit(effects(probed))
    p_values = [effect_of[name, "add"].beyond_length.p_value for name in NOTHING]
    q_values = q_values_of_tested(p_values)
    assert all(q is not None and q > FALSE_DISCOVERIES for q in q_values)
    lengths = [effect_of[name, "add"].change.mean for name in NOTHING]
    assert fmean(mean for mean in lengths if mean is not None) > 0.05


def test_an_editor_that_does_more_than_it_is_asked_is_corrected_by_editing_back() -> None:
    """It spells "cannot" out whatever it edits, and the reward model pays for that."""
    plain = ATTRIBUTES["flattery"]

    def meddling(name: str) -> Attribute:
        def add(text: str, rng: random.Random) -> str | NoEdit:
            made = plain.add(text, rng)
            return made if isinstance(made, NoEdit) else made.replace("Salt", "SALT")

        def remove(text: str, rng: random.Random) -> str | NoEdit:
            made = plain.remove(text, rng)
            return made if isinstance(made, NoEdit) else made.replace("Salt", "SALT")

        return Attribute(name, plain.means, add, remove)

    paid = PlantedRewardModel(lambda text: planted(text) - 2.0 * ("SALT" in text))
    responses = [one for one in the_responses() if "Salt" in one.text]
    effect = by_edit(effects(probe(paid, responses, [meddling("flattery")])))["flattery", "add"]
    assert effect.words_added is not None
    truth = PLANTED["flattery"] + PER_WORD * effect.words_added
    assert holds(effect.change.interval, truth)
    assert not holds(effect.unadjusted.interval, truth)
    assert holds(effect.unadjusted.interval, truth - 2.0)
    assert holds(effect.side_effect.interval, -2.0)


@pytest.mark.parametrize("name", ["A", "B"])
def test_edits_of_the_organism_s_responses_are_paid_as_planted(name: PopulationName) -> None:
    """By the planted strengths of what the surface measures; lengths are other words there."""
    preferences = {p.feature: p.signed for p in population_spec(name).preferences}
    strengths: Array = np.array([preferences.get(feature, 0.0) for feature in FEATURES])
    wanted = {n: size for n, size in preferences.items() if n in ATTRIBUTES}
    wanted |= {"preamble": -preferences["direct_answer"], "padding": preferences["length"]}
    rewards = PlantedRewardModel(lambda text: float(measure("", text) @ strengths))
    responses = responses_of(build(name, pairs=40, seed=3).pairs)
    found_effects = effects(probe(rewards, responses, chosen(list(wanted))))
    tried = [effect for effect in found_effects if effect.change.n >= 8]
    assert {effect.attribute for effect in tried} >= set(wanted) - {"refusal"}
    for effect in tried:
        assert effect.found, effect.attribute
        assert effect.change.mean is not None
        adds = effect.direction == "add"
        assert (effect.change.mean > 0) == ((wanted[effect.attribute] > 0) == adds)


# Many probes


def test_false_discoveries_are_controlled_over_many_probes() -> None:
    """25 probes of 30 prompts, 20 of them of nothing, 60 times over."""
    rng = np.random.default_rng(0)
    shares, naive = [], []
    for _ in range(60):
        means = np.array([0.0] * 20 + [0.9] * 5)
        rewards = rng.normal(means[:, None], 1.0, (25, 30))
        p_values = [sign_flip_p(row) for row in rewards]
        found_q = [q is not None and q <= FALSE_DISCOVERIES for q in q_values_of_tested(p_values)]
        found_p = [p <= FALSE_DISCOVERIES for p in p_values]
        shares.append(sum(found_q[:20]) / max(1, sum(found_q)))
        naive.append(sum(found_p[:20]) / max(1, sum(found_p)))
        assert sum(found_q[20:]) >= 3
    assert fmean(shares) < FALSE_DISCOVERIES + 0.03
    assert fmean(naive) > FALSE_DISCOVERIES + 0.05


def test_what_was_not_tested_does_not_count() -> None:
    assert q_values_of_tested([0.01, None, 0.04]) == [
        pytest.approx(0.02),
        None,
        pytest.approx(0.04),
    ]
    assert q_values_of_tested([None]) == [None]


def test_sign_flips_are_exact_for_few_prompts_and_drawn_for_many() -> None:
    assert sign_flip_p(np.array([1.0])) == 1.0
    assert sign_flip_p(np.ones(4)) == pytest.approx(2 / 16)
    assert sign_flip_p(np.ones(40)) == pytest.approx(1 / (1 + PERMUTATIONS))
    assert sign_flip_p(np.zeros(40)) == 1.0
    assert sign_flip_p(np.r_[np.ones(20), -np.ones(20)]) == 1.0


# What is reported


def test_populations_are_told_apart_where_there_are_several(probed: tuple[Probed, ...]) -> None:
    found_effects = effects(probed)
    assert {effect.population for effect in found_effects} == {ALL, "A", "B"}
    whole, a, b = (by_edit(found_effects, name)["urls", "add"].change.n for name in (ALL, "A", "B"))
    assert whole == a + b
    alone = effects([one for one in probed if one.population == "A"])
    assert {effect.population for effect in alone} == {ALL}


def test_an_edit_that_applies_to_no_response_has_no_number(probed: tuple[Probed, ...]) -> None:
    effect = by_edit(effects(probed))["urls", "remove"]
    assert (effect.change.n, effect.change.mean, effect.q_value) == (0, None, None)
    assert (effect.scaled, effect.words_added, effect.found) == (None, None, False)
    assert effect.unscored == {"it is not there": 160}


def test_the_spread_is_the_median_gap_of_whole_pairs(probed: tuple[Probed, ...]) -> None:
    gaps = [abs(a.reward - b.reward) for a, b in zip(probed[::2], probed[1::2], strict=True)]
    assert spread(probed) == pytest.approx(float(np.median(gaps)))
    assert spread(probed[:1]) is None
    effect = by_edit(effects(probed))["apology", "add"]
    assert effect.change.mean is not None
    assert effect.scaled == pytest.approx(effect.change.mean / float(np.median(gaps)))


def test_a_reward_model_is_asked_once_about_each_conversation() -> None:
    class Counting(PlantedRewardModel):
        asked: list[Conversation]

        def reward(self, conversations: Sequence[Conversation]) -> list[float]:
            self.asked = [*getattr(self, "asked", []), *conversations]
            return super().reward(conversations)

    model = Counting(planted)
    responses = the_responses(4)
    probe(model, [*responses, *responses], chosen(["flattery", "padding"]))
    assert len(set(map(tuple, model.asked))) == len(model.asked)


def test_recorded_scores_cannot_be_probed() -> None:
    with pytest.raises(RewardModelError, match="recorded scores have no reward of an edited"):
        probe(RecordedRewardModel("scores", {}), the_responses(1), chosen(["flattery"]))


def test_a_tie_is_half_a_win() -> None:
    found_effects = effects(
        probe(PlantedRewardModel(lambda text: 1.0), the_responses(3), chosen(["urls"]))
    )
    effect = by_edit(found_effects)["urls", "add"]
    assert (effect.win_rate.mean, effect.change.mean, effect.change.p_value) == (0.5, 0.0, 1.0)
    assert not effect.found
