"""From the words of a command line to a reward model, checked before it is believed.

    model = open_reward_model("served:org/my-rm@http://gpu1:8000,http://gpu2:8000", settings)
    labelled(model, pairs, RewardModelUse(temperature=2.0))

`rm:MODEL` is a folder or hub id, `served:NAME@URL[,URL...]` a pooling server,
`dpo:POLICY|REFERENCE` two causal LMs, `scores:FILE` recorded rewards, `given:NAME` an object of
this process; installed packages add kinds of their own (`kinds`). Each is checked on some of the
pairs before it labels all of them, and one that fails is refused unless asked for as it is.
"""

import importlib.util
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from argo_audit import kinds
from argo_audit.errors import InputError, did_you_mean, needs_train
from argo_audit.outside.credentials import put_aside, whole
from argo_audit.records import Conformance, Label, Pair
from argo_audit.reward_models.checks.conformance import check_reward_model, refuse_failing
from argo_audit.reward_models.fitting import at_temperature, fitted_temperature
from argo_audit.reward_models.recorded import RecordedRewardModel
from argo_audit.reward_models.reward_model_settings import RewardModelSettings, Temperature
from argo_audit.reward_models.score_lines import Letter
from argo_audit.reward_models.served import ServedRewardModel
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.roles import Counting, Recorded, RewardModel

_ROLE: kinds.Role = "reward_models"
_BARE = "rm"
SCORES = "scores"
"""The kind of recorded rewards."""

_IN_FILES = (_BARE, SCORES)
_CHECKED_PAIRS = 64  # before labelling; the share of cut conversations is counted over all


class RewardModelUse(NamedTuple):
    """How reward models are asked: `temperature` divides reward differences, "fit" finds one."""

    temperature: Temperature = 1.0
    settings: RewardModelSettings = RewardModelSettings()
    accept_failing: bool = False


class Labelled(NamedTuple):
    """A reward model's labels, how many conversations it read and cut for them, and its checks.

    Both counts are 0 of a model that does not count. `temperature` is that of
    the labels.
    """

    labels: tuple[Label, ...]
    read: int
    truncated: int
    conformance: Conformance
    temperature: float


def names_reward_model(spec: str) -> bool:
    """Whether a label source is a reward model of a kind that is known, and no column of a file."""
    kind, colon, _ = spec.partition(":")
    return bool(colon) and kind in kinds.known(_ROLE)


def check_kind(spec: str) -> None:
    """Raise InputError for a kind that nobody knows and that is nearly one that is known."""
    kind, colon, _ = spec.partition(":")
    known = kinds.known(_ROLE)
    near = did_you_mean(kind, known) if colon and kind not in known else ""
    if near:
        remedy = f"write one of {', '.join(f'{one}:' for one in sorted(known))}"
        raise InputError(spec, f"there is no kind {kind!r}{near}", remedy)


def can_be_asked(spec: str) -> bool:
    """Whether a spec names a reward model that has rewards of text that nobody has scored."""
    kind, _, _ = spec.partition(":")
    if not names_reward_model(spec) or kind == SCORES:
        return False
    return kind != kinds.GIVEN or not isinstance(kinds.opened(_ROLE, spec), Recorded)


def path_in(spec: str) -> tuple[str, str] | None:
    """What stands before the path in a spec that holds one, and the path; else None.

    A bare spec may be a path: a folder, or a hub id.
    """
    kind, colon, rest = spec.partition(":")
    if not colon:
        return "", spec
    return (f"{kind}:", rest) if kind in _IN_FILES else None


def open_reward_model(
    spec: str,
    settings: RewardModelSettings,
    pairs: Sequence[Pair] = (),
    chosen: Mapping[str, Letter] | None = None,
) -> RewardModel:
    """The reward model that `spec` names; a bare name is a folder or hub id.

    `pairs` are those that recorded scores belong to, `chosen` the letters of the responses that
    their labels prefer. Raises InputError for a spec that is not whole, or names what is no reward
    model, and whatever the model itself raises.
    """
    if spec.startswith(("http://", "https://")):
        problem = "a server without the name of its model"
        raise InputError(spec, problem, "write served:NAME@URL[,URL...]")
    spec = put_aside(spec)
    check_kind(spec)
    named = spec if names_reward_model(spec) else f"{_BARE}:{spec}"
    kind, _, path = named.partition(":")
    if chosen and path and kind == SCORES:
        return RecordedRewardModel.read(path, pairs=pairs, chosen=chosen)
    model = kinds.opened(_ROLE, named, settings, pairs)
    if not isinstance(model, RewardModel):
        raise kinds.refused(_ROLE, model)
    return model


