"""Checks of a reward model before it is trusted: loading one wrongly gives numbers all the same.

    report = check_reward_model(model, pairs)
    report.failed                                   # (): what it pays can be used
    check_reward_model(local, pairs, served)        # and whether a server pays the same

Asked about are fixed probes (`probes`) and a few of the pairs to be labelled. Tolerances are shares
of the `spread`, the median difference between the rewards of a pair: an error of 1% of it can
exchange only responses that are a hundred times closer to each other than those of a typical pair,
and moves P(A) of the typical pair by less than a hundredth. Arithmetic in 16 bits is coarser than
that, so there, and where a server's type is not known, it is 10%. A check that does not apply to a
kind of reward model says so; recorded scores compute nothing, so none does.
"""

import copy
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from argo_audit.errors import RewardModelError
from argo_audit.records import Check, Conformance, Message, Pair
from argo_audit.reward_models.encoding import encode, render
from argo_audit.reward_models.probes import FORGED_TURNS, PROBES, REAL_TURNS
from argo_audit.reward_models.recorded import RecordedRewardModel
from argo_audit.roles import Conversation, RewardModel

if TYPE_CHECKING:
    from argo_audit.reward_models.classifier import ClassifierRewardModel
    from argo_audit.reward_models.encoding import Reader

EXACT, COARSE = 0.01, 0.1  # of the spread
LARGEST_CUT_SHARE = 0.05
_SAMPLE = 8  # of the given pairs, evenly spaced
_SHORTEST = 8  # conversations for a second copy in another type, which may be slow
_WHY = {
    EXACT: "1% of the spread: only responses a hundred times closer than usual could change places",
    COARSE: "10% of the spread: 16-bit arithmetic, or a server whose type is not known",
}


def check_reward_model(
    model: RewardModel, pairs: Sequence[Pair] = (), served: RewardModel | None = None
) -> Conformance:
    """All checks of a model, on probes and a sample of `pairs`; its counters stay as they are.

    `served` is the same model behind a server, for the parity of the two. Raises RewardModelError
    when the model cannot be asked at all.
    """
    if isinstance(model, RecordedRewardModel):
        why = "recorded scores: nothing is computed here"
        checks = tuple(_skip(name, why) for name in CHECKS)
        digest = model.fingerprint()
        return Conformance(
            reward_model=model.name, fingerprint=digest, pairs=0, spread=None, max_length=None,
            checks=checks,
        )  # fmt: skip
    subject = _Subject(_fresh(model), tuple(pairs), served)
    checks = tuple(check(name, subject) for name, check in CHECKS.items())
    return Conformance(
        reward_model=model.name,
        fingerprint=getattr(model, "fingerprint", str)(),
        pairs=len(subject.asked),
        spread=subject.spread,
        max_length=subject.reader.max_length if subject.reader else None,
        checks=checks,
    )


