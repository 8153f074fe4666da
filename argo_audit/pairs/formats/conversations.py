"""The prompt that two conversations share, and the responses that end them.

A prompt is what both responses answer. Two conversations that part ways before their last turn
share none, and are refused instead of being judged on different questions; only where an assistant
works with tools is all that it did since the last request its response.
"""

from collections.abc import Sequence
from typing import NamedTuple

from argo_audit.pairs.formats.labelled import Answer, Prompt
from argo_audit.records import Message


class Parted(NamedTuple):
    """The prompt that two conversations share, and the response that ends each."""

    prompt: Prompt
    responses: tuple[Answer, Answer]


def parted(first: Sequence[Message], second: Sequence[Message]) -> Parted:
    """The prompt that two conversations share, and the response that ends each.

    Raises:
        ValueError: When one does not end with a response, they differ before it, or a response
            holds a picture.
    """
    for conversation in (first, second):
        if not conversation or conversation[-1].role != "assistant":
            raise ValueError("a conversation does not end with a turn of the assistant")
    shared = _shared(first, second)
    if not shared:
        raise ValueError("there is no prompt before the responses")
    return Parted(tuple(first[:shared]), (answer(first[shared:]), answer(second[shared:])))


def answer(turns: Sequence[Message]) -> Answer:
    """What an assistant answered: a text, or turns that call tools and what these say."""
    if any(turn.images for turn in turns):
        raise ValueError("a response holds an image, and only prompts may: it would not be seen")
    only = turns[0]
    if len(turns) == 1 and not only.tool_calls:
        return Answer(only.content)
    said = [turn.text if turn.role == "assistant" else f"[tool]\n{turn.text}" for turn in turns]
    return Answer("\n\n".join(said), tuple(turns))


def _shared(first: Sequence[Message], second: Sequence[Message]) -> int:
    """How many turns both conversations begin with: all before the responses."""
    if first[:-1] == second[:-1]:
        return len(first) - 1
    ways = zip(first, second, strict=False)
    shorter = min(len(first), len(second))
    alike = next((n for n, (one, two) in enumerate(ways) if one != two), shorter)
    while alike and (first[alike:] or second[alike:])[0].role == "tool":
        alike -= 1  # results belong to the calls that they answer
    rest = (*first[alike:], *second[alike:])
    worked = any(turn.role == "tool" or turn.tool_calls for turn in rest)
    alone = {turn.role for turn in rest} <= {"assistant", "tool"}
    if worked and alone and alike < shorter:
        return alike
    raise ValueError(f"the two conversations share no prompt: {_difference(first, second)}")


def _difference(first: Sequence[Message], second: Sequence[Message]) -> str:
    for number, (one, other) in enumerate(zip(first[:-1], second[:-1], strict=False), 1):
        if one != other:
            return f"they differ in turn {number}, before the last"
    return f"they have {len(first)} and {len(second)} turns"