def open_classifier(name: str, settings: RewardModelSettings, _: Sequence[Pair]) -> RewardModel:
    """The kind `rm`: a sequence classifier, in a folder or on the hub."""
    _check(bool(name), f"rm:{name}", "rm:MODEL")
    with needs_train("a reward model"):
        from argo_audit.reward_models.classifier import ClassifierRewardModel
    return ClassifierRewardModel(name, settings)


def open_served(name: str, settings: RewardModelSettings, _: Sequence[Pair]) -> RewardModel:
    """The kind `served`: a model's name and the URLs of its servers."""
    begins = re.search(r"@(?=https?://)", name)  # an @ in a name or a password is no border
    model, urls = (name[: begins.start()], name[begins.end() :]) if begins else ("", "")
    _check(bool(model and urls), f"served:{name}", "served:NAME@URL[,URL...]")
    return ServedRewardModel(model, list(map(whole, urls.split(","))), settings)


def open_dpo(name: str, settings: RewardModelSettings, _: Sequence[Pair]) -> RewardModel:
    """The kind `dpo`: a policy, and the reference that its training began from."""
    policy, _bar, reference = name.partition("|")
    _check(bool(policy and reference), f"dpo:{name}", "dpo:POLICY|REFERENCE")
    with needs_train("a reward model"):
        from argo_audit.reward_models.dpo import DPORewardModel
    return DPORewardModel(policy, reference, settings)


def open_recorded(path: str, _: RewardModelSettings, pairs: Sequence[Pair]) -> RewardModel:
    """The kind `scores`: a file of rewards."""
    _check(bool(path), f"scores:{path}", "scores:FILE")
    return RecordedRewardModel.read(path, pairs=pairs)


def checked(
    model: RewardModel, pairs: Sequence[Pair], use: RewardModelUse, people: Sequence[Label] = ()
) -> Conformance:
    """Check a reward model on some of the pairs, which people may have labelled.

    Raises RewardModelError when a check fails, unless failing is accepted.
    """
    asked = pairs[:: max(1, len(pairs) // _CHECKED_PAIRS)]
    report = check_reward_model(model, asked, people=people)
    if not use.accept_failing:
        refuse_failing(report)
    return report


def labelled(
    model: RewardModel, pairs: Sequence[Pair], use: RewardModelUse, people: Sequence[Label] = ()
) -> Labelled:
    """Check a reward model on some of the pairs, then label all of them.

    Raises RewardModelError when a check fails, unless failing is accepted.
    """
    report = checked(model, pairs, use, people)
    read, truncated = _counts(model)
    labels, temperature = _at(use.temperature, label_pairs(model, pairs), people)
    now_read, now_truncated = _counts(model)
    if temperature != 1.0:
        report = report.model_copy(update={"temperature": temperature})
    return Labelled(labels, now_read - read, now_truncated - truncated, report, temperature)


def _at(
    asked: Temperature, labels: tuple[Label, ...], people: Sequence[Label]
) -> tuple[tuple[Label, ...], float]:
    """Labels at the temperature that is asked for, or fitted."""
    if asked == 1.0:
        return labels, 1.0
    found = fitted_temperature(labels, people) if isinstance(asked, str) else asked
    return at_temperature(labels, found), found


def has_gpu() -> bool:
    """Whether this machine has a CUDA device that torch can use."""
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _check(whole: bool, spec: str, form: str) -> None:
    if not whole:
        raise InputError(spec, "a label source without a name", f"write {form}")


def _counts(model: RewardModel) -> tuple[int, int]:
    """Conversations read and cut so far."""
    return (model.read, model.truncated) if isinstance(model, Counting) else (0, 0)
