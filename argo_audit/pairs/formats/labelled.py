"""What every format is read into: a pair with the labels that its row gives.

    >>> line = by_coin(user("Hi"), "Hello!", "Go away.", {"human": 1.0})
    >>> (line.response_a, line.labels["human"].p_a)
    ('Go away.', 0.0)

Where a row names the better response, a coin decides which becomes A, so that the letters carry no
merit. It is thrown with a fixed seed and the content of the pair, never its order: every command
sees the same letters, whatever its own seed, and exchanging `chosen` and `rejected` exchanges the
label and nothing else.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from argo_audit.records import Message, Pair, Probability, Record, fingerprint

BOTH_BAD = "both bad"
SEED = 0

Prompt = tuple[Message, ...]


class Target(Record):
    """A label without its pair and source."""

    p_a: Probability
    rewards: tuple[float, float] | None = None


class LabelledPair(Pair):
    """A pair that can be judged, with its labels by source: one line of the native format."""

    labels: dict[str, Target] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        if not self.response_a.strip():
            raise ValueError("the first response is empty")
        if not self.response_b.strip():
            raise ValueError("the second response is empty")
        if self.response_a == self.response_b:
            raise ValueError("the two responses are identical")
        return self

    def labelled(self) -> "LabelledPair":
        """This."""
        return self

    def to_pair(self) -> Pair:
        """The pair alone."""
        return Pair(**{name: getattr(self, name) for name in Pair.model_fields})

    def to_json(self) -> str:
        """The same content gives the same text."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)


class Row(Record):
    """A row of a format that others define: its other columns are none of our business."""

    model_config = ConfigDict(extra="ignore")

    def labelled(self) -> LabelledPair:
        """The pair and the labels; raises ValueError where the row makes none."""
        raise NotImplementedError


@dataclass(frozen=True)
class PairFormat:
    """A format by name.

    `row` models a row; a row that has its columns is of this format, if `recognises` agrees.
    Formats of this project are `ours`: types are exact and ids are unique. Files of others have
    numbers in quotes and ids that repeat.
    """

    name: str
    row: type[Row] | type[LabelledPair]
    recognises: Callable[[Mapping[str, object]], bool] = lambda row: True
    ours: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a row must have."""
        fields = self.row.model_fields.items()
        return tuple(name for name, field in fields if field.is_required())

    def describes(self, row: Mapping[str, object]) -> bool:
        """Whether the row is of this format."""
        return all(column in row for column in self.columns) and self.recognises(row)

    def read(self, text: str) -> LabelledPair:
        """One row, as JSON. Raises ValueError, pydantic's ValidationError among it."""
        return self.row.model_validate_json(text, strict=self.ours or None).labelled()


def user(text: str) -> Prompt:
    """A prompt of one message."""
    return (Message(role="user", content=text),)


def content_id(prompt: Prompt, responses: tuple[str, str]) -> str:
    """Identifies a pair by its content; the same when the letters are exchanged. 16 hex digits."""
    turns = (message.key for message in prompt)
    return fingerprint("\x1e".join((*turns, "", *sorted(responses))), 16)


def by_coin(
    prompt: Prompt,
    chosen: str,
    rejected: str,
    labels: Mapping[str, float | Target],
    **fields: object,
) -> LabelledPair:
    """A pair whose letters are drawn; `labels` are of the chosen response as if it were A.

    `fields` are the other fields of the pair: `id`, `population`, `slices`.
    """
    for name, text in (("chosen", chosen), ("rejected", rejected)):
        if not text.strip():
            raise ValueError(f"the {name} response is empty")
    key = content_id(prompt, (chosen, rejected))
    flips = _first_is_a(key) != (chosen < rejected)
    return labelled_pair(
        prompt,
        (rejected, chosen) if flips else (chosen, rejected),
        {name: _flipped(label) if flips else label for name, label in labels.items()},
        **fields | {"id": fields.get("id") or key},
    )


def labelled_pair(
    prompt: Prompt,
    responses: tuple[str, str],
    labels: Mapping[str, float | Target],
    **fields: object,
) -> LabelledPair:
    """A pair whose letters are those of the file; without an id it has that of its content."""
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    targets = {
        name: label if isinstance(label, Target) else Target(p_a=label)
        for name, label in labels.items()
    }
    pair = {"prompt": prompt, "response_a": responses[0], "response_b": responses[1]}
    if "id" not in given:
        given["id"] = content_id(prompt, responses)
    return LabelledPair.model_validate(pair | given | {"labels": targets})


def models(first: str | None, second: str | None) -> dict[str, str]:
    """A slice that names both models in alphabetical order: right whichever letter they have."""
    return {"models": " vs ".join(sorted((first, second)))} if first and second else {}


def _first_is_a(key: str) -> bool:
    """The coin: whether the alphabetically first response is A."""
    return int(fingerprint(f"{SEED}:{key}", 2), 16) % 2 == 0


def _flipped(label: float | Target) -> Target:
    target = label if isinstance(label, Target) else Target(p_a=label)
    rewards = target.rewards and (target.rewards[1], target.rewards[0])
    return Target(p_a=1 - target.p_a, rewards=rewards)
