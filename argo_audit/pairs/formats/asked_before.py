"""What a row says was asked, as one prompt: the question, system prompt, turns, tools, pictures.

These stand in columns of their own, in the conversations of the responses, or in both. What stands
in both is one conversation and not two; what contradicts itself is refused.
"""

import json
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from argo_audit.pairs.formats.conversations import Parted, parted
from argo_audit.pairs.formats.labelled import Answer, Prompt
from argo_audit.pairs.formats.rows import Row
from argo_audit.pairs.formats.transcripts import asked, is_transcript, transcript
from argo_audit.pairs.formats.turns import Image, Images, Text, as_listed, messages, parsed
from argo_audit.records import Message

SYSTEM = {"system_prompt": "system", "system_message": "system"}
PROMPTS = {"question": "prompt", "instruction": "prompt", "query": "prompt"}


def _several(value: object) -> object:
    """A list, also one that stands in a text; one thing is a list of it."""
    value = as_listed(value)
    if isinstance(value, str) and value.lstrip().startswith("["):
        read = parsed(value)
        value = value if read is None else read
    return value if isinstance(value, list) else [value]


def _definitions(value: object) -> object:
    """Tools as canonical JSON."""
    read = parsed(value) if isinstance(value, str) else value
    if not isinstance(read, list) or not all(isinstance(tool, dict) for tool in read):
        raise ValueError("the tools are no list of definitions")
    return json.dumps(read, ensure_ascii=False)


class AskedRow(Row):
    """The columns of a row that tell what was asked."""

    prompt: Text | None = None
    system: str | None = None
    history: Annotated[tuple[tuple[str, str], ...] | None, BeforeValidator(_several)] = None
    tools: Annotated[str | None, BeforeValidator(_definitions)] = None
    images: Annotated[tuple[Image, ...] | None, BeforeValidator(_several)] = None

    def asked(self, chosen: Text, rejected: Text) -> "Contest":
        """Prompt and responses. Raises ValueError where they are not to be told."""
        images = Images([image.link() for image in self.images or ()])
        found = self._parted(chosen, rejected, images)
        prompt = _after_system(self.system, self._after_history(found.prompt))
        if images.left():
            prompt = _with_images(prompt, images.left())
        if self.tools:
            prompt = (prompt[0].model_copy(update={"tools": self.tools}), *prompt[1:])
        return Contest(prompt, *found.responses)

    def _parted(self, chosen: Text, rejected: Text, images: Images) -> Parted:
        before = None if self.prompt is None else _as_messages(self.prompt, images)
        if isinstance(chosen, str) and isinstance(rejected, str):
            if is_transcript(chosen) and is_transcript(rejected):
                both = transcript(chosen), transcript(rejected)
                return parted(*(_joined(before, turns) for turns in both))
            if before is None:
                raise ValueError("there is no prompt beside the two texts")
            return Parted(before, (Answer(chosen), Answer(rejected)))
        if isinstance(chosen, str) or isinstance(rejected, str):
            raise ValueError("one response is a text, the other a list of messages")
        kept = images.left()
        first = _joined(before, messages(chosen, images))
        return parted(first, _joined(before, messages(rejected, Images(kept))))

    def _after_history(self, prompt: Prompt) -> Prompt:
        turns = []
        for said, answered in self.history or ():
            turns += [
                Message(role="user", content=said),
                Message(role="assistant", content=answered),
            ]
        at = sum(message.role == "system" for message in prompt[:1])
        return (*prompt[:at], *turns, *prompt[at:])


class Contest(NamedTuple):
    """A prompt and its two responses."""

    prompt: Prompt
    chosen: Answer
    rejected: Answer


def _as_messages(prompt: Text, images: Images) -> Prompt:
    return asked(prompt) if isinstance(prompt, str) else messages(prompt, images)


def _joined(before: Prompt | None, turns: Prompt) -> Prompt:
    """One conversation of a prompt and messages that may hold the prompt, or its end, again."""
    if before is None or not turns or _holds(turns[:-1], before):
        return turns
    overlap = _overlap(before, turns[:-1])
    if overlap or turns[0].role == "assistant":
        return (*before, *turns[overlap:])
    if len(before) == 1 and _says_as_much(before[0].content, turns[:-1]):
        return turns
    raise ValueError("the prompt is not what the messages before the responses say")


def _overlap(before: Prompt, earlier: Prompt) -> int:
    """How many turns at the end of one are the beginning of the other."""
    lengths = range(min(len(before), len(earlier)), 0, -1)
    return next((n for n in lengths if before[-n:] == earlier[:n]), 0)


def _holds(earlier: Prompt, before: Prompt) -> bool:
    length = len(before)
    places = range(len(earlier) - length + 1)
    return any(earlier[start : start + length] == tuple(before) for start in places)


def _says_as_much(text: str, earlier: Prompt) -> bool:
    """Whether a prompt of one text is a turn, or all turns in the words of a template."""
    said = [_plain(turn.content) for turn in earlier]
    asked_for = _plain(text)
    return any(asked_for == turn for turn in said) or all(turn in asked_for for turn in said)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _after_system(system: str | None, prompt: Prompt) -> Prompt:
    if not system:
        return prompt
    if prompt[0].role != "system":
        return (Message(role="system", content=system), *prompt)
    if _plain(prompt[0].content) != _plain(system):
        raise ValueError("the column 'system' and the system turn say different things")
    return prompt


def _with_images(prompt: Prompt, images: Sequence[str]) -> Prompt:
    """The pictures that no turn has a place for go with the first turn of the user."""
    at = next((n for n, message in enumerate(prompt) if message.role == "user"), 0)
    if any(message.images for message in prompt):
        raise ValueError(f"{len(images)} images have no place in the messages")
    shown = prompt[at].model_copy(update={"images": tuple(images)})
    return (*prompt[:at], shown, *prompt[at + 1 :])


def prompt_of(text: str, system: str | None = None) -> Prompt:
    """The prompt that a text is, after a system prompt where there is one."""
    return _after_system(system, asked(text))
