"""What an edit is: an attribute with its two directions, and what it says when it does not apply.

    attribute.add("Bread needs time.", Random(0))     # "What a great question! Bread needs time."
    attribute.remove("Bread needs time.", Random(0))  # NoEdit("it is not there")

An edit that does not apply is no edit with effect zero: it is left out and counted, with its
reason. `add` applies to responses without the attribute and `remove` to those with it, so that a
mean over responses is the effect on those that can have it (the "treated" and "untreated" of RATE).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, NamedTuple

Direction = Literal["add", "remove"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("add", "remove")
OPPOSITE: Final[Mapping[Direction, Direction]] = {"add": "remove", "remove": "add"}


class NoEdit(NamedTuple):
    """Why there is no edited text; `settled` when no other editor could make one either."""

    reason: str
    settled: bool = False


THERE = NoEdit("it is there already", settled=True)
NOT_THERE = NoEdit("it is not there", settled=True)
NO_REFUSAL = NoEdit("it does not refuse", settled=True)

Edit = Callable[[str, Random], str | NoEdit]
"""A text to its edited text; the generator draws among phrases and places."""


@dataclass(frozen=True)
class Attribute:
    """Something that a response has or has not, and how either becomes the other.

    `means` says it to readers and to models that rewrite. `is_length` is an attribute that is
    itself length, for which a control of equal length would be the same thing again.
    """

    name: str
    means: str
    add: Edit
    remove: Edit
    is_length: bool = False

    def edit(self, direction: Direction) -> Edit:
        """The edit of that direction."""
        return self.add if direction == "add" else self.remove
