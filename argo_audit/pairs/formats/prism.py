"""PRISM, HannahRoseKirk/prism-alignment: conversations with several models, each answer scored.

- prism: `conversations.jsonl`, a row for each conversation, its turns in `conversation_history`;
- prism-utterances: `utterances.jsonl`, a row for each answer; those of a conversation follow each
  other.

Every two answers of a turn make a pair: the one with the higher `score` (1 to 100) is better, equal
scores tie. The prompt is what was asked then, after the answers that were chosen (`if_chosen`).
Letters are drawn.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from argo_audit.pairs.formats.labelled import (
    Answer,
    LabelledPair,
    Prompt,
    Rated,
    Read,
    compared,
)
from argo_audit.pairs.formats.rows import Open, PairFormat, Row
from argo_audit.records import HUMAN, Message


class _Said(NamedTuple):
    """One turn: what was asked, and the answers with whether each was chosen."""

    asked: str
    answers: list[tuple[Rated, bool]]


class _Entry(Open):
    turn: int
    role: Literal["user", "model"]
    content: str
    score: float | None = None
    if_chosen: bool | None = None
    model_name: str | None = None


class _Prism(Row):
    conversation_id: str
    conversation_history: tuple[_Entry, ...]
    conversation_type: str = ""

    def read(self) -> Read:
        """Every two answers of each turn."""
        turns = []
        for _, group in groupby(self.conversation_history, key=lambda entry: entry.turn):
            entries = list(group)
            asked = [entry.content for entry in entries if entry.role == "user"]
            if len(asked) != 1:
                raise ValueError(f"turn {entries[0].turn} has {len(asked)} questions, not one")
            turns.append(_Said(asked[0], [_answer(e) for e in entries if e.role == "model"]))
        return _pairs(self.conversation_id, self.conversation_type, turns)


def _answer(entry: _Entry) -> tuple[Rated, bool]:
    if entry.score is None:
        raise ValueError(f"an answer of turn {entry.turn} has no score")
    return Rated(Answer(entry.content), entry.score, entry.model_name), bool(entry.if_chosen)


class _Utterance(Open):
    conversation_id: str
    turn: int
    user_prompt: str
    model_response: str
    score: float
    if_chosen: bool
    model_name: str | None = None
    conversation_type: str = ""


class _Utterances(Row):
    rows: tuple[_Utterance, ...]

    def read(self) -> Read:
        """Every two answers of each turn."""
        kinds = {row.conversation_type for row in self.rows}
        if len(kinds) > 1:
            raise ValueError("the rows of one conversation differ in conversation_type")
        turns = []
        ordered = sorted(self.rows, key=lambda row: row.turn)
        for turn, group in groupby(ordered, key=lambda row: row.turn):
            rows = list(group)
            if len({row.user_prompt for row in rows}) != 1:
                raise ValueError(f"the answers of turn {turn} are to different questions")
            answers = [
                (Rated(Answer(r.model_response), r.score, r.model_name), r.if_chosen) for r in rows
            ]
            turns.append(_Said(rows[0].user_prompt, answers))
        return _pairs(self.rows[0].conversation_id, kinds.pop(), turns)


def _pairs(id: str, kind: str, turns: Sequence[_Said]) -> Read:
    pairs, left_out = list[LabelledPair](), list[str]()
    for number, (prompt, answers) in enumerate(_asked(turns), 1):
        if prompt is None:
            left_out.append(f"turn {number}: no one answer was chosen before it to go on from")
            continue
        try:
            found = compared(
                prompt,
                answers,
                HUMAN,
                id=f"{id}-{number}",
                slices={"kind": kind} if kind else {},
            )
        except ValueError as error:
            left_out.append(f"turn {number}: {error}")
        else:
            pairs += found.pairs
            left_out += [f"turn {number}: {why}" for why in found.left_out]
    if not pairs:
        raise ValueError(left_out[0] if left_out else "there are no two answers to compare")
    return Read(tuple(pairs), tuple(left_out))


def _asked(turns: Sequence[_Said]) -> Iterator[tuple[Prompt | None, list[Rated]]]:
    """The prompt of each turn with its answers; the conversation goes on from the chosen one.

    Several that say the same are one. The prompt is None where what was before it is not known.
    """
    before: Prompt | None = ()
    for turn in turns:
        asked = Message(role="user", content=turn.asked)
        prompt = None if before is None else (*before, asked)
        yield prompt, [rated for rated, _ in turn.answers]
        chosen = {rated.answer.text for rated, chosen in turn.answers if chosen}
        if prompt is None or len(chosen) != 1:
            before = None
        else:
            before = (*prompt, Message(role="assistant", content=chosen.pop()))


PRISM = PairFormat(
    "prism",
    _Prism,
    drawn=True,
    data_sets="HannahRoseKirk/prism-alignment, conversations",
    reads="`conversation_history`: every two answers of a turn by `score` -> human, ties, after "
    "the chosen answers (`if_chosen`); slices `kind` (`conversation_type`), `models`",
    leaves="`user_id`, `performance_attributes`, `choice_attributes`, `open_feedback` and others",
)
PRISM_UTTERANCES = PairFormat(
    "prism-utterances",
    _Utterances,
    drawn=True,
    together="conversation_id",
    needs=("conversation_id", "turn", "user_prompt", "model_response", "score", "if_chosen"),
    data_sets="HannahRoseKirk/prism-alignment, utterances",
    reads="the same, from consecutive rows of one conversation: `user_prompt`, `model_response`",
    leaves="`utterance_id`, `interaction_id`, `user_id`, `within_turn_id`, `model_provider`",
)
