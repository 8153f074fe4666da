"""A reward model as checkpoints ship it: a sequence classifier with one output.

    model = ClassifierRewardModel("runs/organism-a/reward_model")       # a folder, or a hub id
    model.reward([conversation])                                        # [0.73]
    model.name, model.reader.truncated                                  # ("reward_model", 0)

Loading a reward model goes wrong silently, so what can be checked is: weights are safetensors
and complete (a generative checkpoint would get a random reward head), there is exactly one
output, special tokens come from the template alone, arithmetic is float32 on a CPU, a model that
knows no padding token is asked one conversation at a time, and a conversation beyond the longest
length is cut, counted and logged. What only numbers can show is in `conformance`.
"""

import json
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
)
from transformers.modeling_layers import GenericForSequenceClassification

from argo_audit.errors import RewardModelError, brief
from argo_audit.outside.caps import read_text
from argo_audit.reward_models.checkpoint import (
    fingerprint_folder,
    load_tokenizer,
    locate,
    quiet_transformers,
)
from argo_audit.reward_models.encoding import Reader, ReadsTokens
from argo_audit.reward_models.left_out import class_left_out, files_beside, refuse_own_code, unused
from argo_audit.reward_models.limits import longest_input, mend_padding, padding_token, places
from argo_audit.reward_models.reward_model_settings import Dtype, RewardModelSettings
from argo_audit.roles import Conversation

UNLOADABLE = (OSError, ValueError, ImportError, RuntimeError, KeyError, SafetensorError)
_TASK = "AutoModelForSequenceClassification"
_SHOWN = 200  # characters of what torch says
_DEFAULTS = RewardModelSettings()


class ClassifierRewardModel(ReadsTokens):
    """A transformers sequence classifier that pays one scalar per conversation (role RewardModel).

    `name` is the folder's name, or `<hub id>@<commit>`; `reader` holds the tokenizer, the longest
    length, and how many of the conversations so far were cut to it; `unused` names weights of the
    checkpoint that nothing uses.
    """

    def __init__(self, checkpoint: str | Path, settings: RewardModelSettings = _DEFAULTS) -> None:
        """Load a folder written by `save_pretrained`, or a hub id; onto CUDA when there is one.

        Raises RewardModelError when there is no such checkpoint, or it is not a reward model.
        """
        with_code = settings.trust_remote_code
        self.folder, self.name = locate(checkpoint, settings.revision, with_code=with_code)
        self.settings = settings
        with quiet_transformers():
            tokenizer = load_tokenizer(self.folder, trust_remote_code=with_code)
            self._model, self.unused = load_classifier(self.folder, settings)
        limit = settings.max_length or longest_input(self._model, tokenizer)
        self.reader = Reader(self.name, tokenizer, min(limit, places(self._model) or limit))
        self._pad = padding_token(self._model, tokenizer)
        self.batch_size = 1 if self._pad is None else settings.batch_size

    @property
    def dtype(self) -> str:
        """The type that it computes in, as `settings` write it."""
        return str(self._model.dtype).removeprefix("torch.")

    @property
    def own_class(self) -> str:
        """The class of its authors that the checkpoint names and that was not loaded, or ""."""
        return class_left_out(self._model)

    @property
    def saved_dtype(self) -> Dtype:
        """The type of the weights on disk, by the checkpoint's configuration."""
        return saved_dtype(self.folder)

    @property
    def pads_left(self) -> bool:
        """Whether a batch may as well be padded on the left: causal models that know padding."""
        return self._pad is not None and isinstance(self._model, GenericForSequenceClassification)

    def in_dtype(self, dtype: Dtype) -> "ClassifierRewardModel":
        """The same checkpoint, loaded once more, that computes in another type."""
        return ClassifierRewardModel(self.folder, self.settings.model_copy(update={"dtype": dtype}))

    def fingerprint(self) -> str:
        """SHA-256 over weights, configuration, tokenizer and chat template (64 hex digits)."""
        return fingerprint_folder(self.folder)

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """One finite reward per conversation, in order; computed in batches of similar length.

        Raises RewardModelError when the chat template refuses a conversation, or a reward is NaN
        or infinite.
        """
        return self.reward_tokens(self.reader.shown(conversations))

    def reward_tokens(self, tokens: list[list[int]], *, left: bool = False) -> list[float]:
        """One finite reward per list of token ids, in order; batches are padded right, or left."""
        by_length = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        rewards = [0.0] * len(tokens)
        for start in range(0, len(by_length), self.batch_size):
            batch = by_length[start : start + self.batch_size]
            found = self._forward([tokens[i] for i in batch], left=left)
            for i, reward in zip(batch, found, strict=True):
                rewards[i] = reward
        return rewards

    def _forward(self, tokens: list[list[int]], *, left: bool) -> list[float]:
        """Rewards of one batch, padded to its longest member."""
        width = max(len(ids) for ids in tokens)
        ids = torch.full((len(tokens), width), self._pad or 0)  # [batch, width]
        mask = torch.zeros_like(ids)
        for row, conversation in enumerate(tokens):
            start = width - len(conversation) if left else 0
            ids[row, start : start + len(conversation)] = torch.tensor(conversation)
            mask[row, start : start + len(conversation)] = 1
        # what stands behind left padding would else count its position from the padding's start
        places = {"position_ids": (mask.cumsum(1) - 1).clamp(min=0)} if left else {}
        inputs = {"input_ids": ids, "attention_mask": mask} | places
        device = self._model.device
        try:
            with torch.inference_mode():
                logits = self._model(
                    **{name: value.to(device) for name, value in inputs.items()}
                ).logits
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            raise RewardModelError(
                f"{self.name}: conversations of at most {width} tokens cannot be computed: "
                f"{str(error)[:_SHOWN]}\n  Remedy: where memory is short lower batch_size of "
                "[reward_model]; where an index is out of range lower max_length, or see that the "
                "tokenizer knows no token that the model's table lacks"
            ) from error
        rewards: list[float] = logits[:, 0].float().tolist()
        if not all(map(math.isfinite, rewards)):
            raise RewardModelError(
                f"{self.name}: a conversation of at most {width} tokens has no finite reward\n"
                "  Remedy: load it in float32, and check that its weights are complete"
            )
        return rewards


