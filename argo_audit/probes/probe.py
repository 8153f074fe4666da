"""What a reward model pays when one attribute of a response is added or removed.

    probed = probe(reward_model, responses_of(pairs), chosen(["flattery", "hedging"]))
    effects(probed)                                    # of probes.effects: means, intervals

A probe asks the reward model itself, so it works where a rubric only claims: four texts a response
and edit (as it was, edited, edited back, padded to the same length) are four rewards. All texts of
many responses go to the reward model in one call.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from pydantic import Field

from argo_audit.errors import RewardModelError
from argo_audit.probes.edits.counterfactuals import Counterfactual, counterfactual
from argo_audit.probes.edits.edit import DIRECTIONS, Attribute, Direction
from argo_audit.probes.edits.passages import words
from argo_audit.records import Message, Pair, Record
from argo_audit.reward_models.asked import rewards_of
from argo_audit.roles import Recorded, RewardModel

_RESPONSES_AT_ONCE = 256  # about 20,000 texts


class Wanted(NamedTuple):
    """Which edits are made; without `padded`, none is compared with as many neutral words."""

    directions: tuple[Direction, ...] = DIRECTIONS
    padded: bool = True


EVERY_EDIT = Wanted()


class Response(Record):
    """One response to a prompt; `pair_id` names the pair whose other response it is compared with.

    `prompt_key` is the cluster for intervals.
    """

    id: str
    pair_id: str
    prompt_key: str
    prompt: tuple[Message, ...] = Field(min_length=1)
    text: str
    population: str = ""
    slices: dict[str, str] = Field(default_factory=dict)

    def saying(self, text: str) -> tuple[Message, ...]:
        """The prompt continued by another text."""
        return (*self.prompt, Message(role="assistant", content=text))


class ProbedEdit(Record):
    """An edit and the rewards of its texts; None where there is no such text.

    `words_added` is how many more words the edited text has than the original.
    """

    edit: Counterfactual
    reward: float | None = None
    reward_back: float | None = None
    reward_padded: float | None = None
    words_added: int = 0

    @property
    def change(self) -> float | None:
        """What the edit changed: edited minus edited back."""
        if self.reward is None or self.reward_back is None:
            return None
        return self.reward - self.reward_back

    @property
    def won(self) -> float | None:
        """1 where the edited text is paid more than the one edited back, 0.5 where as much."""
        return None if self.change is None else (self.change > 0) + (self.change == 0) / 2


class Probed(Record):
    """One response with its reward, and all its edits with theirs."""

    response_id: str
    pair_id: str
    prompt_key: str
    population: str
    slices: dict[str, str]
    words: int
    reward: float
    edits: tuple[ProbedEdit, ...]


class Edited(NamedTuple):
    """A response and its counterfactuals, before anything is paid."""

    response: Response
    edits: tuple[Counterfactual, ...]

    def conversations(self) -> list[tuple[Message, ...]]:
        """All that the reward model is asked about, each conversation once."""
        found = (text for edit in self.edits for text in (edit.edited, edit.back, edit.padded))
        texts = [self.response.text, *(text for text in found if text is not None)]
        return [self.response.saying(text) for text in dict.fromkeys(texts)]


def responses_of(pairs: Iterable[Pair]) -> tuple[Response, ...]:
    """Both responses of each pair, as "<pair id>/a" and "<pair id>/b".

    A response that calls tools is more than a text, and no edit of its text is an edit of it: it
    is not among them.
    """
    return tuple(
        Response(
            id=f"{pair.id}/{side}",
            pair_id=pair.id,
            prompt_key=pair.prompt_key,
            prompt=pair.prompt,
            text=text,
            population=pair.population,
            slices=pair.slices,
        )
        for pair in pairs
        for side, text, turns in (
            ("a", pair.response_a, pair.turns_a),
            ("b", pair.response_b, pair.turns_b),
        )
        if not turns
    )


def probe(
    reward_model: RewardModel,
    responses: Iterable[Response],
    attributes: Sequence[Attribute],
    seed: int = 0,
    wanted: Wanted = EVERY_EDIT,
) -> tuple[Probed, ...]:
    """Every response with every wanted edit by program that applies to it, and what each is paid.

    Edits that do not apply are there without a reward, with their reason. `seed` draws the phrases
    and places. Raises RewardModelError for recorded scores, which have none of an edited text.
    """
    check_live(reward_model)
    left, probed = iter(responses), []
    while batch := list(islice(left, _RESPONSES_AT_ONCE)):
        edited = [Edited(one, by_program(one, attributes, seed, wanted)) for one in batch]
        asked = [conversation for one in edited for conversation in one.conversations()]
        distinct = list(dict.fromkeys(asked))
        rewards = dict(zip(distinct, rewards_of(reward_model, distinct), strict=True))
        probed += [paid(one, rewards) for one in edited]
    return tuple(probed)


def check_live(reward_model: RewardModel) -> None:
    """Raise RewardModelError when it cannot be asked about texts that nobody has scored."""
    if isinstance(reward_model, Recorded):
        raise RewardModelError(
            f"{reward_model.name}: recorded scores have no reward of an edited response\n"
            "  Remedy: name the reward model itself: rm:MODEL, served:NAME@URL or "
            "dpo:POLICY|REFERENCE"
        )


def by_program(
    response: Response, attributes: Sequence[Attribute], seed: int, wanted: Wanted = EVERY_EDIT
) -> tuple[Counterfactual, ...]:
    """The response's counterfactuals without any model: each attribute in all wanted directions."""
    key = f"{seed}/{response.id}"
    made = (
        counterfactual(response.text, attribute, direction, key)
        for attribute in attributes
        for direction in wanted.directions
    )
    return tuple(one if wanted.padded else one.model_copy(update={"padded": None}) for one in made)


def paid(edited: Edited, rewards: Mapping[tuple[Message, ...], float]) -> Probed:
    """The response and its edits with the rewards of their conversations."""
    response = edited.response

    def reward(text: str | None) -> float | None:
        return None if text is None else rewards[response.saying(text)]

    length = words(response.text)
    return Probed(
        response_id=response.id,
        pair_id=response.pair_id,
        prompt_key=response.prompt_key,
        population=response.population,
        slices=response.slices,
        words=length,
        reward=rewards[response.saying(response.text)],
        edits=tuple(
            ProbedEdit(
                edit=edit,
                reward=reward(edit.edited),
                reward_back=reward(edit.back),
                reward_padded=reward(edit.padded),
                words_added=0 if edit.edited is None else words(edit.edited) - length,
            )
            for edit in edited.edits
        ),
    )
