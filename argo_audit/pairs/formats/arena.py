"""Votes of the Chatbot Arena, as its two kinds of release write them.

- arena-55k: lmarena-ai/arena-human-preference-55k, also Kaggle's "LMSYS - Chatbot Arena Human
  Preference Predictions": `prompt`, `response_a`, `response_b` are JSON lists with an entry for
  each turn; exactly one of `winner_model_a`, `winner_model_b`, `winner_tie` is 1.
- arena-140k: lmarena-ai/arena-human-preference-140k, its 100k sibling and
  lmsys/chatbot_arena_conversations: `conversation_a`, `conversation_b` are messages (with parts in
  140k); `winner` is model_a, model_b, tie or both_bad.

Both ties are 0.5; the slice `tie` keeps "both bad" apart. The slice `models` names the two models
in alphabetical order, so that it stays right when the letters are exchanged. The letters are those
of the file: the arena drew them.

In a battle of several turns each model answered its own conversation. The last responses then have
no prompt in common, and the row is refused; `--skip-invalid` leaves such rows out and counts them.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator

from argo_audit.pairs.formats.conversations import parted
from argo_audit.pairs.formats.labelled import (
    BOTH_BAD,
    LabelledPair,
    labelled_pair,
    models,
)
from argo_audit.pairs.formats.rows import PairFormat, Row
from argo_audit.pairs.formats.turns import Turns, messages, parsed
from argo_audit.records import HUMAN, Message


def _listed(value: object) -> object:
    return parsed(value) if isinstance(value, str) else value


_Texts = Annotated[tuple[str | None, ...], BeforeValidator(_listed)]


class _Arena55k(Row):
    id: str | int | None = None
    model_a: str | None = None
    model_b: str | None = None
    prompt: _Texts
    response_a: _Texts
    response_b: _Texts
    winner_model_a: float
    winner_model_b: float
    winner_tie: float

    def labelled(self) -> LabelledPair:
        outcomes = (self.winner_model_a, self.winner_tie, self.winner_model_b)
        if sorted(outcomes) != [0, 0, 1]:
            raise ValueError("not exactly one of the winner columns is 1")
        prompt, responses = parted(
            _conversation(self.prompt, self.response_a), _conversation(self.prompt, self.response_b)
        )
        return labelled_pair(
            prompt,
            responses,
            {HUMAN: (1.0, 0.5, 0.0)[outcomes.index(1)]},
            id=None if self.id is None else str(self.id),
            slices=models(self.model_a, self.model_b),
        )


class _Arena140k(Row):
    id: str | int | None = None
    question_id: str | None = None
    model_a: str | None = None
    model_b: str | None = None
    winner: Literal["model_a", "model_b", "tie", "both_bad", "tie (bothbad)"]
    conversation_a: Turns
    conversation_b: Turns
    language: str | None = None
    is_code: bool | None = None

    def labelled(self) -> LabelledPair:
        prompt, responses = parted(messages(self.conversation_a), messages(self.conversation_b))
        given_id = self.question_id if self.id is None else self.id
        return labelled_pair(
            prompt,
            responses,
            {HUMAN: {"model_a": 1.0, "model_b": 0.0}.get(self.winner, 0.5)},
            id=None if given_id is None else str(given_id),
            slices=models(self.model_a, self.model_b) | self._slices(),
        )

    def _slices(self) -> dict[str, str]:
        slices = {
            "language": self.language or "",
            "code": "" if self.is_code is None else str(self.is_code).lower(),
            "tie": BOTH_BAD if self.winner in ("both_bad", "tie (bothbad)") else "",
        }
        return {name: text for name, text in slices.items() if text}


def _conversation(prompts: Sequence[str | None], responses: Sequence[str | None]) -> list[Message]:
    if len(prompts) != len(responses):
        raise ValueError(f"there are {len(prompts)} prompts and {len(responses)} responses")
    turns = []
    for prompt, response in zip(prompts, responses, strict=True):
        if prompt is None or response is None:
            raise ValueError("a prompt or response is null")
        turns += [
            Message(role="user", content=prompt),
            Message(role="assistant", content=response),
        ]
    return turns


ARENA_55K = PairFormat(
    "arena-55k",
    _Arena55k,
    data_sets="lmarena-ai/arena-human-preference-55k, Kaggle's LMSYS competition",
    reads="`prompt`, `response_a`, `response_b` as JSON lists of turns; `winner_*` -> human, ties; "
    "`id`; slice `models`",
)
ARENA_140K = PairFormat(
    "arena-140k",
    _Arena140k,
    data_sets="lmarena-ai/arena-human-preference-140k and -100k, lmsys/chatbot_arena_conversations",
    reads="`conversation_a`, `conversation_b`; `winner` -> human, ties; `id`, `question_id`; "
    "slices `models`, `language`, `code` (`is_code`), `tie`",
    leaves="`full_conversation`, `conv_metadata`, `category_tag`, `timestamp`, `judge`, `turn`, "
    "`evaluation_order`, `evaluation_session_id`, `anony`, `tstamp`, `*_moderation`",
)
