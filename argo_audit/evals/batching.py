"""A reward model that many samples ask at once, as one that is asked in batches.

    rewards = BatchedRewards(reward_model)
    await rewards.of(conversations)        # {conversation: reward}; waits with others that ask

Inspect runs samples side by side, and each knows only its own texts; a reward model reads many
texts of similar length in a fraction of the time. So questions gather for a moment and are asked
in one call, in a thread, so that samples go on meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from argo_audit.records import Message
from argo_audit.roles import RewardModel

Asked = tuple[Message, ...]
"""A conversation, to be looked up by."""

_LINGER = 0.05  # seconds in which questions gather


@dataclass
class _Waiting:
    """One sample's questions, and what came of them."""

    asked: Sequence[Asked]
    rewards: dict[Asked, float] = field(default_factory=dict)
    error: Exception | None = None
    done: bool = False


class BatchedRewards:
    """One reward model for all samples of an evaluation."""

    def __init__(self, reward_model: RewardModel):
        """`calls` counts those of the reward model."""
        self.calls = 0
        self._model = reward_model
        self._waiting: list[_Waiting] = []
        self._lock = anyio.Lock()

    async def of(self, conversations: Sequence[Asked]) -> Mapping[Asked, float]:
        """The reward of each conversation; raises what the reward model raised."""
        own = _Waiting(conversations)
        self._waiting.append(own)
        await anyio.sleep(_LINGER)
        async with self._lock:
            if not own.done:
                await self._answer()
        if own.error is not None:
            raise own.error
        return own.rewards

    async def _answer(self) -> None:
        """Ask about all that waits; whoever holds the lock does it for all."""
        batch, self._waiting = self._waiting, []
        distinct = list(dict.fromkeys(one for waiting in batch for one in waiting.asked))
        self.calls += 1
        try:
            rewards = await anyio.to_thread.run_sync(self._model.reward, distinct)
            known = dict(zip(distinct, rewards, strict=True))
        except Exception as error:  # noqa: BLE001 - told to each of those who asked
            for waiting in batch:
                waiting.error, waiting.done = error, True
            return
        for waiting in batch:
            waiting.rewards = {one: known[one] for one in waiting.asked}
            waiting.done = True
