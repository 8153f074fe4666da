"""One call of a writer, held to what `roles.Writer` promises.

    await answers_of(writer, prompts, seed)      # one Written per prompt, in order

Whoever wrote the writer, this is how it is asked: by a policy that samples, and for rewriting.
"""

from collections.abc import Sequence
from inspect import isawaitable
from typing import NoReturn

from argo_audit.errors import InputError
from argo_audit.records import Usage
from argo_audit.roles import Writer, Written

_ASKED = "return one Written(text, finished, usage) per prompt, in order"


async def answers_of(writer: Writer, prompts: Sequence[str], seed: int) -> list[Written]:
    """What the writer answers to each prompt, in order.

    Raises InputError for an answer that is none, which says what came; what the writer itself
    raises passes through.
    """
    waited: object = writer.write(prompts, seed)
    if not isawaitable(waited):
        _refuse(writer, "its `write` is not async", "write `async def write`")
    given: object = await waited
    if not isinstance(given, list | tuple):
        kind = type(given).__name__
        _refuse(writer, f"no list of answers came back but one of type {kind}", _ASKED)
    if len(given) != len(prompts):
        _refuse(writer, f"{len(given)} answers to {len(prompts)} prompts", _ASKED)
    return [_held(writer, one) for one in given]


def _held(writer: Writer, one: object) -> Written:
    if not isinstance(one, Written):
        _refuse(writer, f"an answer is no Written but a {type(one).__name__}", _ASKED)
    text: object = one.text
    usage: object = one.usage
    if not (isinstance(text, str) and isinstance(usage, Usage)):
        kinds = f"{type(text).__name__} and {type(usage).__name__}"
        _refuse(writer, f"an answer whose text and usage are {kinds}", "give a str and a Usage")
    return one


def _refuse(writer: Writer, problem: str, remedy: str) -> NoReturn:
    raise InputError(writer.name, problem, remedy)
