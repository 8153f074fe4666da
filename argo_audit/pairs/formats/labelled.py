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
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from argo_audit.records import Message, Pair, Probability, Record, fingerprint

BOTH_BAD = "both bad"
SEED = 0

_PAIR_FIELDS = set(Pair.model_fields)
Prompt = tuple[Message, ...]
_MOST_ANSWERS = 64  # to one prompt: every two of them make a pair


class Target(Record):
    """A label without its pair and source."""

    p_a: Probability
    rewards: tuple[float, float] | None = None

    def flipped(self) -> "Target":
        """The same with the letters exchanged."""
        rewards = self.rewards and (self.rewards[1], self.rewards[0])
        return Target(p_a=1 - self.p_a, rewards=rewards)


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
        content = {name: getattr(self, name) for name in _PAIR_FIELDS}
        return Pair.model_construct(_PAIR_FIELDS, **content)  # validated already

    def to_json(self) -> str:
        """The same content gives the same text."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)


class Shared:
    """What is the same in many pairs, kept once: half of what a short pair takes besides its texts.

    Each record has a set of the fields that it was given, and a pair a dict of labels, of which
    there are a few in a whole file.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self._fields: dict[frozenset[str], set[str]] = {}
        self._labels: dict[tuple[object, ...], Mapping[str, Target]] = {}

    def lean(self, line: LabelledPair) -> LabelledPair:
        """The same pair, which now holds what others hold too."""
        known = tuple((name, *vars(target).values()) for name, target in line.labels.items())
        if len(self._labels) < _MOST_KNOWN:
            vars(line)["labels"] = self._labels.setdefault(known, line.labels)
        else:
            vars(line)["labels"] = self._labels.get(known, line.labels)
        for record in (line, *line.prompt, *line.turns_a, *line.turns_b, *line.labels.values()):
            given = record.model_fields_set
            fields = self._fields.setdefault(frozenset(given), given)
            object.__setattr__(record, "__pydantic_fields_set__", fields)  # frozen, for others
        return line


_MOST_KNOWN = 1_000


class Answer(NamedTuple):
    """A response; `turns` are those of one that is more than a text."""

    text: str
    turns: tuple[Message, ...] = ()


class Rated(NamedTuple):
    """One of several answers to a prompt, and how good it is: more is better."""

    answer: Answer
    score: float
    model: str | None = None


class Read(NamedTuple):
    """What a row gives: pairs, and why others that it might have given are not among them."""

    pairs: tuple[LabelledPair, ...]
    left_out: tuple[str, ...] = ()


def user(text: str) -> Prompt:
    """A prompt of one message."""
    return (Message(role="user", content=text),)


def content_id(prompt: Prompt, responses: tuple[str, str]) -> str:
    """Identifies a pair by its content; the same when the letters are exchanged. 16 hex digits."""
    turns = (message.key for message in prompt)
    return fingerprint("\x1e".join((*turns, "", *sorted(responses))), 16)


def by_coin(
    prompt: Prompt,
    chosen: str | Answer,
    rejected: str | Answer,
    labels: Mapping[str, float | Target],
    **fields: object,
) -> LabelledPair:
    """A pair whose letters are drawn; `labels` are of the chosen response as if it were A.

    `fields` are the other fields of the pair: `id`, `population`, `slices`.
    """
    first, second = _answer(chosen), _answer(rejected)
    for name, answer in (("chosen", first), ("rejected", second)):
        if not answer.text.strip():
            raise ValueError(f"the {name} response is empty")
    key = content_id(prompt, (first.text, second.text))
    flips = _first_is_a(key) != (first.text < second.text)
    return labelled_pair(
        prompt,
        (second, first) if flips else (first, second),
        {name: _flipped(label) if flips else label for name, label in labels.items()},
        **fields | {"id": fields.get("id") or key},
    )


def labelled_pair(
    prompt: Prompt,
    responses: tuple[str | Answer, str | Answer],
    labels: Mapping[str, float | Target],
    **fields: object,
) -> LabelledPair:
    """A pair whose letters are those of the file; without an id it has that of its content."""
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    targets = {
        name: label if isinstance(label, Target) else Target(p_a=label)
        for name, label in labels.items()
    }
    a, b = map(_answer, responses)
    pair = {"prompt": prompt, "response_a": a.text, "response_b": b.text}
    turns = {name: of for name, of in (("turns_a", a.turns), ("turns_b", b.turns)) if of}
    if "id" not in given:
        given["id"] = content_id(prompt, (a.text, b.text))
    return LabelledPair.model_validate(pair | turns | given | {"labels": targets})


def compared(
    prompt: Prompt,
    answers: Sequence[Rated],
    source: str,
    *,
    rewards: bool = False,
    id: str | None = None,
    slices: Mapping[str, str] | None = None,
) -> Read:
    """Every two of several answers to one prompt, the better one preferred; equals are a tie.

    With `rewards` the scores are kept as those of the source. Two answers that say the same, or
    nothing, make no pair.
    """
    if len(answers) > _MOST_ANSWERS:
        problem = f"{len(answers)} answers to one prompt: more than {_MOST_ANSWERS} make too many"
        raise ValueError(f"{problem} pairs")
    pairs, left_out = [], []
    for (i, one), (j, two) in combinations(enumerate(answers, 1), 2):
        p = 0.5 + 0.5 * ((one.score > two.score) - (one.score < two.score))
        label = Target(p_a=p, rewards=(one.score, two.score) if rewards else None)
        own = {**(slices or {}), **models(one.model, two.model)}
        named = id and f"{id}-{i}-{j}"
        try:
            pairs.append(
                by_coin(prompt, one.answer, two.answer, {source: label}, id=named, slices=own)
            )
        except ValueError as error:
            left_out.append(f"answers {i} and {j}: {plain_problem(error)}")
    if not pairs:
        raise ValueError(left_out[0] if left_out else "there are no two answers to compare")
    return Read(tuple(pairs), tuple(left_out))


def plain_problem(error: ValueError) -> str:
    """What a pair lacks, in its own words."""
    return str(error).partition("Value error, ")[2].partition(" [")[0] or str(error)


def models(first: str | None, second: str | None) -> dict[str, str]:
    """A slice that names both models in alphabetical order: right whichever letter they have."""
    return {"models": " vs ".join(sorted((first, second)))} if first and second else {}


def _answer(given: str | Answer) -> Answer:
    return given if isinstance(given, Answer) else Answer(given)


def _first_is_a(key: str) -> bool:
    """The coin: whether the alphabetically first response is A."""
    return int(fingerprint(f"{SEED}:{key}", 2), 16) % 2 == 0


def _flipped(label: float | Target) -> Target:
    target = label if isinstance(label, Target) else Target(p_a=label)
    return target.flipped()
