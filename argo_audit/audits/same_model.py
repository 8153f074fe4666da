"""Whether a reward model is the one that labelled an audit's pairs: it is asked again about some.

    check_same(model, source, pairs)      # RewardModelError says which pair it pays otherwise

An audit that goes on, and an evaluation of a finished one, name a reward model by words: a server
may serve another one by now, a folder hold other weights, an object be of another class. Labels and
rubric would then be of one model and probes of another, under one name.
"""

from collections.abc import Sequence
from statistics import median

from argo_audit.audits.labels import LabelSource
from argo_audit.errors import RewardModelError
from argo_audit.records import Label, Pair
from argo_audit.reward_models.asked import rewards_of
from argo_audit.reward_models.by_name import can_be_asked, open_reward_model
from argo_audit.reward_models.checks.tolerance import COARSE, EXACT
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.roles import RewardModel, Typed, Uncounted

_ASKED_AGAIN = 8  # pairs
_LEAST = 1e-6  # of the largest reward, where all are alike
_BY_BATCH = {"same call twice", "batch against single"}
"""Checks whose failure was accepted: what such a model pays says nothing of which model it is."""


def check_same(model: RewardModel, source: LabelSource, pairs: Sequence[Pair]) -> None:
    """Raise RewardModelError unless the model pays what is on record, but for rounding.

    It is asked about a few pairs. Labels without rewards, and those of a model that was accepted
    although it does not repeat itself, cannot be compared.
    """
    known = {label.pair_id: label for label in source.labels if label.rewards is not None}
    both = [(pair, known[pair.id]) for pair in pairs if pair.id in known]
    some = both[:: max(1, len(both) // _ASKED_AGAIN)][:_ASKED_AGAIN]
    if not some or _repeats_not(source):
        return
    asked = model.uncounted() if isinstance(model, Uncounted) else model
    paid = rewards_of(asked, [side for pair, _ in some for side in pair.conversations()])
    tolerance = _tolerance(model, list(known.values()))
    for place, (pair, label) in enumerate(some):
        then, now = label.rewards or (), tuple(paid[2 * place : 2 * place + 2])
        if max(abs(a - b) for a, b in zip(then, now, strict=True)) > tolerance:
            raise RewardModelError(_other(model.name, pair, then, now))


def check_named(
    spec: str, source: LabelSource, pairs: Sequence[Pair], settings: RewardModelSettings
) -> None:
    """The same of a model that is named; one that has no rewards of its own is not asked."""
    if can_be_asked(spec):
        check_same(open_reward_model(spec, settings), source, pairs)


def _repeats_not(source: LabelSource) -> bool:
    failed = source.conformance.failed if source.conformance else ()
    return any(check.name in _BY_BATCH for check in failed)


def _tolerance(model: RewardModel, labels: Sequence[Label]) -> float:
    """A share of the spread, as of the checks of a reward model."""
    rewards = [label.rewards for label in labels if label.rewards is not None]
    share = EXACT if isinstance(model, Typed) and model.dtype == "float32" else COARSE
    largest = max(abs(reward) for both in rewards for reward in both)
    return max(share * median(abs(a - b) for a, b in rewards), _LEAST * largest)


def _other(name: str, pair: Pair, then: Sequence[float], now: Sequence[float]) -> str:
    was, are = (" and ".join(f"{reward:.6g}" for reward in both) for both in (then, now))
    return (
        f"{name}: it is not the reward model that labelled these pairs, though it has its name: "
        f"the responses of pair {pair.id!r} were paid {was}, and are paid {are} now\n"
        "  Remedy: give or name the one that labelled them, or audit this one in another folder"
    )
