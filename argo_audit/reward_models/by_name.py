"""From the words of a command line to a reward model, checked before it is believed.

    model = open_reward_model("served:org/my-rm@http://gpu1:8000,http://gpu2:8000", settings)
    labelled(model, pairs, RewardModelUse(temperature=2.0))

`rm:MODEL` is a folder or hub id, `served:NAME@URL[,URL...]` a pooling server,
`dpo:POLICY|REFERENCE` two causal LMs, `scores:FILE` recorded rewards. Each is checked on some of
the pairs before it labels all of them, and one that fails is refused unless asked for as it is.
"""

import importlib.util
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from argo_audit.errors import InputError, needs_train
from argo_audit.records import Conformance, Label, Pair
from argo_audit.reward_models.checks.conformance import check_reward_model, refuse_failing
from argo_audit.reward_models.recorded import RecordedRewardModel
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.reward_models.served import ServedRewardModel
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.roles import RewardModel

KINDS = {
    "rm": "rm:MODEL",
    "served": "served:NAME@URL[,URL...]",
    "dpo": "dpo:POLICY|REFERENCE",
    "scores": "scores:FILE",
}
LIVE = frozenset(KINDS) - {"scores"}
"""Kinds that can be asked about text that nobody has scored."""

_CHECKED_PAIRS = 64  # before labelling; the share of cut conversations is counted over all


class Fingerprinted(RewardModel, Protocol):
    """A reward model that can say what pins it."""

    def fingerprint(self) -> str:
        """64 hex digits."""


class RewardModelUse(NamedTuple):
    """How reward models are asked: `temperature` divides reward differences."""

    temperature: float = 1.0
    settings: RewardModelSettings = RewardModelSettings()
    accept_failing: bool = False


class Labelled(NamedTuple):
    """A reward model's labels, how many conversations it read and cut, and its checks."""

    labels: tuple[Label, ...]
    read: int
    truncated: int
    conformance: Conformance


def open_reward_model(
    spec: str, settings: RewardModelSettings, pairs: Sequence[Pair] = ()
) -> Fingerprinted:
    """The reward model that `spec` names; a bare name is a folder or hub id.

    `pairs` are those that recorded scores belong to. Raises InputError for a spec that is not
    whole, and whatever the model itself raises.
    """
    kind, colon, rest = spec.partition(":")
    if not colon or kind not in KINDS:
        kind, rest = "rm", spec
    name, joint, other = rest.rpartition("@") if kind == "served" else rest.partition("|")
    if spec.startswith(("http://", "https://")):
        raise InputError(spec, "a server without the name of its model", f"write {KINDS['served']}")
    if not rest or (kind in ("served", "dpo") and not (name and joint and other)):
        raise InputError(spec, "a label source without a name", f"write {KINDS[kind]}")
    if kind == "scores":
        return RecordedRewardModel.read(rest, pairs=pairs)
    if kind == "served":
        return ServedRewardModel(name, other.split(","), settings)
    with needs_train("a reward model"):
        from argo_audit.reward_models.classifier import ClassifierRewardModel
        from argo_audit.reward_models.dpo import DPORewardModel
    if kind == "dpo":
        return DPORewardModel(name, other, settings)
    return ClassifierRewardModel(rest, settings)


def checked(model: RewardModel, pairs: Sequence[Pair], use: RewardModelUse) -> Conformance:
    """Check a reward model on some of the pairs.

    Raises RewardModelError when a check fails, unless failing is accepted.
    """
    report = check_reward_model(model, pairs[:: max(1, len(pairs) // _CHECKED_PAIRS)])
    if not use.accept_failing:
        refuse_failing(report)
    return report


def labelled(model: RewardModel, pairs: Sequence[Pair], use: RewardModelUse) -> Labelled:
    """Check a reward model on some of the pairs, then label all of them.

    Raises RewardModelError when a check fails, unless failing is accepted.
    """
    report = checked(model, pairs, use)
    labels = label_pairs(model, pairs, use.temperature)
    return Labelled(labels, *_counts(model), report)


def has_gpu() -> bool:
    """Whether this machine has a CUDA device that torch can use."""
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _counts(model: RewardModel) -> tuple[int, int]:
    """Conversations read and cut so far; recorded scores read none."""
    if isinstance(model, RecordedRewardModel):
        return 0, 0
    counter: Any = getattr(model, "reader", None) or model
    return counter.read, counter.truncated
