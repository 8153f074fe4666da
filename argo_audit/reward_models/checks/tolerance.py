"""What every check of a reward model is made of: the model with what it said, and a verdict.

    subject = CheckedModel(model, pairs, served=None)
    verdict("same call twice", measured, tolerance=EXACT * subject.spread, why=WHY[EXACT])

Tolerances are shares of the `spread`, the median difference between the rewards of a pair: an error
of 1% of it can exchange only responses that are a hundred times closer to each other than those of
a typical pair. Arithmetic in 16 bits is coarser than that, so there, and where a server's type is
not known, it is 10%.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

from argo_audit.records import Check, Label, Message, Pair
from argo_audit.reward_models.asked import rewards_of
from argo_audit.reward_models.checks.probe_texts import PROBES
from argo_audit.reward_models.encoding import Reader, Tokenised
from argo_audit.reward_models.reward_model_settings import Dtype
from argo_audit.roles import RewardModel, Typed

EXACT, COARSE = 0.01, 0.1  # of the spread
_SAMPLE = 8  # of the given pairs, evenly spaced
_TOKENIZER = "--reward-model.tokenizer, the folder or hub id of what the server reads with"
_PAID = 64  # of them, for what is a share of pairs
WHY = {
    EXACT: "1% of the spread: only responses a hundred times closer than usual could change places",
    COARSE: "10% of the spread: 16-bit arithmetic, or a server whose type is not known",
}


@runtime_checkable
class InWeights(Protocol):
    """Ability of a reward model: its weights are here, and it can be asked in other ways."""

    @property
    def reader(self) -> Reader:
        """What it reads with."""

    @property
    def dtype(self) -> str:
        """The type that it computes in."""

    @property
    def saved_dtype(self) -> Dtype:
        """The type of the weights on disk."""

    @property
    def pads_left(self) -> bool:
        """Whether a batch may as well be padded on the left."""

    def in_dtype(self, dtype: Dtype) -> RewardModel:
        """The same model, loaded once more, that computes in another type."""

    def reward_tokens(self, tokens: list[list[int]], *, left: bool = False) -> list[float]:
        """One reward per list of token ids, in order; batches are padded right, or left."""


@runtime_checkable
class Remote(Protocol):
    """Ability of a reward model: it is asked elsewhere, and counts what it was told was cut."""

    @property
    def truncated(self) -> int:
        """Conversations so far that were too long."""

    @property
    def max_length(self) -> int | None:
        """Tokens, where it is known."""

    def activated(self, conversations: Sequence[Sequence[Message]]) -> list[float]:
        """What only a server gives: its output with an activation."""


@dataclass(frozen=True)
class CheckedModel:
    """A reward model, what it is asked about, and what it said."""

    model: RewardModel
    pairs: tuple[Pair, ...]
    served: RewardModel | None
    people: Sequence[Label] = ()

    @cached_property
    def asked(self) -> tuple[Pair, ...]:
        """The probes, and some of the pairs."""
        step = max(1, len(self.pairs) // _SAMPLE)
        return (*PROBES, *self.pairs[::step][:_SAMPLE])

    @cached_property
    def conversations(self) -> list[tuple[Message, ...]]:
        """Both of each pair asked about, one after the other."""
        return [conversation for pair in self.asked for conversation in pair.conversations()]

    @cached_property
    def rewards(self) -> list[float]:
        """What the model says of them, all in one call."""
        return rewards_of(self.model, self.conversations)

    @cached_property
    def spread(self) -> float:
        """The median difference between the rewards of a pair, >= 0."""
        differences = zip(self.rewards[::2], self.rewards[1::2], strict=True)
        return statistics.median(abs(a - b) for a, b in differences)

    @cached_property
    def paid(self) -> list[tuple[Pair, tuple[float, float]]]:
        """More of the pairs, with what both responses are paid."""
        pairs = self.pairs[:: max(1, len(self.pairs) // _PAID)][:_PAID]
        both = [conversation for pair in pairs for conversation in pair.conversations()]
        rewards = rewards_of(self.model, both) if both else []
        return list(zip(pairs, zip(rewards[::2], rewards[1::2], strict=True), strict=True))

    @property
    def reader(self) -> Reader | None:
        """What the model reads with, when its tokenizer is at hand."""
        return self.model.reader if isinstance(self.model, Tokenised) else None

    @property
    def precision(self) -> float:
        """The tolerance of arithmetic, as a share of the spread."""
        exact = isinstance(self.model, Typed) and self.model.dtype == "float32"
        return EXACT if exact else COARSE

    @property
    def in_weights(self) -> InWeights | None:
        """The model, when its weights are in this process and can be asked in other ways."""
        return self.model if isinstance(self.model, InWeights) else None

    def compare(self, name: str, other: Sequence[float], share: float) -> Check:
        """A check that other rewards of the same conversations are the same."""
        measured = max(abs(a - b) for a, b in zip(self.rewards, other, strict=True))
        return verdict(name, measured, share * self.spread, WHY[share])


def verdict(name: str, measured: float, tolerance: float, why: str) -> Check:
    outcome = "pass" if measured <= tolerance else "fail"
    return Check(name=name, outcome=outcome, measured=measured, tolerance=tolerance, detail=why)


def skip(name: str, why: str) -> Check:
    """There is nothing to check in a model of this kind."""
    return Check(name=name, outcome="not applicable", detail=why)


def unchecked(name: str, why: str, remedy: str = "") -> Check:
    """There is something to check, and it cannot be seen: no reason to trust it.

    `remedy` is what would let it look; without one, nobody can in a model of this kind.
    """
    return Check(name=name, outcome="not checked", detail=why, remedy=remedy)


def unseen(name: str, why: str, subject: CheckedModel) -> Check:
    """It is seen in token ids only: those of a server's model can be made here."""
    return unchecked(name, why, _TOKENIZER if isinstance(subject.model, Remote) else "")
