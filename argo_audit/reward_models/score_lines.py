"""The lines of a file of recorded scores: what each may be, and how they are read.

for number, line in lines_of(Path("scores.jsonl.gz")):
score = parsed_score(path, number, line)
"""

import zlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from argo_audit.errors import InputError, brief, problems
from argo_audit.outside.caps import read_whole, unpacked
from argo_audit.records import Message, Record

_GZIP_MAGIC = b"\x1f\x8b"
_LINE_REMEDY = (
    'write {"pair_id", "reward_a", "reward_b"} (A and B as the pairs are written by this program), '
    '{"pair_id", "reward_chosen", "reward_rejected"} or {"conversation", "reward"}, '
    "one JSON object a line, rewards finite numbers"
)


class PairScore(Record):
    """One line: the rewards of both responses of a pair."""

    pair_id: str
    reward_a: float
    reward_b: float


class ChosenScore(Record):
    """One line: the rewards of a pair by which response its label prefers."""

    pair_id: str
    reward_chosen: float
    reward_rejected: float


class ConversationScore(Record):
    """One line: the reward of one conversation."""

    conversation: tuple[Message, ...]
    reward: float


def _kind(line: object) -> str:
    if not isinstance(line, dict) or "pair_id" not in line:
        return "conversation"
    return "chosen" if line.keys() & {"reward_chosen", "reward_rejected"} else "pair"


Letter = Literal["A", "B"]
Score = PairScore | ChosenScore | ConversationScore
_SCORE: TypeAdapter[Score] = TypeAdapter(
    Annotated[
        Annotated[PairScore, Tag("pair")]
        | Annotated[ChosenScore, Tag("chosen")]
        | Annotated[ConversationScore, Tag("conversation")],
        Discriminator(_kind),
    ]
)


def lines_of(path: Path) -> list[tuple[int, str]]:
    """The non-blank lines of a JSONL or gzipped JSONL file, numbered from 1."""
    try:
        data = read_whole(path)
        text = (unpacked(data, path) if data.startswith(_GZIP_MAGIC) else data).decode()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(
            path, f"cannot be read: {brief(error)}", "give a complete UTF-8 JSONL or JSONL.gz file"
        ) from error
    # not splitlines(): JSON strings may hold U+2028, which it would take for a line's end
    return [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]


def parsed_score(path: Path, number: int, line: str) -> Score:
    """One line as the score that it is. Raises InputError."""
    try:
        return _SCORE.validate_json(line)
    except ValidationError as error:
        found = problems(error)[0]
        _, _, where = found.where.partition(".")  # after which of the shapes of a line it is
        problem = str(found._replace(where=where))
        raise InputError(path, problem, _LINE_REMEDY, number) from error
