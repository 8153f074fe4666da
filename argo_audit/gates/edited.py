"""Which responses a gate edits, and the reward model asked about each text once.

    asked = Remembering(model)
    probed(asked, pairs, chosen(["flattery"]), Probe(most_pairs=50))
    probed(asked, pairs, chosen(["emoji"]), Probe(most_pairs=50))    # asks for edited texts alone

A text costs the reward model a call, and ten gates on ten attributes edit the same responses. So
only what a gate looks at is made, and what was asked for one is known to the next.
"""

from collections.abc import Sequence
from typing import NamedTuple

from argo_audit.probes.edits.edit import Attribute, Direction
from argo_audit.probes.probe import Probed, Wanted, probe, responses_of
from argo_audit.records import Message, Pair
from argo_audit.reward_models.asked import rewards_of
from argo_audit.roles import Conversation, RewardModel

MOST_PAIRS = 100
"""How many pairs a probe edits, both responses of each."""


class Probe(NamedTuple):
    """How attributes are probed: on at most so many pairs, by putting them in or taking out."""

    most_pairs: int = MOST_PAIRS
    direction: Direction = "add"


class Remembering:
    """A reward model that is asked about each conversation once (role RewardModel)."""

    def __init__(self, model: RewardModel) -> None:
        """Nothing is asked yet."""
        self.name = model.name
        self._model = model
        self._known: dict[tuple[Message, ...], float] = {}

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """Those of the reward model."""
        asked = [tuple(conversation) for conversation in conversations]
        new = [one for one in dict.fromkeys(asked) if one not in self._known]
        if new:
            self._known |= zip(new, rewards_of(self._model, new), strict=True)
        return [self._known[one] for one in asked]


def probed(
    model: RewardModel, pairs: Sequence[Pair], attributes: Sequence[Attribute], asked: Probe
) -> tuple[Probed, ...]:
    """Both responses of at most so many pairs, edited, and what they are paid."""
    responses = responses_of(drawn(pairs, asked.most_pairs))
    return probe(model, responses, attributes, wanted=Wanted((asked.direction,), padded=False))


def drawn(pairs: Sequence[Pair], most: int) -> Sequence[Pair]:
    """At most so many pairs, evenly spaced: the same ones for every reward model."""
    if len(pairs) <= most:
        return pairs
    return [pairs[i * len(pairs) // most] for i in range(most)]
