r"""Conversations as chat data sets write them, and the prompt that two of them share.

    >>> transcript("\n\nHuman: Hi\n\nAssistant: Hello!")[1].content
    'Hello!'

A prompt is what both responses answer. Two conversations that part ways before their last turn
share none, and are refused instead of being judged on different questions.
"""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import ConfigDict

from argo_audit.pairs.formats.labelled import Prompt
from argo_audit.records import Message, Record

_TURN = re.compile(r"\n\n(Human|Assistant):")
_ROLES: dict[str, Literal["user", "assistant"]] = {"Human": "user", "Assistant": "assistant"}


class ContentPart(Record):
    """One part of a message: text, or an image by its link."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str | None = None
    image: str | None = None


class Turn(Record):
    """A message whose content is a text or a list of parts; what else it holds is ignored."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "user", "assistant"]
    content: str | tuple[ContentPart, ...]

    def message(self) -> Message:
        if isinstance(self.content, str):
            return Message(role=self.role, content=self.content)
        unseen = sorted({part.type for part in self.content if not (part.text or part.image)})
        if unseen and unseen != ["text"]:
            raise ValueError(f"a message has a part without text or link: {unseen[0]!r:.40}")
        return Message(
            role=self.role,
            content="\n".join(part.text for part in self.content if part.text),
            images=tuple(part.image for part in self.content if part.image),
        )


def messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """The messages of a conversation."""
    return tuple(turn.message() for turn in turns)


def transcript(text: str) -> tuple[Message, ...]:
    r"""The messages of a transcript with "\n\nHuman:" and "\n\nAssistant:" before each turn."""
    start, *rest = _TURN.split(text)
    if start.strip() or not rest or rest[0] != "Human":
        raise ValueError('the transcript does not start with "\\n\\nHuman:"')
    return tuple(
        Message(role=_ROLES[name], content=content.strip())
        for name, content in zip(rest[::2], rest[1::2], strict=True)
    )


def is_transcript(text: object) -> bool:
    """Whether a text looks like one."""
    return isinstance(text, str) and text.lstrip().startswith("Human:") and text.startswith("\n\n")


def parted(first: Sequence[Message], second: Sequence[Message]) -> tuple[Prompt, tuple[str, str]]:
    """The prompt that two conversations share, and the response that ends each.

    Raises:
        ValueError: When one does not end with a response, or they differ before it.
    """
    for conversation in (first, second):
        if not conversation or conversation[-1].role != "assistant":
            raise ValueError("a conversation does not end with a turn of the assistant")
    if first[:-1] != second[:-1]:
        raise ValueError(f"the two conversations share no prompt: {_difference(first, second)}")
    if len(first) == 1:
        raise ValueError("there is no prompt before the responses")
    return tuple(first[:-1]), (first[-1].content, second[-1].content)


def _difference(first: Sequence[Message], second: Sequence[Message]) -> str:
    for number, (one, other) in enumerate(zip(first[:-1], second[:-1], strict=False), 1):
        if one != other:
            return f"they differ in turn {number}, before the last"
    return f"they have {len(first)} and {len(second)} turns"
