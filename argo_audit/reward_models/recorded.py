"""A reward model that is a file of its scores: audit what you cannot, or need not, run.

    model = RecordedRewardModel.read("scores.jsonl.gz", pairs)
    model.reward([conversation])          # looked up, never computed

Each line of the file, JSONL or gzipped JSONL, is one of

    {"pair_id": "p1", "reward_a": 1.5, "reward_b": -0.25}
    {"pair_id": "p1", "reward_chosen": 1.5, "reward_rejected": -0.25}
    {"conversation": [{"role": "user", "content": "Hi"}, ...], "reward": 1.5}

The first two kinds need the pairs they speak of, the second their labels too: where a file of pairs
says which response was chosen, the letters are drawn, and A need not be the chosen one. All end up
keyed by the conversation's text, so that a conversation has one reward wherever it appears. A file
that gives it two is refused, for a reward model is a function; but pairs are scored in batches,
whose padding and order change the last digits of 16-bit arithmetic, so rewards that differ by less
than a tenth of the spread are one reward: the first. Nothing here imports torch.
"""

import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from argo_audit.errors import InputError, RewardModelError
from argo_audit.files import write_whole_bytes
from argo_audit.outside.caps import read_whole
from argo_audit.records import Pair, fingerprint
from argo_audit.reward_models.checks.tolerance import COARSE
from argo_audit.reward_models.score_lines import (
    ChosenScore,
    ConversationScore,
    Letter,
    PairScore,
    Score,
    lines_of,
    parsed_score,
)
from argo_audit.roles import Conversation


def conversation_key(conversation: Conversation) -> str:
    """SHA-256 of all that the conversation shows, in order (64 hex digits)."""
    return fingerprint("\x1e".join(m.key for m in conversation), length=64)


class RecordedRewardModel:
    """Rewards looked up by conversation (role RewardModel).

    `unused` counts scores in the file that belong to none of the pairs it was read with.
    """

    def __init__(
        self, name: str, rewards: Mapping[str, float], *, digest: str = "", unused: int = 0
    ) -> None:
        """Serve `rewards`, keyed by `conversation_key`, under `name`."""
        self.name = name
        self.unused = unused
        self._rewards = rewards
        self._digest = digest

    @classmethod
    def read(
        cls,
        path: str | Path,
        pairs: Sequence[Pair] = (),
        *,
        name: str | None = None,
        chosen: Mapping[str, Letter] | None = None,
    ) -> "RecordedRewardModel":
        """Read a file of scores; every one of `pairs` must be scored by it.

        `chosen` is the letter of the response that each pair's label prefers, by pair id.
        The name is the file's, without suffixes, unless given. Raises InputError, with file and
        line, for what cannot be read, is not finite, appears twice, or is missing.
        """
        path = Path(path)
        table = _Table(path, pairs, chosen or {})
        for number, line in lines_of(path):
            table.add(number, parsed_score(path, number, line))
        table.check_one_each()
        table.check_complete()
        digest = hashlib.sha256(read_whole(path)).hexdigest()
        name = name or path.name.removesuffix(".gz").removesuffix(".jsonl")
        return cls(name, table.rewards, digest=digest, unused=table.unused)

    @property
    def recorded(self) -> int:
        """How many conversations have a reward."""
        return len(self._rewards)

    def fingerprint(self) -> str:
        """SHA-256 of the file of scores; empty when the scores came from no file."""
        return self._digest

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """The recorded reward of each conversation; RewardModelError when there is none."""
        keys = [conversation_key(conversation) for conversation in conversations]
        missing = sum(key not in self._rewards for key in keys)
        if missing:
            raise RewardModelError(
                f"{self.name}: no recorded score for {missing} of {len(keys)} conversations\n"
                "  Remedy: score every pair you audit, or audit only the pairs you scored"
            )
        return [self._rewards[key] for key in keys]


def write_scores(
    path: str | Path, pairs: Sequence[Pair], rewards: Sequence[tuple[float, float]]
) -> None:
    """Write one line per pair with its rewards (A, B); gzipped when the name ends in `.gz`.

    The file appears whole or not at all, and the same scores give the same bytes.
    """
    path = Path(path)
    scores = (
        PairScore(pair_id=pair.id, reward_a=a, reward_b=b)
        for pair, (a, b) in zip(pairs, rewards, strict=True)
    )
    data = "".join(f"{score.model_dump_json()}\n" for score in scores).encode()
    write_whole_bytes(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


class _Again(NamedTuple):
    """A conversation that has a reward already, and another one in this line."""

    line: int
    before: float
    here: float


class _Table:
    """Scores joined with the pairs they speak of, as the lines arrive."""

    def __init__(self, path: Path, pairs: Iterable[Pair], chosen: Mapping[str, Letter]) -> None:
        self.rewards: dict[str, float] = {}
        self.unused = 0
        self._path = path
        self._pairs = {pair.id: pair for pair in pairs}
        self._chosen = chosen
        self._seen: set[str] = set()
        self._gaps: list[float] = []
        self._again: list[_Again] = []

    def add(self, line: int, score: Score) -> None:
        if isinstance(score, ConversationScore):
            self._once(line, conversation_key(score.conversation), "conversation")
            self._keep(line, score.conversation, score.reward)
            return
        self._once(line, score.pair_id, f"pair_id {score.pair_id!r}")
        pair = self._pairs.get(score.pair_id)
        if pair is None:
            self.unused += 1
            return
        a, b = pair.conversations()
        reward_a, reward_b = self._by_letter(line, score)
        self._gaps.append(abs(reward_a - reward_b))
        self._keep(line, a, reward_a)
        self._keep(line, b, reward_b)

    def _by_letter(self, line: int, score: PairScore | ChosenScore) -> tuple[float, float]:
        if isinstance(score, PairScore):
            return score.reward_a, score.reward_b
        both = score.reward_chosen, score.reward_rejected
        letter = self._chosen.get(score.pair_id)
        if letter is None:
            problem = f"no label says which response of {score.pair_id!r} is the chosen one"
            raise InputError(self._path, problem, "give reward_a and reward_b", line)
        return both if letter == "A" else both[::-1]

    def check_one_each(self) -> None:
        """Rewards of one conversation may differ as arithmetic does, by a share of the spread."""
        spread = median(self._gaps) if self._gaps else 0.0
        for again in self._again:
            if abs(again.before - again.here) > COARSE * spread:
                raise InputError(
                    self._path,
                    f"a conversation scored {again.before} before is scored {again.here} here",
                    "give one conversation one reward",
                    again.line,
                )

    def check_complete(self) -> None:
        unscored = [
            pair.id
            for pair in self._pairs.values()
            if any(conversation_key(c) not in self.rewards for c in pair.conversations())
        ]
        if unscored:
            raise InputError(
                self._path,
                f"no score for {len(unscored)} of {len(self._pairs)} pairs, "
                f"the first is {unscored[0]!r}",
                "score every pair, or leave the unscored ones out of the pairs",
            )
        if not self.rewards:
            raise InputError(
                self._path,
                f"no usable score ({self.unused} for pairs that were not given)",
                "give the pairs that these scores belong to",
            )

    def _once(self, line: int, key: str, what: str) -> None:
        if key in self._seen:
            raise InputError(self._path, f"{what} appears twice", "keep one line for each", line)
        self._seen.add(key)

    def _keep(self, line: int, conversation: Conversation, reward: float) -> None:
        known = self.rewards.setdefault(conversation_key(conversation), reward)
        if known != reward:
            self._again.append(_Again(line, known, reward))
