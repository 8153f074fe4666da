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
from typing import TYPE_CHECKING, Any

from argo_audit.records import Check, Message, Pair
from argo_audit.reward_models.checks.probe_texts import PROBES
from argo_audit.roles import RewardModel

if TYPE_CHECKING:
    from argo_audit.reward_models.classifier import ClassifierRewardModel
    from argo_audit.reward_models.encoding import Reader

EXACT, COARSE = 0.01, 0.1  # of the spread
_SAMPLE = 8  # of the given pairs, evenly spaced
WHY = {
    EXACT: "1% of the spread: only responses a hundred times closer than usual could change places",
    COARSE: "10% of the spread: 16-bit arithmetic, or a server whose type is not known",
}


@dataclass(frozen=True)
class CheckedModel:
    """A reward model, what it is asked about, and what it said."""

    model: Any  # RewardModel and, by kind, what only some of them have
    pairs: tuple[Pair, ...]
    served: RewardModel | None

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
        found: list[float] = self.model.reward(self.conversations)
        return found

    @cached_property
    def spread(self) -> float:
        """The median difference between the rewards of a pair, >= 0."""
        differences = zip(self.rewards[::2], self.rewards[1::2], strict=True)
        return statistics.median(abs(a - b) for a, b in differences)

    @property
    def reader(self) -> "Reader | None":
        """What the model reads with, when its tokenizer is at hand."""
        found: Reader | None = getattr(self.model, "reader", None)
        return found

    @property
    def precision(self) -> float:
        """The tolerance of arithmetic, as a share of the spread."""
        return EXACT if getattr(self.model, "dtype", "") == "float32" else COARSE

    @property
    def classifier(self) -> "ClassifierRewardModel | None":
        """The model, when its weights are in this process and can be asked in other ways."""
        return self.model if hasattr(self.model, "reward_tokens") else None

    def compare(self, name: str, other: Sequence[float], share: float) -> Check:
        """A check that other rewards of the same conversations are the same."""
        measured = max(abs(a - b) for a, b in zip(self.rewards, other, strict=True))
        return verdict(name, measured, share * self.spread, WHY[share])


def verdict(name: str, measured: float, tolerance: float, why: str) -> Check:
    outcome = "pass" if measured <= tolerance else "fail"
    return Check(name=name, outcome=outcome, measured=measured, tolerance=tolerance, detail=why)


def skip(name: str, why: str) -> Check:
    return Check(name=name, outcome="not applicable", detail=why)
