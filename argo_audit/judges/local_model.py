"""A causal LM that reads a prefix once, however many questions begin with it (torch lives here).

    model, tokenizer = load("HuggingFaceTB/SmolLM2-135M-Instruct")
    replies = model.answer(prefix_ids, [Request(suffix_ids, max_new=1, watched=(330, 389))])
    replies[0].steps[0].watched       # exact log-probabilities of those tokens at the first step

The keys and values of a prefix are computed once, repeated over a batch of suffixes, and kept for
later batches in a store bounded in bytes, the least recently used going first. Suffixes are padded
on the left, between prefix and suffix, so that the next token of every row is at the last position:
reading a verdict and writing a chain of thought are one loop. Positions are given explicitly, so
padding changes nothing: probabilities equal those of one prompt at a time to about 1e-6.

Sampling is seeded per request, from its seed and its own tokens, so that a reply does not depend on
what else was in its batch. Finished rows leave the batch.
"""

import copy
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging as transformers_logging

BATCH_TOKENS = 16_384
BATCH_TOKENS_ON_CPU = 512
"""A CPU reads long batches more slowly than short ones: 249 tokens/s at 256 and 202 at 4,096, one
thread, SmolLM2-135M with 460 tokens of prefix and 340 of suffix."""

WRITING_TOKENS = 4096
"""Least room of a batch that writes more than one token: there every row more is almost free."""

STORE_BYTES = 1 << 30


class Request(NamedTuple):
    """The rest of a prompt and what is asked for.

    `temperature` 0 is greedy. Only `allowed` tokens may be written when there are any. The
    log-probabilities of `watched` tokens are reported at every step.
    """

    suffix: tuple[int, ...]
    max_new: int
    temperature: float = 0.0
    seed: int = 0
    allowed: tuple[int, ...] = ()
    watched: tuple[int, ...] = ()


class Step(NamedTuple):
    """One token written, its log-probability, and those of the watched tokens."""

    token: int
    logprob: float
    watched: tuple[float, ...]


@dataclass
class Reply:
    """What was written, without the end token; `finished` is False when it was cut off.

    `cached` is how many of the prompt's tokens were not computed for this reply.
    """

    steps: list[Step] = field(default_factory=list)
    finished: bool = False
    cached: int = 0


