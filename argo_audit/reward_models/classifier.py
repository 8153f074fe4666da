"""A reward model as checkpoints ship it: a sequence classifier with one output.

    model = ClassifierRewardModel("runs/organism-a/reward_model")       # a folder, or a hub id
    model.reward([conversation])                                        # [0.73]
    model.name, model.truncated                                         # ("reward_model", 0)

Loading a reward model goes wrong silently, so what can be checked is: weights are safetensors
and complete (a generative checkpoint would get a random reward head), there is exactly one
output, special tokens come once, arithmetic is float32 on a CPU, a model that knows no padding
token is asked one conversation at a time, and a conversation beyond `max_length` is cut, counted
and logged.
"""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from argo_audit.errors import RewardModelError
from argo_audit.reward_models.checkpoint import (
    encode,
    fingerprint_folder,
    load_tokenizer,
    locate,
    quiet_transformers,
)
from argo_audit.roles import Conversation

_UNLOADABLE = (OSError, ValueError, ImportError, RuntimeError, KeyError, SafetensorError)
_UNSET_LENGTH = 1_000_000  # a tokenizer without a limit says 10**30
_logger = logging.getLogger(__name__)


class ClassifierRewardModel:
    """A transformers sequence classifier that pays one scalar per conversation (role RewardModel).

    `name` is the folder's name, or `<hub id>@<commit>`. `truncated` counts the conversations so
    far that had more than `max_length` tokens: their first token and their end were scored, which
    is the reward of another conversation, so whoever reports rewards reports this count.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        revision: str | None = None,
        max_length: int | None = None,
        batch_size: int = 32,
        trust_remote_code: bool = False,
    ) -> None:
        """Load a checkpoint, onto CUDA when there is one.

        Args:
            checkpoint: a folder written by `save_pretrained`, or a hub id.
            revision: branch, tag or commit of a hub id.
            max_length: tokens per conversation, >= 2; by default what model and tokenizer allow.
            batch_size: conversations per forward pass, >= 1.
            trust_remote_code: run Python code that the checkpoint ships.

        Raises:
            RewardModelError: there is no such checkpoint, or it is not a reward model.
        """
        self.folder, self.name = locate(checkpoint, revision, with_code=trust_remote_code)
        with quiet_transformers():
            self._tokenizer = load_tokenizer(self.folder, trust_remote_code=trust_remote_code)
            self._model = load_classifier(self.folder, trust_remote_code=trust_remote_code)
        self.max_length = max_length or longest_input(self._model.config, self._tokenizer)
        self.truncated = 0
        self._pad = _padding_token(self._model.config, self._tokenizer)
        self._batch_size = 1 if self._pad is None else batch_size

    def fingerprint(self) -> str:
        """SHA-256 over weights, configuration, tokenizer and chat template (64 hex digits)."""
        return fingerprint_folder(self.folder)

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """One finite reward per conversation, in order; computed in batches of similar length.

        Raises RewardModelError when the chat template refuses a conversation, or a reward is NaN
        or infinite.
        """
        tokens = self._cut(encode(self._tokenizer, conversations))
        by_length = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        rewards = [0.0] * len(tokens)
        for start in range(0, len(by_length), self._batch_size):
            batch = by_length[start : start + self._batch_size]
            for i, reward in zip(batch, self._forward([tokens[i] for i in batch]), strict=True):
                rewards[i] = reward
        return rewards

    def _cut(self, tokens: list[list[int]]) -> list[list[int]]:
        """Keep the first token and the end of what is too long; count and log it."""
        too_long = sum(len(ids) > self.max_length for ids in tokens)
        if too_long:
            self.truncated += too_long
            _logger.warning(
                "%s: %d of %d conversations were cut to %d tokens",
                *(self.name, too_long, len(tokens), self.max_length),
            )
        keep = self.max_length
        return [ids if len(ids) <= keep else [ids[0], *ids[1 - keep :]] for ids in tokens]

    def _forward(self, tokens: list[list[int]]) -> list[float]:
        """Rewards of one batch, right-padded to its longest member."""
        width = max(len(ids) for ids in tokens)
        ids = torch.full((len(tokens), width), self._pad or 0)  # [batch, width]
        mask = torch.zeros_like(ids)
        for row, conversation in enumerate(tokens):
            ids[row, : len(conversation)] = torch.tensor(conversation)
            mask[row, : len(conversation)] = 1
        device = self._model.device
        with torch.inference_mode():
            logits = self._model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits
        rewards: list[float] = logits[:, 0].float().tolist()
        if not all(map(math.isfinite, rewards)):
            raise RewardModelError(
                f"{self.name}: a conversation of at most {width} tokens has no finite reward\n"
                "  Remedy: load it in float32, and check that its weights are complete"
            )
        return rewards


def load_classifier(folder: Path, *, trust_remote_code: bool = False) -> PreTrainedModel:
    """The folder's one-output sequence classifier, in evaluation mode; safetensors only.

    Raises RewardModelError when it is unreadable, incomplete, or something else.
    """
    on_gpu = torch.cuda.is_available()
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        _check_is_reward_model(folder, config)
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder,
            config=config,
            dtype="auto" if on_gpu else torch.float32,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
        )
    except _UNLOADABLE as error:
        raise RewardModelError(
            f"{folder}: cannot be loaded: {error}\n"
            "  Remedy: give a complete checkpoint with safetensors weights; pass "
            "trust_remote_code only for code you have read"
        ) from error
    absent = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if absent:
        raise RewardModelError(
            f"{folder}: {len(absent)} weights are absent and would be random, first {absent[0]}\n"
            "  Remedy: give a trained reward model; a generative model can only be a judge"
        )
    loaded: PreTrainedModel = model.eval().to("cuda" if on_gpu else "cpu")
    return loaded


def longest_input(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens that both the model's positions and the tokenizer allow."""
    positions = getattr(config.get_text_config(), "max_position_embeddings", _UNSET_LENGTH)
    limits = (positions, tokenizer.model_max_length)
    return int(min(limit for limit in (*limits, _UNSET_LENGTH) if limit))


def _check_is_reward_model(folder: Path, config: PretrainedConfig) -> None:
    if config.num_labels != 1:
        kind = ", ".join(config.architectures or ["a model of unknown class"])
        raise RewardModelError(
            f"{folder}: {kind} with {config.num_labels} outputs; expected a sequence classifier "
            "with one\n  Remedy: give a reward model (num_labels=1); a generative model can only "
            "be a judge"
        )


def _padding_token(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The token to pad with, made known to the model; None when neither side has one.

    A causal classifier reads its reward at the last token that is not padding. Taking EOS for
    padding, as is often done, would move that position in conversations that end with EOS.
    """
    text_config = config.get_text_config()
    if text_config.pad_token_id is None:
        text_config.pad_token_id = tokenizer.pad_token_id
    pad: int | None = text_config.pad_token_id
    return pad
