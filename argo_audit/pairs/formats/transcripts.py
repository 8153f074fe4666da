r"""Conversations that were written as one text, with marks before each turn.

    >>> transcript("\n\nHuman: Hi\n\nAssistant: Hello!")[1].content
    'Hello!'
    >>> [turn.role for turn in asked("\n\nHuman: Hi\n\nAssistant: Yo\n\nHuman: Why?\n\nAssistant:")]
    ['user', 'assistant', 'user']

A prompt is taken for a transcript only where it begins with the mark of a turn and ends with the
one that the answer is to follow: people paste conversations into questions.
"""

import re

from argo_audit.pairs.formats.labelled import Prompt, user
from argo_audit.records import Message

_TURN = re.compile(r"\n\n(Human|Assistant):")
_SPOKEN = re.compile(r"\n\n(Human|User|Assistant|System): ?")
_ROLES = {"Human": "user", "User": "user", "Assistant": "assistant", "System": "system"}
_CHATML = re.compile(r"<\|im_start\|>(system|user|assistant|tool)\n(.*?)<\|im_end\|>\s*", re.DOTALL)
_CHATML_END = "<|im_end|>"
_CHATML_OPEN = "<|im_start|>assistant"
_STEERED = re.compile(r"<extra_id_1>(User|Assistant)\n")
_INST = re.compile(r"\s*(?:<s>\s*)?\[INST\](.*)\[/INST\]\s*", re.DOTALL)
_SYS = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>(.*)", re.DOTALL)


def transcript(text: str) -> Prompt:
    r"""The messages of a transcript with "\n\nHuman:" and "\n\nAssistant:" before each turn."""
    start, *rest = _TURN.split(text)
    if start.strip() or not rest or rest[0] != "Human":
        raise ValueError('the transcript does not start with "\\n\\nHuman:"')
    return tuple(
        _message(_ROLES[name], content) for name, content in zip(rest[::2], rest[1::2], strict=True)
    )


def is_transcript(text: object) -> bool:
    """Whether a text looks like one."""
    return isinstance(text, str) and text.lstrip().startswith("Human:") and text.startswith("\n\n")


def asked(text: str) -> Prompt:
    """The prompt that a text is: one turn of the user, or those of a transcript."""
    for read in (_spoken, _chatml, _instructed, _steered):
        if (turns := read(text)) is not None:
            return turns
    return user(text)


def _message(role: str, content: str) -> Message:
    return Message.model_validate({"role": role, "content": content.strip()})


def _spoken(text: str) -> Prompt | None:
    """Human and Assistant (or User), the last mark without words after it."""
    start, *rest = _SPOKEN.split(f"\n\n{text.strip()}")
    turns = [_message(_ROLES[name], said) for name, said in zip(rest[::2], rest[1::2], strict=True)]
    if start.strip() or len(turns) < 2 or turns[-1].role != "assistant" or turns[-1].content:
        return None
    return tuple(turns[:-1])


def _chatml(text: str) -> Prompt | None:
    if not text.lstrip().startswith("<|im_start|>"):
        return None
    end = text.rfind(_CHATML_END) + len(_CHATML_END) if _CHATML_END in text else 0
    whole, rest = text[:end], text[end:]  # a turn that is never closed is not looked for to the end
    turns = tuple(_message(role, said) for role, said in _CHATML.findall(whole))
    if (_CHATML.sub("", whole) + rest).strip() not in ("", _CHATML_OPEN) or not turns:
        raise ValueError("the prompt is written in a chat template and cannot be read back")
    return turns


def _instructed(text: str) -> Prompt | None:
    """One turn of Llama 2 or Mistral; several are refused, since their answers have no marks."""
    found = _INST.fullmatch(text)
    if found is None:
        return None
    if "[/INST]" in found[1]:
        raise ValueError("the prompt is written in a chat template and cannot be read back")
    system = _SYS.fullmatch(found[1])
    if system is None:
        return user(found[1].strip())
    return (_message("system", system[1]), _message("user", system[2]))


def _steered(text: str) -> Prompt | None:
    """HelpSteer2's marks; the first turn, of the user, has none."""
    start, *rest = _STEERED.split(text)
    if not rest:
        return None
    turns = [_message("user", start)] if start.strip() else []
    turns += [
        _message(_ROLES[name], said) for name, said in zip(rest[::2], rest[1::2], strict=True)
    ]
    return tuple(turns[:-1] if turns[-1].role == "assistant" and not turns[-1].content else turns)