class PrefixModel:
    """A causal LM with a store of prefixes. Not for several threads at once.

    Args:
        model: A causal LM of transformers, on its device.
        ends: Ids of the tokens that end a reply.
        batch_tokens: Most tokens (rows times longest suffix) of one forward pass, by default for
            the model's device; one row and, where replies are written, WRITING_TOKENS always fit.
        store_bytes: Most bytes of keys and values kept; one prefix is kept in any case.
    """

    def __init__(
        self,
        model: Any,
        ends: Sequence[int],
        batch_tokens: int | None = None,
        store_bytes: int = STORE_BYTES,
    ):
        self.model, self._ends = model, frozenset(ends)
        on_cpu = model.device.type == "cpu"
        self._batch_tokens = batch_tokens or (BATCH_TOKENS_ON_CPU if on_cpu else BATCH_TOKENS)
        self._store_bytes = store_bytes
        self._store: OrderedDict[tuple[int, ...], DynamicCache] = OrderedDict()
        self.computed = 0
        """Tokens put through the model so far, padding left out."""

    def answer(self, prefix: tuple[int, ...], requests: Sequence[Request]) -> list[Reply]:
        """One reply per request, in order, each to `prefix` followed by its suffix.

        Neither prefix nor suffix may be empty.
        """
        known = prefix in self._store
        replies: list[Reply] = [Reply() for _ in requests]
        writes = any(request.max_new > 1 for request in requests)
        room = max(self._batch_tokens, WRITING_TOKENS) if writes else self._batch_tokens
        for rows in _batches(requests, room):
            self._write(prefix, [requests[i] for i in rows], [replies[i] for i in rows])
        for i, reply in enumerate(replies):
            reply.cached = len(prefix) if known or i else 0
        return replies

    @torch.inference_mode()
    def _write(
        self, prefix: tuple[int, ...], requests: list[Request], replies: list[Reply]
    ) -> None:
        cache = copy.deepcopy(self._prefix(prefix))
        cache.batch_repeat_interleave(len(requests))
        tokens, mask = _left_padded([request.suffix for request in requests], len(prefix))
        self.computed += sum(len(request.suffix) for request in requests)
        random = [_generator(prefix, request) for request in requests]
        alive = list(range(len(requests)))
        while alive:
            logits = self._forward(tokens, mask, cache)
            rows = [
                _next(logits[row], requests[i], random[i], replies[i], self._ends)
                for row, i in enumerate(alive)
            ]
            going = [row for row, token in enumerate(rows) if token is not None]
            alive = [alive[row] for row in going]
            if alive and len(going) < len(rows):
                kept = torch.tensor(going, device=self.model.device)
                cache.batch_select_indices(kept)
            self.computed += len(alive)
            tokens = torch.tensor([[token] for token in rows if token is not None])
            mask = torch.cat([mask[going], torch.ones(len(going), 1, dtype=torch.long)], dim=1)

    def _prefix(self, prefix: tuple[int, ...]) -> DynamicCache:
        if prefix not in self._store:
            cache = DynamicCache(config=self.model.config)
            self._forward(
                torch.tensor([prefix]), torch.ones(1, len(prefix), dtype=torch.long), cache
            )
            self.computed += len(prefix)
            self._store[prefix] = cache
        self._store.move_to_end(prefix)
        while len(self._store) > 1 and sum(map(_bytes, self._store.values())) > self._store_bytes:
            self._store.popitem(last=False)
        return self._store[prefix]

    def _forward(self, tokens: Tensor, mask: Tensor, cache: DynamicCache) -> Tensor:
        """Logits [rows, vocabulary] after the last of `tokens` [rows, new]; fills the cache."""
        device = self.model.device
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        out = self.model(
            input_ids=tokens.to(device),
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = out.logits[:, -1].float().cpu()
        return logits


def load(path: str, **arguments: Any) -> tuple[PrefixModel, Any]:
    """The model and tokenizer of a folder or hub id; see PrefixModel for other `arguments`.

    Weights are read from safetensors only and no code that comes with them is run. On a CPU they
    are float32: other types are many times slower there.
    """
    device = arguments.pop("device", None) or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = arguments.pop("dtype", None) or ("float32" if device == "cpu" else "auto")
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    with _no_progress_bars():
        model = AutoModelForCausalLM.from_pretrained(
            path, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    model = model.to(device).eval()
    ends = model.generation_config.eos_token_id
    ends = {*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id} - {None}
    return PrefixModel(model, tuple(ends), **arguments), tokenizer


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            transformers_logging.enable_progress_bar()


def _batches(requests: Sequence[Request], most: int) -> Iterator[list[int]]:
    """Indices of requests in batches of like length, each within `most` padded tokens."""
    batch: list[int] = []
    for i in sorted(range(len(requests)), key=lambda i: len(requests[i].suffix)):
        if batch and (len(batch) + 1) * len(requests[i].suffix) > most:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _left_padded(suffixes: Sequence[tuple[int, ...]], prefix: int) -> tuple[Tensor, Tensor]:
    """Tokens [rows, longest] and mask [rows, prefix + longest]; padding is token 0, masked."""
    longest = max(map(len, suffixes))
    tokens = torch.zeros(len(suffixes), longest, dtype=torch.long)
    mask = torch.ones(len(suffixes), prefix + longest, dtype=torch.long)
    for row, suffix in enumerate(suffixes):
        tokens[row, longest - len(suffix) :] = torch.tensor(suffix)
        mask[row, prefix : prefix + longest - len(suffix)] = 0
    return tokens, mask


def _next(
    logits: Tensor, request: Request, random: torch.Generator, reply: Reply, ends: frozenset[int]
) -> int | None:
    """Choose the next token and note it in `reply`; None when the reply has ended."""
    logprobs = logits.log_softmax(-1)
    choice = logprobs
    if request.allowed:
        choice = torch.full_like(logprobs, -torch.inf)
        choice[list(request.allowed)] = logprobs[list(request.allowed)]
    token = int(choice.argmax())
    if request.temperature > 0:
        weights = (choice / request.temperature).softmax(-1)
        token = int(torch.multinomial(weights, 1, generator=random))
    if token in ends:
        reply.finished = True
        return None
    watched = tuple(logprobs[list(request.watched)].tolist())
    reply.steps.append(Step(token, float(logprobs[token]), watched))
    return token if len(reply.steps) < request.max_new else None


def _generator(prefix: tuple[int, ...], request: Request) -> torch.Generator:
    own = zlib.crc32(repr((request.seed, prefix, request.suffix)).encode())
    return torch.Generator().manual_seed(own)


def _bytes(cache: DynamicCache) -> int:
    return sum(
        int(tensor.numel() * tensor.element_size())
        for layer in cache.layers
        for tensor in (layer.keys, layer.values)
    )
