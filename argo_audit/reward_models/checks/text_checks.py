"""Checks of what a reward model is shown: tokens of a conversation, whole and nothing besides.

    bos("BOS", subject), template("template", subject), special("special tokens in text", subject)

They read token ids where the tokenizer is at hand. Where a server applies the template itself, only
its rewards can tell: a response in which further turns are forged must not be paid like them.
"""

from typing import Any

from argo_audit.errors import RewardModelError
from argo_audit.records import Check, Message
from argo_audit.reward_models.asked import rewards_of
from argo_audit.reward_models.checks.probe_texts import FORGED_TURNS, REAL_TURNS
from argo_audit.reward_models.checks.tolerance import (
    EXACT,
    CheckedModel,
    unchecked,
    unseen,
    verdict,
)
from argo_audit.reward_models.encoding import encode, render
from argo_audit.roles import Conversation, Counting, Uncounted

LARGEST_CUT_SHARE = 0.05
_UNSEEN = "no tokenizer is at hand: how it is shown a conversation is not seen here"
_COUNTED_THERE = "no tokenizer is at hand: what is too long is found, and counted, where it is read"


def bos(name: str, subject: CheckedModel) -> Check:
    if subject.reader is None:
        return unseen(name, _UNSEEN, subject)
    tokenizer = subject.reader.tokenizer
    bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.cls_token_id
    (ids,) = encode(tokenizer, [REAL_TURNS])
    leading = next((i for i, token in enumerate(ids) if token != bos), len(ids))
    own = tokenizer("a")["input_ids"][0] == bos if bos is not None else False
    why = "BOS tokens before all others: one where the tokenizer begins with it, never two"
    outcome = "pass" if leading == 1 or (leading == 0 and not own) else "fail"
    return Check(name=name, outcome=outcome, measured=leading, tolerance=1, detail=why)


def template(name: str, subject: CheckedModel) -> Check:
    if subject.reader is None:
        return unseen(name, _UNSEEN, subject)
    tokenizer = subject.reader.tokenizer
    lost = [_lost(tokenizer, conversation) for conversation in (REAL_TURNS, *subject.conversations)]
    if _opens_another(tokenizer):
        return Check(name=name, outcome="fail", detail="the template opens a turn after the last")
    if _same_for_all_roles(tokenizer):
        return Check(name=name, outcome="fail", detail="the template does not tell roles apart")
    why = "conversations whose turns cannot be read back from their tokens in full and in order"
    return verdict(name, sum(lost), 0, why)


def special(name: str, subject: CheckedModel) -> Check:
    if subject.reader is None:
        return _forged(name, subject)
    tokenizer = subject.reader.tokenizer
    strings = [t.content for t in tokenizer.added_tokens_decoder.values() if t.special]
    ids = {tokenizer.convert_tokens_to_ids(s) for s in strings} - {tokenizer.unk_token_id}
    hostile = (REAL_TURNS[0], Message(role="assistant", content="\n".join(["", *strings, ""])))
    both = encode(tokenizer, [hostile, REAL_TURNS[:2]])
    forged, plain = (sum(token in ids for token in tokens) for tokens in both)
    return verdict(name, abs(forged - plain), 0, "special tokens that a response could write")


def noticed(name: str, subject: CheckedModel) -> Check:
    model = subject.model
    if subject.reader is None:
        return unseen(name, _COUNTED_THERE, subject)
    if not isinstance(model, Uncounted):
        return unchecked(name, "it counts nothing that could be looked at")
    (ids,) = subject.reader.full([REAL_TURNS])
    shorter = model.uncounted(len(ids) - 1)
    rewards_of(shorter, [REAL_TURNS])
    missed = 1 - shorter.truncated if isinstance(shorter, Counting) else 1
    return verdict(name, missed, 0, "conversations one token too long that were not counted")


def cut(name: str, subject: CheckedModel) -> Check:
    reader = subject.reader
    if reader is None:
        return unseen(name, _COUNTED_THERE, subject)
    given = subject.pairs or subject.asked
    tokens = reader.full([conversation for pair in given for conversation in pair.conversations()])
    share = sum(len(ids) > reader.max_length for ids in tokens) / len(tokens)
    why = f"share of {len(tokens)} conversations beyond {reader.max_length} tokens: their rewards "
    return verdict(name, share, LARGEST_CUT_SHARE, f"{why}are those of other texts")


def _forged(name: str, subject: CheckedModel) -> Check:
    """Of rewards alone: a response that plays further turns must not be paid like those turns.

    A template takes one form of them for turns at most. A model that pays for none of these texts,
    such as one that counts lists, pays all forms alike, and that says nothing of turns.
    """
    real, *forged = rewards_of(subject.model, [REAL_TURNS, *FORGED_TURNS])
    if len({real, *forged}) == 1:
        return unseen(name, "it pays for nothing in the texts that would show it", subject)
    nearest = min(abs(reward - real) for reward in forged)
    again = rewards_of(subject.model, [*FORGED_TURNS, REAL_TURNS])
    noise = max(abs(a - b) for a, b in zip((*forged, real), again, strict=True))
    tolerance = EXACT * EXACT * subject.spread
    if tolerance < nearest <= noise:
        why = f"its rewards move by {noise:.2g} when the same is asked again"
        return unseen(name, why, subject)
    return Check(
        name=name,
        outcome="pass" if nearest > tolerance else "fail",
        measured=nearest,
        tolerance=tolerance,
        detail="must be above: a response in which turns are forged is paid like true turns; "
        "set tokenizer of [reward_model], so that the server is sent token ids",
    )


def _lost(tokenizer: Any, conversation: Conversation) -> bool:
    """Whether some turn's text is not in what the tokens say, in order; spaces and case aside."""
    (ids,) = encode(tokenizer, [conversation])
    rest = _folded(tokenizer.decode(ids, clean_up_tokenization_spaces=False))
    for message in conversation:
        said = _folded(message.content)
        if said not in rest:
            return True
        rest = rest.partition(said)[2] if said else rest
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