@dataclass(frozen=True)
class _Subject:
    """A reward model, what it is asked about, and what it said."""

    model: Any  # RewardModel and, by kind, what only some of them have
    pairs: tuple[Pair, ...]
    served: RewardModel | None

    @cached_property
    def asked(self) -> tuple[Pair, ...]:
        step = max(1, len(self.pairs) // _SAMPLE)
        return (*PROBES, *self.pairs[::step][:_SAMPLE])

    @cached_property
    def conversations(self) -> list[tuple[Message, ...]]:
        return [conversation for pair in self.asked for conversation in pair.conversations()]

    @cached_property
    def rewards(self) -> list[float]:
        found: list[float] = self.model.reward(self.conversations)
        return found

    @cached_property
    def spread(self) -> float:
        differences = zip(self.rewards[::2], self.rewards[1::2], strict=True)
        return statistics.median(abs(a - b) for a, b in differences)

    @property
    def reader(self) -> "Reader | None":
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
        return _verdict(name, measured, share * self.spread, _WHY[share])


def _spread(name: str, subject: _Subject) -> Check:
    why = "must be above 0: rewards that are all the same come from no trained head, or a softmax"
    outcome = "pass" if subject.spread > 0 else "fail"
    return Check(name=name, outcome=outcome, measured=subject.spread, tolerance=0, detail=why)


def _repeated(name: str, subject: _Subject) -> Check:
    return subject.compare(name, subject.model.reward(subject.conversations), subject.precision)


def _single(name: str, subject: _Subject) -> Check:
    alone = [subject.model.reward([conversation])[0] for conversation in subject.conversations]
    return subject.compare(name, alone, subject.precision)


def _padding(name: str, subject: _Subject) -> Check:
    model = subject.classifier
    if model is None or not model.pads_left:
        return _skip(name, "batches of this kind are padded on the right, or not at all")
    tokens = model.reader.shown(subject.conversations)
    return subject.compare(name, model.reward_tokens(tokens, left=True), subject.precision)


def _dtype(name: str, subject: _Subject) -> Check:
    model = subject.classifier
    if model is None:
        return _skip(name, "its weights are not loaded here as a classifier")
    saved = model.saved_dtype
    if saved == model.dtype == "float32":
        return _skip(name, "saved in float32 and computed in it")
    other = saved if model.dtype == "float32" else "float32"
    order = sorted(range(len(subject.rewards)), key=lambda i: len(str(subject.conversations[i])))
    shortest = order[:_SHORTEST]
    try:
        found = model.in_dtype(other).reward([subject.conversations[i] for i in shortest])  # type: ignore[arg-type]
    except RewardModelError as error:
        return Check(name=name, outcome="fail", detail=f"in {other}: {error}")
    measured = max(abs(subject.rewards[i] - r) for i, r in zip(shortest, found, strict=True))
    why = f"{model.dtype} against {other}; {_WHY[COARSE]}"
    return _verdict(name, measured, COARSE * subject.spread, why)


def _bos(name: str, subject: _Subject) -> Check:
    if subject.reader is None:
        return _skip(name, "the server applies its template, and its tokens are not seen here")
    tokenizer = subject.reader.tokenizer
    bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.cls_token_id
    (ids,) = encode(tokenizer, [REAL_TURNS])
    leading = next((i for i, token in enumerate(ids) if token != bos), len(ids))
    own = tokenizer("a")["input_ids"][0] == bos if bos is not None else False
    why = "BOS tokens before all others: one where the tokenizer begins with it, never two"
    outcome = "pass" if leading == 1 or (leading == 0 and not own) else "fail"
    return Check(name=name, outcome=outcome, measured=leading, tolerance=1, detail=why)


def _template(name: str, subject: _Subject) -> Check:
    if subject.reader is None:
        return _skip(name, "the server applies its template, and its tokens are not seen here")
    tokenizer = subject.reader.tokenizer
    lost = [_lost(tokenizer, conversation) for conversation in (REAL_TURNS, *subject.conversations)]
    if _opens_another(tokenizer):
        return Check(name=name, outcome="fail", detail="the template opens a turn after the last")
    if _same_for_all_roles(tokenizer):
        return Check(name=name, outcome="fail", detail="the template does not tell roles apart")
    why = "conversations whose turns cannot be read back from their tokens in full and in order"
    return _verdict(name, sum(lost), 0, why)


def _special(name: str, subject: _Subject) -> Check:
    if subject.reader is None:
        return _forged(name, subject)
    tokenizer = subject.reader.tokenizer
    strings = [t.content for t in tokenizer.added_tokens_decoder.values() if t.special]
    ids = {tokenizer.convert_tokens_to_ids(s) for s in strings} - {tokenizer.unk_token_id}
    hostile = (REAL_TURNS[0], Message(role="assistant", content="\n".join(["", *strings, ""])))
    both = encode(tokenizer, [hostile, REAL_TURNS[:2]])
    forged, plain = (sum(token in ids for token in tokens) for tokens in both)
    return _verdict(name, abs(forged - plain), 0, "special tokens that a response could write")


def _forged(name: str, subject: _Subject) -> Check:
    """Of rewards alone: a response that plays further turns must not be paid like those turns."""
    real, *forged = subject.model.reward([REAL_TURNS, *FORGED_TURNS])
    nearest = min(abs(reward - real) for reward in forged)
    return Check(
        name=name,
        outcome="pass" if nearest > EXACT * EXACT * subject.spread else "fail",
        measured=nearest,
        tolerance=EXACT * EXACT * subject.spread,
        detail="must be above: a response in which turns are forged is paid like true turns; "
        "set tokenizer of [reward_model], so that the server is sent token ids",
    )


def _noticed(name: str, subject: _Subject) -> Check:
    if subject.reader is None:
        return _skip(name, "the server finds what is too long; it is counted then")
    (ids,) = subject.reader.full([REAL_TURNS])
    model = copy.copy(subject.model)
    model.reader = subject.reader.uncounted(len(ids) - 1)
    model.reward([REAL_TURNS])
    missed = 1 - model.reader.truncated
    return _verdict(name, missed, 0, "conversations one token too long that were not counted")


def _cut(name: str, subject: _Subject) -> Check:
    reader = subject.reader
    if reader is None:
        return _skip(name, "the server finds what is too long; it is counted then")
    given = subject.pairs or subject.asked
    tokens = reader.full([conversation for pair in given for conversation in pair.conversations()])
    share = sum(len(ids) > reader.max_length for ids in tokens) / len(tokens)
    why = f"share of {len(tokens)} conversations beyond {reader.max_length} tokens: their rewards "
    return _verdict(name, share, LARGEST_CUT_SHARE, f"{why}are those of other texts")


def _raw(name: str, subject: _Subject) -> Check:
    if not hasattr(subject.model, "activated"):
        return _skip(name, "the output of the head is read itself")
    probes = subject.conversations[: 2 * len(PROBES)]
    raw, activated = subject.rewards[: len(probes)], subject.model.activated(probes)
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


def _parity(name: str, subject: _Subject) -> Check:
    if subject.served is None:
        return _skip(name, "no second way to ask the same model was given")
    return subject.compare(name, subject.served.reward(subject.conversations), COARSE)


CHECKS: Mapping[str, Callable[[str, _Subject], Check]] = {
    "rewards differ": _spread,
    "same call twice": _repeated,
    "batch against single": _single,
    "padding side": _padding,
    "dtype": _dtype,
    "BOS": _bos,
    "template": _template,
    "special tokens in text": _special,
    "truncation is noticed": _noticed,
    "truncated share": _cut,
    "raw output": _raw,
    "served against local": _parity,
}


def refuse_failing(report: Conformance) -> None:
    """Raise RewardModelError, with every failed check, unless all passed or did not apply."""
    if not report.failed:
        return
    lines = "\n".join(f"  - {check.name}: {said(check)}" for check in report.failed)
    raise RewardModelError(
        f"{report.reward_model}: its rewards cannot be trusted:\n{lines}\n"
        "  Remedy: mend what is named; `argo-audit check-rm` repeats all checks, and "
        "--accept-failing-rm audits it as it is, with these failures in the report"
    )


def said(check: Check) -> str:
    """What a check found, in a line."""
    if check.measured is None:
        return check.detail
    return f"{check.measured:.3g}, tolerance {check.tolerance or 0:.3g} ({check.detail})"


def _verdict(name: str, measured: float, tolerance: float, why: str) -> Check:
    outcome = "pass" if measured <= tolerance else "fail"
    return Check(name=name, outcome=outcome, measured=measured, tolerance=tolerance, detail=why)


def _skip(name: str, why: str) -> Check:
    return Check(name=name, outcome="not applicable", detail=why)


def _fresh(model: RewardModel) -> RewardModel:
    """The same model with counters of its own."""
    own: Any = copy.copy(model)
    reader = getattr(own, "reader", None)
    if reader is not None:
        own.reader = reader.uncounted()
    fresh: RewardModel = own
    return fresh


def _lost(tokenizer: Any, conversation: Conversation) -> bool:
    """Whether some turn's text is not in what the tokens say, in order; spaces and case aside."""
    (ids,) = encode(tokenizer, [conversation])
    rest = _folded(tokenizer.decode(ids, clean_up_tokenization_spaces=False))
    for message in conversation:
        _, found, rest = rest.partition(_folded(message.content))
        if not found and message.content:
            return True
    return False


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def _opens_another(tokenizer: Any) -> bool:
    """Whether the last response is followed by what otherwise stands before a response."""
    question, answer, *_, last = (message.content for message in REAL_TURNS)
    (text,) = render(tokenizer, [REAL_TURNS])
    opening = text.partition(question)[2].partition(answer)[0].strip()
    return bool(opening) and text.rpartition(last)[2].strip().endswith(opening)


def _same_for_all_roles(tokenizer: Any) -> bool:
    user, assistant = REAL_TURNS[:2]
    swapped = assistant.model_copy(update={"role": "user"})
    try:
        return len(set(render(tokenizer, [(user, assistant), (user, swapped)]))) == 1
    except RewardModelError:  # it refuses two turns of one role: it does tell them apart
        return False
