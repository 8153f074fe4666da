r"""Fences around hostile text in a judge prompt: written here, and read back here.

    >>> nonce = new_nonce(["Be brief.", "Hi"])
    >>> message = fence("RUBRIC", "Be brief.", nonce) + "\n" + fence("RESPONSE A", "Hi", nonce)
    >>> read_fences(message)
    {'RUBRIC': 'Be brief.', 'RESPONSE A': 'Hi'}

A response may contain anything, also lines that look like fences. So every fence carries a
nonce that occurs in none of the fenced texts: nothing inside can close a fence or open another.
The nonce is a hash of the texts, not a random number: the same question is the same prompt, and
a model's cache can answer it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import count

from argo_audit.records import Message, fingerprint

_OPENING = re.compile(r"^<<<(?!END )([A-Z][A-Z ]*) ([0-9a-f]+)>>>$", re.MULTILINE)
_CLOSING = re.compile(r"\n<<<END ([A-Z][A-Z ]*) ([0-9a-f]+)>>>")
_ROLES = r"(system|user|human|assistant)"
_ROLE = re.compile(
    rf"^[ \t]{{0,3}}[\[<#*]{{1,4}} ?{_ROLES} ?[\]>*]{{0,4}}:?[*]{{0,2}}[ \t]*$|^{_ROLES}:",
    re.IGNORECASE | re.MULTILINE,
)
_NONCE_LENGTH = 16


def new_nonce(texts: Iterable[str]) -> str:
    """A hex string that is a function of `texts` (in order) and occurs in none of them."""
    texts = tuple(texts)
    seed = "\x1e".join(texts)
    for salt in range(len(seed) + 1):  # a text of n characters cannot hold n + 1 nonces
        nonce = fingerprint(f"{salt}\x1f{seed}", _NONCE_LENGTH)
        if not any(nonce in text for text in texts):
            return nonce
    raise AssertionError("unreachable: more nonces than places for them")


def fence(kind: str, text: str, nonce: str) -> str:
    """`text` between the opening and closing lines of `kind`, unchanged."""
    return f"<<<{kind} {nonce}>>>\n{text}\n<<<END {kind} {nonce}>>>"


def read_fences(message: str) -> dict[str, str]:
    """The fenced texts of a prompt by kind, exactly as they were given to `fence`.

    The first opening line that is closed decides the nonce; fences with another nonce are text.
    An empty dict when there is no closed fence.
    """
    closed: dict[tuple[str, ...], list[int]] = {}
    for closing in _CLOSING.finditer(message):
        closed.setdefault(closing.groups(), []).append(closing.start())
    found: dict[str, str] = {}
    nonce, position = None, 0
    while opening := _OPENING.search(message, position):
        kind, its_nonce = opening.groups()
        ends = closed.get(opening.groups(), [])
        after = bisect_left(ends, opening.end())
        position = opening.end()
        if after < len(ends) and nonce in (None, its_nonce):
            nonce, position = its_nonce, ends[after]
            found.setdefault(kind, message[opening.end() + 1 : position])
    return found


def render_messages(messages: Sequence[Message]) -> str:
    """A conversation as text: each turn under a role line such as `[user]`.

    A turn's images follow its text as lines such as `[image 1]`, numbered through; tools that are
    at hand come first, and calls of tools follow the text that makes them.
    """
    numbers, turns = count(1), []
    for message in messages:
        if message.tools:
            turns.append(f"[tools]\n{message.tools}")
        role = f"{message.role} {message.name}" if message.name else message.role
        marks = "".join(f"\n[image {next(numbers)}]" for _ in message.images)
        turns.append(f"[{role}]\n{message.text}{marks}")
    return "\n\n".join(turns)


def last_request(rendered: str) -> str:
    """The last user turn of a rendered conversation; all of it where no role line is found.

    Lenient about how role lines look (`[user]`, `User: ...`, `## Human`), because people edit
    prompts.
    """
    end = len(rendered)
    for turn in reversed(list(_ROLE.finditer(rendered))):
        if (turn[1] or turn[2]).lower() in ("user", "human"):
            return rendered[turn.end() : end].strip()
        end = turn.start()
    return rendered.strip()