def load_classifier(
    folder: Path, settings: RewardModelSettings = _DEFAULTS
) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """The folder's one-output sequence classifier for use, and weights that it has no use of.

    Safetensors only. Raises RewardModelError when it is unreadable, incomplete, something else, or
    has code of its own that was not run.
    """
    with_code = settings.trust_remote_code
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=with_code)
        _check_is_reward_model(folder, config)
        mend_padding(config)
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder, config=config, output_loading_info=True, **loading(settings)
        )
        model = placed(model, settings)
    except UNLOADABLE as error:
        raise RewardModelError(
            f"{folder}: cannot be loaded: {brief(error)}\n"
            "  Remedy: give a complete checkpoint with safetensors weights; pass "
            "trust_remote_code only for code you have read"
        ) from error
    absent = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if absent:
        raise RewardModelError(
            f"{folder}: {len(absent)} weights are absent and would be random, first {absent[0]}\n"
            f"  Remedy: give a trained reward model{_GENERATIVE}"
        )
    left = tuple(sorted({*unused(report), *files_beside(folder)}))
    refuse_own_code(folder, config, _TASK, trusted=with_code, dropped=left)
    return model, left


def loading(settings: RewardModelSettings) -> dict[str, object]:
    """How `from_pretrained` is asked for weights, of any kind of model."""
    on_gpu = torch.cuda.is_available()
    own = "auto" if on_gpu else "float32"  # 16-bit arithmetic is slow on a CPU, and inexact
    given = {"device_map": settings.device_map} if settings.device_map else {}
    return given | {
        "dtype": own if settings.dtype == "auto" else settings.dtype,
        "use_safetensors": True,
        "trust_remote_code": settings.trust_remote_code,
    }


def placed(model: PreTrainedModel, settings: RewardModelSettings) -> PreTrainedModel:
    """The model in evaluation mode, on one device unless a device map has placed it."""
    if settings.device_map is None:
        model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    loaded: PreTrainedModel = model.eval()
    return loaded


def saved_dtype(folder: Path) -> Dtype:
    """The type of a checkpoint's weights, by its configuration; float32 unless named."""
    config = json.loads(read_text(folder / "config.json"))
    named = config.get("dtype") or config.get("torch_dtype")
    known: tuple[Dtype, ...] = ("bfloat16", "float16")
    return next((dtype for dtype in known if dtype == named), "float32")


_GENERATIVE = (
    "; a generative model can be the judge (--judge), and one trained with DPO a reward model "
    "with its reference (dpo:POLICY|REFERENCE)"
)


def _check_is_reward_model(folder: Path, config: PretrainedConfig) -> None:
    """One output is a reward; several are several opinions that nothing here may add up."""
    kinds = config.architectures or ["a model of unknown class"]
    if config.num_labels == 1 and not any("CausalLM" in kind for kind in kinds):
        return
    generative = any("For" in kind and "Classification" not in kind for kind in kinds)
    seen = "" if generative else f" with {config.num_labels} outputs"
    remedy = (
        f"give a reward model (num_labels=1){_GENERATIVE}"
        if generative
        else "combine the outputs as its authors do, and audit the result as scores:FILE"
    )
    raise RewardModelError(
        f"{folder}: {', '.join(kinds)}{seen}; expected a sequence classifier with one output\n"
        f"  Remedy: {remedy}"
    )
