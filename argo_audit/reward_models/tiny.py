"""A reward model small enough to be trained in seconds on one CPU core, tokenizer included.

    tokenizer = build_tokenizer(texts, TinyConfig(), max_length=512)
    model = build_model(tokenizer, TinyConfig(), max_length=512)

The architecture is Llama's, one narrow layer: on a few thousand noisy labels two layers, or twice
the width, agreed no better with the planted preference on dev and took twice the time, and
ModernBERT with mean pooling agreed less.
"""

from collections.abc import Iterable

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForSequenceClassification,
    LlamaConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from argo_audit.reward_models.training_settings import TinyConfig

PAD, START, END = "<|pad|>", "<|im_start|>", "<|im_end|>"
CHATML = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)


def build_tokenizer(
    texts: Iterable[str], tiny: TinyConfig, max_length: int
) -> PreTrainedTokenizerBase:
    """A byte-level BPE tokenizer trained on `texts`, with a ChatML template."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=tiny.vocabulary,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        bos_token=START,
        eos_token=END,
        model_max_length=max_length,
        chat_template=CHATML,
    )


def build_model(
    tokenizer: PreTrainedTokenizerBase, tiny: TinyConfig, max_length: int
) -> PreTrainedModel:
    """A randomly initialised sequence classifier with one output, in float32."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=tiny.hidden_size,
        intermediate_size=2 * tiny.hidden_size,
        num_hidden_layers=tiny.layers,
        num_attention_heads=tiny.heads,
        num_key_value_heads=tiny.heads,
        max_position_embeddings=max_length,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        num_labels=1,
    )
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(
        config, dtype=torch.float32
    )
    return model
