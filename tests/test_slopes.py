"""Slopes: what is recovered from pairs as they are, and what holds whatever the pairs are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.findings.slopes import CLEARLY_THERE, LEAST_PAIRS, Compared, compared, slopes
from argo_audit.records import Label, Message, Pair
from argo_audit.surface.features import FEATURES

PAIRS = 300


def pairs(seed: int = 0, size: int = PAIRS, shown: float = 0.4) -> Compared:
    """Pairs that differ in every feature at random, three to a prompt, paid nothing."""
    rng = np.random.default_rng(seed)
    features = rng.uniform(-1, 1, (size, len(FEATURES)))
    features *= rng.random(features.shape) < shown
    prompts = tuple(f"p{i // 3}" for i in range(size))
    return Compared(features, np.zeros(size), prompts)


def column(feature: str) -> int:
    return FEATURES.index(feature)


def paid(of: Compared, worth: dict[str, float], noise: float = 0.3, seed: int = 1) -> Compared:
    """The same pairs, paid so much for each feature, with noise that a prompt's pairs share."""
    rng = np.random.default_rng(seed)
    _, prompt = np.unique(of.prompts, return_inverse=True)
    shared = rng.normal(0, noise, prompt.max() + 1)[prompt]
    pay = sum((of.features[:, column(f)] * amount for f, amount in worth.items()), np.zeros(1))
    return of._replace(pay=pay + shared + rng.normal(0, noise, len(prompt)))


def test_what_is_paid_for_is_recovered_and_nothing_else() -> None:
    found = slopes(paid(pairs(), {"hedging": -2.0, "bullets": 1.0}))
    assert found["hedging"].interval.low < -2 * CLEARLY_THERE < found["hedging"].interval.high
    assert found["bullets"].interval.low < CLEARLY_THERE < found["bullets"].interval.high
    assert max(found["hedging"].p_value, found["bullets"].p_value) < 1e-6
    others = [e.p_value for f, e in found.items() if f not in ("hedging", "bullets")]
    assert min(others) > 0.001


def test_what_only_comes_with_length_has_no_slope() -> None:
    of = pairs()
    apart = np.random.default_rng(9).uniform(-1, 1, PAIRS)
    of.features[:, column("examples")] = of.features[:, column("length")] + apart / 2
    found = slopes(paid(of, {"length": 2.0}))
    assert found["length"].p_value < 1e-6
    assert found["examples"].interval.low < 0 < found["examples"].interval.high


def test_few_pairs_have_length_alone_beside_a_feature() -> None:
    few = paid(pairs(size=90), {"warmth": 2.0}, noise=0.1)
    assert "length held equal" in slopes(few)["warmth"].interval.method
    assert "all features held equal" in slopes(paid(pairs(), {}))["warmth"].interval.method


def test_a_feature_that_hardly_any_pair_shows_is_not_measured() -> None:
    of = pairs()
    of.features[:, column("emoji")] = 0.0
    of.features[: LEAST_PAIRS - 1, column("emoji")] = 1.0
    assert "emoji" not in slopes(paid(of, {"emoji": 5.0}))


def test_of_two_features_that_are_one_neither_is_said_to_be_it() -> None:
    of = pairs()
    of.features[:, column("refusal_length")] = of.features[:, column("refusal")]
    found = slopes(paid(of, {"refusal": 3.0}))
    assert "refusal" not in found
    assert "refusal_length" not in found
    assert "length" in found


def test_pay_without_noise_is_known_exactly() -> None:
    of = pairs()
    exact = slopes(of._replace(pay=of.features[:, column("urls")]))["urls"]
    assert exact.effect == pytest.approx(CLEARLY_THERE)
    assert exact.p_value < 1e-6


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_letters_carry_no_merit(seed: int) -> None:
    of = paid(pairs(), {"hedging": -1.0})
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], PAIRS)
    other = of._replace(features=of.features * sign[:, None], pay=of.pay * sign)
    again = slopes(other)
    for feature, evidence in slopes(of).items():
        assert again[feature].effect == pytest.approx(evidence.effect)
        assert again[feature].interval.high == pytest.approx(evidence.interval.high)


def test_intervals_hold_the_truth_when_prompts_share_their_noise() -> None:
    held = [
        slopes(paid(pairs(seed, 180), {"warmth": 0.6}, 0.8, seed + 1000))["warmth"].interval
        for seed in range(150)
    ]
    share = np.mean([it.low <= 0.6 * CLEARLY_THERE <= it.high for it in held])
    assert 0.90 <= share <= 0.99


def pair(number: int, a: str, b: str) -> Pair:
    asked = (Message(role="user", content=f"Question {number}?"),)
    return Pair(id=str(number), prompt=asked, response_a=a, response_b=b)


def test_pay_is_in_spreads_whatever_the_scale_of_rewards() -> None:
    made = [pair(i, "Short.", "It is longer, and says more.") for i in range(4)]
    rewards = [(0.0, 1.0), (2.0, 0.0), (0.0, 3.0), (1.0, 1.0)]

    def labels(scale: float) -> list[Label]:
        return [
            Label(pair_id=one.id, p_a=0.5, source="rm", rewards=(a * scale, b * scale))
            for one, (a, b) in zip(made, rewards, strict=True)
        ]

    once, often = compared(made, labels(1.0)), compared(made, labels(7.0))
    assert once.pay.tolist() == pytest.approx([-0.5, 1.0, -1.5, 0.0])
    assert often.pay.tolist() == pytest.approx(once.pay.tolist())


def test_labels_without_rewards_are_paid_by_their_side_and_unlabelled_pairs_left_out() -> None:
    made = [pair(i, "Short.", "Longer than that.") for i in range(3)]
    labels = [Label(pair_id="0", p_a=1.0, source="human"), Label(pair_id="2", p_a=0.0, source="h")]
    found = compared(made, labels)
    assert found.pay.tolist() == [1.0, -1.0]
    assert len(found.prompts) == 2


def test_no_pairs_have_no_slopes() -> None:
    assert slopes(compared([], [])) == {}
