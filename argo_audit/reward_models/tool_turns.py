"""Turns that use tools, as chat templates and servers take them, and the check that they show them.

    turns = [template_turn(message) for message in conversation]
    check_tools_shown(conversation, text_of_the_template)

Templates take the arguments of a call as an object, servers as text. A template that knows nothing
of tools leaves them out without a word, and the reward would be that of another conversation.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from argo_audit.errors import RewardModelError
from argo_audit.records import Message, ToolCall
from argo_audit.roles import Conversation

_WORD = re.compile(r"[^\W\d_]{2,}")


def template_turn(message: Message) -> dict[str, object]:
    """A turn as chat templates take it."""
    calls: list[dict[str, object]] = []
    for call in message.tool_calls:
        asked = {"name": call.name, "arguments": call.decoded}
        own = {"id": call.id} if call.id else {}
        calls.append({"type": "function", "function": asked, **own})
    return _turn(message, calls)


def server_turn(message: Message) -> dict[str, Any]:
    """A turn as servers take it: every call has an id."""
    calls: list[dict[str, object]] = [
        {
            "type": "function",
            "id": call.id or f"call_{number}",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for number, call in enumerate(message.tool_calls)
    ]
    return _turn(message, calls)


def check_tools_shown(conversation: Conversation, text: str) -> None:
    """Raise RewardModelError where a template's text leaves out what a conversation has of tools.

    By its words: templates quote what tools say in ways of their own.
    """
    for message in conversation:
        calls = (part for call in message.tool_calls for part in (call.name, call.plain))
        result = message.content if message.role == "tool" else ""
        told = "\n".join((*calls, result, _names(message.tools)))
        if any(word not in text for word in set(_WORD.findall(told))):
            raise RewardModelError(
                "the chat template leaves out tools, calls of tools, or what tools said\n"
                "  Remedy: audit pairs without tools, or a model whose template knows them"
            )


def texts_of(message: Message) -> Iterator[str]:
    """All that a turn puts into a template."""
    yield from (message.content, _plain(message.tools), message.name, message.tool_call_id)
    for call in message.tool_calls:
        yield from (call.name, call.plain, call.id)


def with_texts(message: Message, change: Callable[[str], str]) -> Message:
    """The turn with every one of its texts changed."""
    names = ("content", "name", "tool_call_id")
    changed = {name: change(getattr(message, name)) for name in names}
    calls = tuple(_changed(call, change) for call in message.tool_calls)
    tools = change(_plain(message.tools))
    return message.model_copy(update=changed | {"tools": tools, "tool_calls": calls})


def _changed(call: ToolCall, change: Callable[[str], str]) -> ToolCall:
    texts = {"name": call.name, "arguments": call.plain, "id": call.id}
    return call.model_copy(update={name: change(text) for name, text in texts.items()})


def _turn(message: Message, calls: list[dict[str, object]]) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    own = {"tool_call_id": message.tool_call_id, "name": message.name, "tool_calls": calls}
    return turn | {name: value for name, value in own.items() if value}


def _plain(tools: str) -> str:
    """Definitions without escapes that hide what they say; the text itself where it is no JSON."""
    try:
        return json.dumps(json.loads(tools), ensure_ascii=False) if tools else ""
    except (ValueError, RecursionError):
        return tools


def _names(tools: str) -> str:
    """The names of the tools that are defined."""
    defined = json.loads(tools) if tools else []
    return " ".join(str(tool.get("function", tool).get("name", "")) for tool in defined)
