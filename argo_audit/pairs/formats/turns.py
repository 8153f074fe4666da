"""Messages as chat data sets write them: roles, parts, pictures, and calls of tools.

A list of messages may have been saved as text, as JSON or as Python writes it: it is read back, or
refused, and never taken for the words of somebody.
"""

import ast
import json
import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, JsonValue
from pydantic_core import from_json

from argo_audit.pairs.formats.rows import Open
from argo_audit.records import Message, ToolCall

_LONGEST_LITERAL = 1_000_000  # characters of a list that Python wrote
_LIST_AS_TEXT = re.compile(
    r"""\s*(?:array\(\s*)?(?:\[\s*)?\{\s*["'](?:role|content|from|value)["']\s*:"""
)
_ROLES = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "developer": "system",
    "function": "tool",
    "ipython": "tool",
    "observation": "tool",
}
_SHAREGPT = {"from": "role", "value": "content"}


def as_listed(value: object) -> object:
    """A list that stands in a text, read; anything else as it is.

    Raises ValueError for a text that begins as a list of messages and is none.
    """
    if not isinstance(value, str) or not _LIST_AS_TEXT.match(value):
        return value
    read = parsed(value)
    if read is None:
        raise ValueError("a list of messages was saved as text, and cannot be read back")
    return read


def parsed(text: str) -> object:
    """What a text says as JSON, or as Python writes it; None where it is neither."""
    try:
        return from_json(text)
    except ValueError:
        pass
    if len(text) > _LONGEST_LITERAL:
        return None
    try:
        read = ast.literal_eval(text.strip())
        return from_json(json.dumps(read))  # what JSON has no word for is no message
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _conversation(value: object) -> object:
    """One message is a conversation of one; lists in texts are read."""
    value = as_listed(value)
    return [value] if isinstance(value, dict) and ("role" in value or "from" in value) else value


class _Link(Open):
    url: str | None = None
    bytes: str | None = None
    path: str | None = None

    def link(self) -> str:
        return self.bytes or self.url or self.path or ""


def _linked(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


Image = Annotated[_Link, BeforeValidator(_linked)]
"""A picture: a link, or an object with `url`, `path` or `bytes`."""


class ContentPart(Open):
    """One part of a message: text, or an image by its link; a part without one holds its place."""

    type: Literal["text", "input_text", "output_text", "image", "image_url", "input_image"]
    text: str | None = None
    image: Image | None = None
    image_url: Image | None = None

    @property
    def link(self) -> str:
        found = self.image or self.image_url
        return found.link() if found else ""


class _Function(Open):
    name: str
    arguments: JsonValue = None

    def call(self, id: str) -> ToolCall:
        given = self.arguments
        text = given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)
        return ToolCall(name=self.name, arguments=text, id=id)


class _Call(Open):
    id: str | None = None
    type: Literal["function"] | None = None
    function: _Function

    def call(self) -> ToolCall:
        return self.function.call(self.id or "")


def _calls(value: object) -> object:
    """Calls as a list, each with its function inside."""
    value = parsed(value) if isinstance(value, str) else value
    if not isinstance(value, list):
        return value
    return [
        {"function": call} if isinstance(call, dict) and "function" not in call else call
        for call in value
    ]


class Turn(Open):
    """A message whose content is a text or a list of parts; calls of tools stand beside it."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | tuple[ContentPart, ...] | None
    tool_calls: Annotated[tuple[_Call, ...] | None, BeforeValidator(_calls)] = None
    function_call: _Function | None = None
    tool_call_id: str | None = None
    images: tuple[Image, ...] | None = None

    def message(self, images: "Images | None" = None) -> Message:
        """The message; parts that only hold the place of a picture take it from `images`."""
        calls = [call.call() for call in self.tool_calls or ()]
        calls += [self.function_call.call("")] if self.function_call else []
        if not calls and self.content is None:
            raise ValueError("a message has no content")
        if calls and self.role != "assistant":
            raise ValueError(f"a turn of the {self.role} calls tools")
        extra = self.model_extra or {}
        return Message(
            role=self.role,
            content=self._text(),
            images=(*self._links(images), *(image.link() for image in self.images or ())),
            tool_calls=tuple(calls),
            tool_call_id=self.tool_call_id or "",
            name=str(extra.pop("name", "") or "") if self.role == "tool" else "",
        )

    def _text(self) -> str:
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n".join(part.text for part in self.content if part.text)

    def _links(self, images: "Images | None") -> list[str]:
        parts = () if self.content is None or isinstance(self.content, str) else self.content
        links = []
        for part in parts:
            if "image" in part.type:
                links.append(part.link or (images.next() if images else ""))
                if not links[-1]:
                    raise ValueError(f"a message has a part without text or link: {part.type!r}")
        return links


def _turns(value: object) -> object:
    """A list of messages by the names that are used here."""
    value = _conversation(value)
    return [_turn(turn) for turn in value] if isinstance(value, list) else value


def _turn(turn: object) -> object:
    if not isinstance(turn, dict):
        return turn
    named = {_SHAREGPT.get(key, key) if "from" in turn else key: cell for key, cell in turn.items()}
    role = named.get("role")
    known = role.lower() if isinstance(role, str) else role
    named["role"] = _ROLES.get(known, known) if isinstance(known, str) else known
    if named.get("tool_calls") or named.get("function_call"):
        named.setdefault("content", None)
    return {key: cell for key, cell in named.items() if cell is not None or key == "content"}


Turns = Annotated[tuple[Turn, ...], BeforeValidator(_turns)]
"""A conversation."""

Text = Annotated[str | tuple[Turn, ...], BeforeValidator(_turns)]
"""A text, or a conversation."""


class Images:
    """The pictures of a row, which its messages name by their order."""

    def __init__(self, links: Sequence[str]) -> None:
        self._links = list(links)

    def next(self) -> str:
        """The next one, "" where there is none."""
        return self._links.pop(0) if self._links else ""

    def left(self) -> tuple[str, ...]:
        """Those that no message has taken."""
        return tuple(self._links)


def messages(turns: Sequence[Turn], images: Images | None = None) -> tuple[Message, ...]:
    """The messages of a conversation."""
    return tuple(turn.message(images) for turn in turns)
