"""The reward that DPO training leaves implicit in a policy, given the reference it began from.

    model = DPORewardModel("org/policy-dpo", "org/policy-sft")
    model.reward([conversation])              # [4.2]: beta * (log pi(y|x) - log pi_ref(y|x))

Rafailov et al. (2023, arXiv:2305.18290, equations 5 and 6): the reward of a response y to a prompt
x is beta * log(pi(y|x) / pi_ref(y|x)) up to a term that depends on x alone, which falls out of
every comparison of two responses; rewards of different prompts cannot be compared. The sum is over
the tokens of the last turn, its end of turn included, as they were trained.
"""

import hashlib
import math
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from argo_audit.errors import RewardModelError, brief
from argo_audit.reward_models.checkpoint import (
    fingerprint_folder,
    load_tokenizer,
    locate,
    quiet_transformers,
)
from argo_audit.reward_models.classifier import UNLOADABLE, loading, placed
from argo_audit.reward_models.encoding import Reader, ReadsTokens, encode
from argo_audit.reward_models.left_out import refuse_own_code, unused
from argo_audit.reward_models.limits import longest_input, places
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.roles import Conversation

_DEFAULTS = RewardModelSettings()


class DPORewardModel(ReadsTokens):
    """Two causal language models of one vocabulary (role RewardModel).

    `name` joins those of policy and reference. Each reward takes both models, conversation by
    conversation: padding and batches cannot change it.
    """

    def __init__(
        self,
        policy: str | Path,
        reference: str | Path,
        settings: RewardModelSettings = _DEFAULTS,
    ) -> None:
        """Load both from folders or hub ids; `settings.revision` is the policy's.

        Raises RewardModelError when one is no causal LM, or their vocabularies differ.
        """
        code = settings.trust_remote_code
        self._folders = []
        names = []
        for checkpoint, revision in ((policy, settings.revision), (reference, None)):
            folder, name = locate(checkpoint, revision, with_code=code)
            self._folders.append(folder)
            names.append(name)
        self.name = "-over-".join(names)
        self.settings = settings
        with quiet_transformers():
            tokenizer, other = (load_tokenizer(f, trust_remote_code=code) for f in self._folders)
            if tokenizer.get_vocab() != other.get_vocab():
                raise RewardModelError(
                    f"{self.name}: policy and reference have different vocabularies\n"
                    "  Remedy: give the checkpoint that the policy's DPO training began from"
                )
            self._models, left = zip(*(_load(f, settings) for f in self._folders), strict=True)
        self.unused = tuple(name for names in left for name in names)
        longest = min(longest_input(model, tokenizer) for model in self._models)
        limits = (settings.max_length or longest, *map(places, self._models))
        self.reader = Reader(self.name, tokenizer, min(limit for limit in limits if limit))

    def fingerprint(self) -> str:
        """SHA-256 over both checkpoints and beta (64 hex digits)."""
        parts = [*map(fingerprint_folder, self._folders), str(self.settings.beta)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """One finite reward per conversation, in order, for its last turn.

        Raises RewardModelError when the last turn is not the assistant's, or a reward is NaN or
        infinite.
        """
        if any(conversation[-1].role != "assistant" for conversation in conversations):
            raise RewardModelError(
                f"{self.name}: a conversation does not end with a response\n"
                "  Remedy: end every conversation with the assistant's turn"
            )
        whole = self.reader.full(conversations)
        before = [conversation[:-1] for conversation in conversations]
        prompts = encode(self.reader.tokenizer, before, open_turn=True)
        responses = [len(w) - _shared(w, p) for w, p in zip(whole, prompts, strict=True)]
        shown = self.reader.cut(whole)
        return [self._reward(ids, n) for ids, n in zip(shown, responses, strict=True)]

    def _reward(self, ids: list[int], response: int) -> float:
        """The reward of the last `response` tokens (or all but the first, of a cut one)."""
        scored = min(response, len(ids) - 1)
        policy, reference = (_log_likelihood(model, ids, scored) for model in self._models)
        reward = self.settings.beta * (policy - reference)
        if not math.isfinite(reward):
            raise RewardModelError(
                f"{self.name}: a conversation of {len(ids)} tokens has no finite reward\n"
                "  Remedy: load both in float32, and check that their weights are complete"
            )
        return reward


def _log_likelihood(model: PreTrainedModel, ids: list[int], last: int) -> float:
    """Log p of the last `last` tokens given those before, in nats."""
    inputs = torch.tensor([ids], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=inputs, logits_to_keep=last + 1).logits[0, :-1]  # [last, words]
        targets = inputs[0, -last:].to(logits.device)
        loss = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    return -float(loss.double().sum())


def _shared(whole: list[int], prompt: list[int]) -> int:
    """How many tokens both begin with: where the response starts, even if it joins the prompt."""
    return sum(
        1 for _ in takewhile(lambda both: both[0] == both[1], zip(whole, prompt, strict=False))
    )


def _load(folder: Path, settings: RewardModelSettings) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """A causal language model in evaluation mode, and weights it has no use of."""
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, output_loading_info=True, **loading(settings)
        )
        model = placed(model, settings)
    except UNLOADABLE as error:
        raise RewardModelError(
            f"{folder}: cannot be loaded as a causal language model: {brief(error)}\n"
            "  Remedy: give complete checkpoints with safetensors weights: dpo:POLICY|REFERENCE"
        ) from error
    absent = sorted(report["missing_keys"])
    if absent:
        raise RewardModelError(
            f"{folder}: {len(absent)} weights are absent and would be random, first {absent[0]}\n"
            "  Remedy: give a language model; of a sequence classifier say rm:MODEL"
        )
    left, code = unused(report), settings.trust_remote_code
    refuse_own_code(folder, model.config, "AutoModelForCausalLM", trusted=code, dropped=left)
    return model, left
