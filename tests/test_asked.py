"""What a reward model answers is looked at, whoever wrote it, before any number is made of it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import argo_audit as aa
from argo_audit.errors import RewardModelError
from argo_audit.reward_models.asked import rewards_of
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.roles import Conversation

PAIRS = aa.build_organism("A", pairs=6).pairs
CONVERSATIONS = [conversation for pair in PAIRS for conversation in pair.conversations()]
Answer = Callable[[list[float]], Any]


class Answering:
    """Pays for short answers, in whatever form it was told to."""

    name = "answering"

    def __init__(self, form: Answer) -> None:
        self._form = form

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        return self._form([-float(len(c[-1].content)) for c in conversations])  # type: ignore[no-any-return]  # what it is about


def _torch(make: Callable[[Any, list[float]], Any]) -> Answer:
    def form(rewards: list[float]) -> Any:
        import torch

        return make(torch, rewards)

    return form


@pytest.mark.parametrize(
    "form",
    [
        tuple,
        np.array,
        lambda rewards: [np.float32(one) for one in rewards],
        lambda rewards: [int(one) for one in rewards],
        _torch(lambda torch, rewards: torch.tensor(rewards, requires_grad=True)),
        _torch(lambda torch, rewards: [torch.tensor(one) for one in rewards]),
    ],
)
def test_numbers_in_a_row_are_rewards(form: Answer) -> None:
    found = rewards_of(Answering(form), CONVERSATIONS)
    assert found == rewards_of(Answering(list), CONVERSATIONS)
    assert {type(one) for one in found} == {float}
    assert aa.check_reward_model(Answering(form), PAIRS).fingerprint


def _later(rewards: list[float]) -> Any:
    async def answer() -> list[float]:
        return rewards

    return answer()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            lambda rewards: [str(one) for one in rewards],
            "no number but one of type str",
        ),
        (lambda rewards: [one > -100 for one in rewards], "one of type bool"),
        (lambda rewards: np.array(rewards) > -100, "one of type bool"),
        (lambda rewards: [None for _ in rewards], "a reward is no number but None"),
        (lambda rewards: [complex(one) for one in rewards], "one of type complex"),
        (lambda rewards: np.array(rewards)[:, None], "more than one dimension"),
        (lambda rewards: [[one] for one in rewards], "more than one dimension"),
        (
            lambda rewards: dict(enumerate(rewards)),
            "no list of rewards came back but",
        ),
        (lambda rewards: "a" * len(rewards), "no list of rewards came back but one of type str"),
        (lambda rewards: (one for one in rewards), "one of type generator"),
        (lambda rewards: rewards[0], "no list of rewards came back but one of type float"),
        (lambda _: None, "no list of rewards came back but None"),
        (_later, "its `reward` is async"),
        (lambda rewards: rewards[:-1], r"\d+ rewards for \d+ conversations"),
        (lambda rewards: [*rewards, 1.0], r"\d+ rewards for \d+ conversations"),
        (lambda rewards: [10**400 for _ in rewards], "NaN or infinite"),
        (lambda rewards: [float("nan") for _ in rewards], "NaN or infinite"),
    ],
)
def test_anything_else_is_refused_with_what_came(form: Answer, said: str) -> None:
    model = Answering(form)
    for ask in (
        lambda: aa.check_reward_model(model, PAIRS),
        lambda: label_pairs(model, PAIRS),
        lambda: aa.bias_probe(model, PAIRS, ["flattery"]),
    ):
        with pytest.raises(RewardModelError, match=said) as caught:
            ask()
        assert "answering: " in str(caught.value)
        assert "\n  Remedy: " in str(caught.value)
