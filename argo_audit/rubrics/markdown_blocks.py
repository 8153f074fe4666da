r"""A text's blocks as markdown sees them, read off the parser's tokens as they come.

    >>> with blocks_of("- **be** brief\n- be kind\n") as read:
    ...     [read.plain(item) for item in read.inside(read.outermost[0])]
    ['be brief', 'be kind']

A block is the range of its tokens, its first and last included. A tree of nodes would be as large
again, and its nodes, which know each other, would lie in memory until garbage is looked for.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")


@contextmanager
def blocks_of(text: str) -> "Iterator[Blocks]":
    """The blocks of a text; garbage is not looked for meanwhile.

    A short line makes twenty objects, none of them garbage: to look through all of them again and
    again is more than half of the time that a long text takes.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield Blocks(_PARSER.parse(text))
    finally:
        if on:
            gc.enable()


class Blocks:
    """The blocks of one text."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        """`tokens` are those of a whole text."""
        self._tokens = tokens
        self._last = list(range(len(tokens)))
        self._parent = [-1] * len(tokens)
        begun: list[int] = []
        for place, token in enumerate(tokens):
            if token.nesting < 0:
                self._last[begun.pop()] = place
            self._parent[place] = begun[-1] if begun else -1
            if token.nesting > 0:
                begun.append(place)

    @property
    def outermost(self) -> list[range]:
        """The blocks that stand in no other, in order."""
        return self._beside(0, len(self._tokens))

    def inside(self, block: range) -> list[range]:
        """The blocks in a block, in order."""
        return self._beside(block.start + 1, block.stop - 1)

    def _beside(self, start: int, stop: int) -> list[range]:
        found = []
        while start < stop:
            found.append(range(start, self._last[start] + 1))
            start = self._last[start] + 1
        return found

    def every(self, *kinds: str) -> Iterator[tuple[range, int]]:
        """The blocks of some kinds in the order of the text, each with a number of its parent."""
        for place, token in enumerate(self._tokens):
            if token.nesting > 0 and _kind(token) in kinds and self._parent[place] >= 0:
                yield range(place, self._last[place] + 1), self._parent[place]

    def kind(self, block: range) -> str:
        """What it is, as the parser names it: "heading", "list_item", "tr"."""
        return _kind(self._tokens[block.start])

    def lines(self, block: range) -> tuple[int, int] | None:
        """The first line and the one behind the last, counting from 0, where they are known."""
        found = self._tokens[block.start].map
        return (found[0], found[1]) if found else None

    def plain(self, block: range) -> str:
        """The visible text: emphasis and code marks removed, white space folded."""
        words = (word for place in block for word in _words(self._tokens[place].children or ()))
        return " ".join("".join(words).split())


def _kind(token: Token) -> str:
    return token.type.removesuffix("_open")


def _words(tokens: Iterable[Token]) -> Iterator[str]:
    """What tokens within a line show; those of a picture are its description."""
    for token in tokens:
        if token.type in ("text", "code_inline"):
            yield token.content
        elif token.children:
            yield from _words(token.children)
