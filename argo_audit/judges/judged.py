"""One call of a judge, held to what `roles.Judge` promises.

    await judgments_of(judge, rubric, pairs)      # one Judgment per pair, in order

Whoever wrote the judge, this is how it is asked: by a search, an evaluation, a gate and Python.
Judgments of other pairs or in another order would be held to labels that are not theirs, and the
numbers would look like any others; so each is looked at, and a JudgeError says what came.
"""

import math
from collections.abc import Sequence
from inspect import isawaitable
from typing import NoReturn

from argo_audit.errors import JudgeError
from argo_audit.records import Judgment, Pair, Rubric
from argo_audit.roles import Judge

_ROUNDING = 1e-6
_ASKED = "return one Judgment per pair, in order"


async def judgments_of(judge: Judge, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
    """What the judge prefers on each pair, in order.

    Raises JudgeError for an answer that is none, which says what came; what the judge itself raises
    passes through.
    """
    waited: object = judge.judge(rubric, pairs)
    if not isawaitable(waited):
        _refuse(judge, "its `judge` is not async", "write `async def judge`")
    given: object = await waited
    if not isinstance(given, list | tuple):
        _refuse(judge, f"no list of judgments came back but one of type {_kind(given)}", _ASKED)
    if len(given) != len(pairs):
        _refuse(judge, f"{len(given)} judgments of {len(pairs)} pairs", _ASKED)
    return [_held(judge, rubric, pair, said) for pair, said in zip(pairs, given, strict=True)]


def _held(judge: Judge, rubric: Rubric, pair: Pair, said: object) -> Judgment:
    """The judgment, if it is one of this pair under this rubric."""
    if not isinstance(said, Judgment):
        _refuse(judge, f"of pair {pair.id!r} came no Judgment but a {_kind(said)}", _ASKED)
    if said.pair_id != pair.id:
        problem = f"in the place of pair {pair.id!r} came a judgment of {said.pair_id!r}"
        _refuse(judge, problem, _ASKED)
    if said.rubric_id != rubric.id:
        problem = f"a judgment under {said.rubric_id!r}, where the rubric's id is {rubric.id!r}"
        _refuse(judge, problem, "set rubric_id=rubric.id")
    if problem := _inconsistent(said):
        remedy = "p_a is the mean of p_a_first and p_a_second, None unless both could be read"
        _refuse(judge, f"of pair {pair.id!r} came {problem}", remedy)
    return said


def _inconsistent(said: Judgment) -> str:
    """What is wrong with the probabilities, which nobody checked in a record made unchecked."""
    orders = [p for p in (said.p_a_first, said.p_a_second) if p is not None]
    for p_a in (said.p_a, *orders):
        if p_a is not None and not 0 <= p_a <= 1:  # also NaN
            return f"a probability of {p_a}"
    mean = math.fsum(orders) / 2 if len(orders) == 2 else None
    if mean is None or said.p_a is None:
        same = mean is said.p_a
    else:
        same = math.isclose(said.p_a, mean, abs_tol=_ROUNDING)
    if same:
        return ""
    return f"p_a={said.p_a} with p_a_first={said.p_a_first}, p_a_second={said.p_a_second}"


def _kind(given: object) -> str:
    return type(given).__name__


def _refuse(judge: Judge, problem: str, remedy: str) -> NoReturn:
    raise JudgeError(f"{judge.name}: {problem}\n  Remedy: {remedy}")
