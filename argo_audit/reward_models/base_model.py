"""A pretrained checkpoint as training begins with it: a fresh scalar head, safe padding.

model, tokenizer = open_base("HuggingFaceTB/SmolLM2-135M")
"""

import torch
from transformers import (
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from argo_audit.errors import RewardModelError, brief
from argo_audit.reward_models.checkpoint import load_tokenizer, locate


def open_base(base: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The folder or hub id as a sequence classifier with one output, in float32.

    Raises RewardModelError when it cannot be one.
    """
    folder, _ = locate(base)
    tokenizer = load_tokenizer(folder)
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            folder,
            num_labels=1,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError) as error:
        raise RewardModelError(
            f"{base}: cannot be made a reward model: {brief(error)}\n"
            "  Remedy: name a checkpoint with safetensors that transformers can classify with"
        ) from error
    tokenizer.pad_token = padding(tokenizer)
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def padding(tokenizer: PreTrainedTokenizerBase) -> str:
    """A token that no conversation holds, or EOS when there is none.

    transformers reads the reward at the last token that is not padding, a server at the last token
    whatever it is. With EOS as padding and a template that ends with EOS they would read different
    rewards.
    """
    template = str(tokenizer.chat_template)
    taken = {tokenizer.eos_token, tokenizer.bos_token, None}
    added = [t.content for t in tokenizer.added_tokens_decoder.values() if t.special]
    candidates = (tokenizer.pad_token, tokenizer.unk_token, *added)
    free = [token for token in candidates if token not in taken and token not in template]
    return str(free[0] if free else tokenizer.eos_token)
