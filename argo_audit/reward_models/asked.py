"""One call of a reward model, held to what `roles.RewardModel` promises.

    rewards_of(model, conversations)       # [1.2, -0.5]: finite, as many as conversations

Whoever wrote the model, this is how it is asked: by checks, labels, probes, evaluations and gates.
Numbers of numpy and torch are numbers, and one-dimensional arrays of them are lists. Anything else
is refused with what came: a text, a column of an array or a generator that was taken for rewards
would give numbers all the same.
"""

import inspect
import math
from collections.abc import Sequence
from typing import NoReturn, Protocol, runtime_checkable

from argo_audit.errors import RewardModelError
from argo_audit.roles import Conversation, RewardModel

_ONE_EACH = "return one number per conversation, in order, as a list or an array of one dimension"


@runtime_checkable
class _Array(Protocol):
    """What arrays and numbers of numpy, torch and pandas can be asked for."""

    def tolist(self) -> object:
        """Python's own lists and numbers."""


def rewards_of(model: RewardModel, conversations: Sequence[Conversation]) -> list[float]:
    """What the model pays, one finite float per conversation, in order.

    Raises RewardModelError for an answer that is none, which says what came; what the model itself
    raises passes through.
    """
    return as_rewards(model.reward(conversations), len(conversations), model.name)


def as_rewards(answer: object, wanted: int, name: str) -> list[float]:
    """An answer to `wanted` conversations as floats. Raises RewardModelError where it is none."""
    given = answer.tolist() if isinstance(answer, _Array) else answer
    if not isinstance(given, list | tuple):
        _refuse_answer(given, name)
    if len(given) != wanted:
        problem = f"{len(given)} rewards for {wanted} conversations"
        _refuse(name, problem, "return one reward per conversation, in order")
    rewards = [_number(one, name) for one in given]
    unusable = sum(not math.isfinite(reward) for reward in rewards)
    if unusable:
        problem = f"{unusable} of {wanted} rewards are NaN or infinite"
        _refuse(name, problem, "load it in float32, and check that its weights are complete")
    return rewards


def _number(given: object, name: str) -> float:
    plain = given.tolist() if isinstance(given, _Array) else given
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        shape = " (an array of more than one dimension)" if isinstance(plain, list) else ""
        _refuse(name, f"a reward is no number but {_kind(plain)}{shape}", _ONE_EACH)
    try:
        return float(plain)
    except OverflowError:  # a whole number that no float can hold
        return math.inf


def _refuse_answer(given: object, name: str) -> NoReturn:
    if inspect.iscoroutine(given):
        given.close()  # or Python warns that nobody has waited for it
        _refuse(name, "its `reward` is async", "write `def reward`: it is not waited for")
    _refuse(name, f"no list of rewards came back but {_kind(given)}", _ONE_EACH)


def _kind(given: object) -> str:
    return "None" if given is None else f"one of type {type(given).__name__}"


def _refuse(name: str, problem: str, remedy: str) -> NoReturn:
    raise RewardModelError(f"{name}: {problem}\n  Remedy: {remedy}")
