"""A reward model behind HTTP: vLLM's pooling server, or any endpoint of that shape.

    vllm serve org/my-rm --runner pooling
    model = ServedRewardModel("org/my-rm", ["http://localhost:8000"])
    model.reward([conversation])                                # [0.73], the raw logit

It is sent token ids where the tokenizer is at hand, so that a served reward model reads exactly
what the same weights read in this process: one template, no second BOS, the same cut, and special
tokens in a response stay text (`encoding`). At hand is the tokenizer that the settings name; a
folder that a server says it has loaded is its word, and no folder of this machine is opened for it.
Without one the messages are sent and the server applies its template; then a response can forge
turns, which `conformance` finds.
Servers squash outputs with a sigmoid unless told not to, and do so silently: they are told.
"""

import copy
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, Self

from argo_audit.errors import RewardModelError
from argo_audit.reward_models.checks.probe_texts import PROBES
from argo_audit.reward_models.encoding import Reader
from argo_audit.reward_models.pooling_client import PoolingClient, TooLongError
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.reward_models.tool_turns import server_turn
from argo_audit.roles import Conversation

_DEFAULTS = RewardModelSettings()
_PROBES_IN_FINGERPRINT = 4
_DIGITS = 2  # of a probe's reward that count: arithmetic on a server is not the same every time
_logger = logging.getLogger(__name__)


class ServedRewardModel:
    """A reward model that is asked over HTTP (role RewardModel).

    `reader` holds the tokenizer and what was cut, None where messages are sent. Raises
    RewardModelError when the servers cannot be used.
    """

    def __init__(
        self, name: str, urls: Sequence[str], settings: RewardModelSettings = _DEFAULTS
    ) -> None:
        """Connect to servers that all serve the model `name`."""
        self.name = name
        self.settings = settings
        self._client = PoolingClient(name, urls, settings)
        self.max_length = self._client.served.max_length
        self.reader = self._reader()
        self._read = 0
        self._truncated = 0

    @property
    def read(self) -> int:
        """Conversations scored so far."""
        return self.reader.read if self.reader else self._read

    @property
    def truncated(self) -> int:
        """How many of them were too long and were cut."""
        return self.reader.truncated if self.reader else self._truncated

    def uncounted(self, max_length: int | None = None) -> Self:
        """The same model with counters of its own; another length needs its tokenizer."""
        own = copy.copy(self)
        own.reader = self.reader and self.reader.uncounted(max_length)
        return own

    def fingerprint(self) -> str:
        """SHA-256 over what the server says it serves and how it rewards probes (64 hex digits).

        Weights cannot be read over HTTP. Rewards count to two decimals, asked one by one.
        """
        probes = [pair.conversations()[0] for pair in PROBES[:_PROBES_IN_FINGERPRINT]]
        uncounted = self.uncounted()
        rewards = [round(uncounted.reward([probe])[0], _DIGITS) for probe in probes]
        known = [self.name, *self._client.served, rewards]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """One finite reward per conversation, in order: the model's output without activation.

        Raises RewardModelError when the servers cannot be reached or give anything else.
        """
        return self._score(conversations, use_activation=False)

    def activated(self, conversations: Sequence[Conversation]) -> list[float]:
        """What the server answers when it is not told to leave outputs raw."""
        return self._score(conversations, use_activation=True)

    def _score(self, conversations: Sequence[Conversation], *, use_activation: bool) -> list[float]:
        extra = {"use_activation": use_activation}
        if self.reader is not None:
            return self._score_tokens(self.reader.shown(conversations), extra)
        self._read += len(conversations)
        return self._side_by_side(lambda c: self._score_messages(c, extra), conversations)

    def _score_tokens(self, tokens: list[list[int]], extra: dict[str, Any]) -> list[float]:
        """Batches of similar length, some at a time."""
        size = self.settings.batch_size
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        batches = [order[start : start + size] for start in range(0, len(order), size)]

        def ask(batch: list[int]) -> list[float]:
            body = {"input": [tokens[i] for i in batch]} | extra
            return self._client.outputs(body, expected=len(batch))

        answers = self._side_by_side(ask, batches)
        found = dict(zip(order, (reward for answer in answers for reward in answer), strict=True))
        return [found[i] for i in range(len(tokens))]

    def _score_messages(self, conversation: Conversation, extra: dict[str, Any]) -> float:
        """One conversation as messages; what the server finds too long is asked again, cut."""
        if any(message.images for message in conversation):
            raise RewardModelError(
                f"{self.name}: a conversation holds images, which are not sent\n"
                "  Remedy: leave these pairs out, or score them elsewhere and audit scores:FILE"
            )
        turns = [server_turn(message) for message in conversation]
        body = {"messages": turns, "add_generation_prompt": False} | extra
        if conversation[0].tools:
            body["tools"] = json.loads(conversation[0].tools)
        try:
            return self._client.outputs(body, expected=1)[0]
        except TooLongError:
            self._truncated += 1
            _logger.warning("%s: a conversation was cut to %s tokens", self.name, self.max_length)
            cut = {"truncate_prompt_tokens": self.max_length or -1}
            return self._client.outputs(body | cut, expected=1)[0]

    def _side_by_side(self, ask: Callable[[Any], Any], jobs: Sequence[Any]) -> list[Any]:
        with ThreadPoolExecutor(self.settings.concurrency) as pool:
            try:
                return list(pool.map(ask, jobs))
            except BaseException:  # what has not begun is not asked for once one has failed
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _reader(self) -> Reader | None:
        """What reads with the tokenizer that the settings name."""
        wanted = self.settings.max_length
        source = self.settings.tokenizer
        if source is None and wanted is not None:
            raise RewardModelError(
                f"{self.name}: max_length needs the tokenizer, which is not on this machine\n"
                "  Remedy: set tokenizer of [reward_model] to its folder or hub id"
            )
        if source is None:
            return None
        if find_spec("transformers") is None:
            raise RewardModelError(
                f"{self.name}: reading its tokenizer needs transformers\n"
                "  Remedy: pip install 'argo-audit[train]'"
            )
        from argo_audit.reward_models.checkpoint import load_tokenizer, locate

        folder, _ = locate(source, self.settings.revision, with_weights=False)
        code = self.settings.trust_remote_code
        tokenizer = load_tokenizer(folder, trust_remote_code=code)
        limits = (wanted, self.max_length, tokenizer.model_max_length)
        self.max_length = min(limit for limit in limits if limit)
        return Reader(self.name, tokenizer, self.max_length)
