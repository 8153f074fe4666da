"""Checks of a reward model before it is trusted: loading one wrongly gives numbers all the same.

    report = check_reward_model(model, pairs)
    report.failed                                   # (): what it pays can be used
    check_reward_model(local, pairs, served)        # and whether a server pays the same

Asked about are fixed probes (`probes`) and a few of the pairs to be labelled; `checks` says where
tolerances come from, `text_checks` looks at tokens, and here rewards are compared. A check that
does not apply to a kind of reward model says so, and one that cannot look says that: it is not
checked, which speaks for nothing. Recorded scores compute nothing, so most of them is not.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from argo_audit.errors import RewardModelError
from argo_audit.records import Check, Conformance, Label, Pair
from argo_audit.reward_models.asked import as_rewards, rewards_of
from argo_audit.reward_models.checks.label_checks import differing, saturated, sides
from argo_audit.reward_models.checks.probe_texts import PROBES
from argo_audit.reward_models.checks.reach_checks import (
    every_weight,
    last_turn,
    long_texts,
    standing,
)
from argo_audit.reward_models.checks.text_checks import bos, cut, noticed, special, template
from argo_audit.reward_models.checks.told import SIDES, SURE_LABELS, TOLD, said
from argo_audit.reward_models.checks.tolerance import (
    COARSE,
    EXACT,
    WHY,
    CheckedModel,
    skip,
    unchecked,
    verdict,
)
from argo_audit.reward_models.reward_model_settings import Dtype
from argo_audit.reward_models.soft_labels import pin
from argo_audit.roles import Activated, Recorded, RewardModel, Uncounted

_logger = logging.getLogger(__name__)
_ROOM = "a machine on which a second copy fits"
_SHORTEST = 8  # conversations for a second copy in another type, which may be slow


def check_reward_model(
    model: RewardModel,
    pairs: Sequence[Pair] = (),
    served: RewardModel | None = None,
    people: Sequence[Label] = (),
) -> Conformance:
    """All checks of a model, on probes and a sample of `pairs`; its counters stay as they are.

    `served` is the same model behind a server, for the parity of the two; `people` are labels of
    the pairs by people. Raises RewardModelError when the model cannot be asked at all.
    """
    if isinstance(model, Recorded):
        return _of_record(CheckedModel(model, tuple(pairs), None, people))
    asked = model.uncounted() if isinstance(model, Uncounted) else model
    subject = CheckedModel(asked, tuple(pairs), served, people)
    checks = tuple(check(name, subject) for name, check in CHECKS.items())
    return Conformance(
        reward_model=model.name,
        fingerprint=pin(model, subject.rewards),
        pairs=len(subject.asked),
        spread=subject.spread,
        max_length=subject.reader.max_length if subject.reader else None,
        checks=checks,
    )


def _of_record(subject: CheckedModel) -> Conformance:
    """What a file of rewards can be checked for: how they lie to one another, and to people."""
    why = "recorded scores: how they were computed is not seen here"
    checks = (
        RECORDED[name](name, subject) if name in RECORDED else unchecked(name, why)
        for name in CHECKS
    )
    return Conformance(
        reward_model=subject.model.name,
        fingerprint=pin(subject.model, ()),
        pairs=len(subject.paid),
        spread=None,
        max_length=None,
        checks=tuple(checks),
    )


def _spread(name: str, subject: CheckedModel) -> Check:
    why = "must be above 0: rewards that are all the same come from no trained head, or a softmax"
    outcome = "pass" if subject.spread > 0 else "fail"
    return Check(name=name, outcome=outcome, measured=subject.spread, tolerance=0, detail=why)


def _repeated(name: str, subject: CheckedModel) -> Check:
    again = rewards_of(subject.model, subject.conversations)
    return subject.compare(name, again, subject.precision)


def _single(name: str, subject: CheckedModel) -> Check:
    alone = [rewards_of(subject.model, [conversation])[0] for conversation in subject.conversations]
    return subject.compare(name, alone, subject.precision)


def _padding(name: str, subject: CheckedModel) -> Check:
    model = subject.in_weights
    if model is None or not model.pads_left:
        return skip(name, "batches of this kind are padded on the right, or not at all")
    tokens = model.reader.shown(subject.conversations)
    return subject.compare(name, model.reward_tokens(tokens, left=True), subject.precision)


def _dtype(name: str, subject: CheckedModel) -> Check:
    model = subject.in_weights
    if model is None:
        return unchecked(name, "its weights are not loaded here as a classifier")
    other: Dtype = "float32" if model.dtype != "float32" else model.saved_dtype
    if other == model.dtype:
        return skip(name, "saved in float32 and computed in it")
    try:
        second = model.in_dtype(other)
    except RewardModelError as error:  # of memory, most likely: not measured is not failed
        return unchecked(name, f"no second copy in {other}: {error}", _ROOM)
    return _in_other_dtype(name, subject, second)


def _in_other_dtype(name: str, subject: CheckedModel, second: RewardModel) -> Check:
    """The shortest conversations alone: 16-bit arithmetic may be slow here."""
    order = sorted(range(len(subject.rewards)), key=lambda i: len(str(subject.conversations[i])))
    shortest = order[:_SHORTEST]
    try:
        found = rewards_of(second, [subject.conversations[i] for i in shortest])
    except RewardModelError as error:
        return Check(name=name, outcome="fail", detail=str(error))
    measured = max(abs(subject.rewards[i] - r) for i, r in zip(shortest, found, strict=True))
    return verdict(name, measured, COARSE * subject.spread, WHY[COARSE])


def _raw(name: str, subject: CheckedModel) -> Check:
    model = subject.model
    if not isinstance(model, Activated):
        return _unseen_head(name, subject)
    probes = subject.conversations[: 2 * len(PROBES)]
    raw = subject.rewards[: len(probes)]
    activated = as_rewards(model.activated(probes), len(probes), subject.model.name)
    changed = max(abs(a - b) for a, b in zip(raw, activated, strict=True))
    squashed = changed <= EXACT * subject.spread and all(0 <= reward <= 1 for reward in raw)
    detail = "must be above, when all rewards lie in [0, 1]: the change that use_activation makes"
    return Check(
        name=name,
        outcome="fail" if squashed else "pass",
        measured=changed,
        tolerance=EXACT * subject.spread,
        detail=detail,
    )


def _unseen_head(name: str, subject: CheckedModel) -> Check:
    """Of a model whose weights are not here it is known by its rewards alone, or not at all."""
    if subject.in_weights is None and all(0 <= reward <= 1 for reward in subject.rewards):
        return unchecked(name, "all rewards lie in [0, 1], as those of a sigmoid or softmax do")
    return skip(name, "the output of the head is read itself")


def _parity(name: str, subject: CheckedModel) -> Check:
    if subject.served is None:
        return skip(name, "no second way to ask the same model was given")
    return subject.compare(name, rewards_of(subject.served, subject.conversations), COARSE)


CHECKS: Mapping[str, Callable[[str, CheckedModel], Check]] = {
    "rewards differ": _spread,
    "same call twice": _repeated,
    "batch against single": _single,
    "padding side": _padding,
    "dtype": _dtype,
    "all weights are used": every_weight,
    "BOS": bos,
    "template": template,
    "template stands still": standing,
    "special tokens in text": special,
    "truncation is noticed": noticed,
    "truncated share": cut,
    "last turn is read": last_turn,
    "long texts are whole": long_texts,
    "raw output": _raw,
    "served against local": _parity,
    SURE_LABELS: saturated,
    SIDES: sides,
}

RECORDED: Mapping[str, Callable[[str, CheckedModel], Check]] = {
    "rewards differ": differing,
    SURE_LABELS: saturated,
    SIDES: sides,
}
"""What can be said of rewards that were computed elsewhere."""


def refuse_failing(report: Conformance) -> None:
    """Raise RewardModelError, with every failed check, unless all passed or did not apply.

    What is told of preferences stops nobody, and is logged.
    """
    for check in report.failed:
        if check.name in TOLD:
            _logger.warning("%s: %s: %s", report.reward_model, check.name, said(check))
    failed = [check for check in report.failed if check.name not in TOLD]
    if not failed:
        return
    lines = "\n".join(f"  - {check.name}: {said(check)}" for check in failed)
    raise RewardModelError(
        f"{report.reward_model}: its rewards cannot be trusted:\n{lines}\n"
        "  Remedy: mend what is named; `argo-audit check-rm` repeats all checks, and "
        "--accept-failing-rm (in Python accept_failing_rm=True) audits it as it is, with these "
        "failures in the report"
    )
