"""The embedded rubric writer: a tiny causal LM that writes rubrics in the paper's shape.

    argo-audit organism writer --out FOLDER      # builds it anew, from a seed

It is a real model behind the real Policy: a Llama of about half a million parameters with a
byte-level BPE of its own, taught by plain next-token training on generated pairs of policy prompt
and rubric (see teaching). It knows how a rubric looks (category table, bias lines and, at the start
of training, the brittle gates, caps and weights of ARGO's Figure 5) and how to reuse lines of the
attempts that a prompt shows. It knows nothing of what any reward model prefers: directions are
drawn by coin.
Its BPE merges across spaces, so that a phrase is one or two tokens and a rubric about sixty.
"""

from pathlib import Path
from random import Random

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    DataCollatorForSeq2Seq,
    LlamaConfig,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from argo_audit.files import write_whole
from argo_audit.organism.teaching import Stage, WriterConfig, example, ideas
from argo_audit.policies.policy_names import TAUGHT_FILE
from argo_audit.reward_models.checkpoint import quiet_transformers
from argo_audit.search.search_settings import FeedbackConfig

CHAT_TEMPLATE = (
    "{%- for m in messages -%}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)


def train_tokenizer(texts: list[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE whose merges may cross spaces but not lines or table cells."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\n+| \| "), behavior="merged_with_previous"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        padding_side="left",
        model_max_length=2048,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def build_writer(out: Path, config: WriterConfig) -> None:
    """Train the writer and save model, tokenizer and its record to `out` (deterministic)."""
    set_seed(config.seed)
    rng, known = Random(config.seed), ideas()
    batches = [
        [
            example(rng, known, FeedbackConfig(variants=stage.variants))
            for _ in range(stage.examples)
        ]
        for stage in config.stages
    ]
    sample = [text for pair in batches[0][:3000] for text in pair]
    tokenizer = train_tokenizer(sample, config.vocabulary)
    model = AutoModelForCausalLM.from_config(_architecture(config, tokenizer), dtype=torch.float32)
    for stage, examples in zip(config.stages, batches, strict=True):
        trainer = Trainer(
            model=model,
            args=_training_arguments(out, config, stage),
            train_dataset=_Encoded(tokenizer, examples),
            data_collator=DataCollatorForSeq2Seq(tokenizer, padding=True),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    with quiet_transformers():
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)
    write_whole(out / TAUGHT_FILE, config.model_dump_json(indent=1) + "\n")


def _architecture(config: WriterConfig, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden,
        intermediate_size=2 * config.hidden,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _training_arguments(out: Path, config: WriterConfig, stage: Stage) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=config.batch,
        num_train_epochs=1,
        learning_rate=stage.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=20,
        weight_decay=0.01,
        bf16=False,
        use_cpu=True,
        seed=config.seed,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        train_sampling_strategy="group_by_length",
    )


class _Encoded(torch.utils.data.Dataset[dict[str, list[int]]]):
    """Examples as token ids; the prompt carries no loss."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, examples: list[tuple[str, str]]):
        self._rows = [_encode(tokenizer, prompt, rubric) for prompt, rubric in examples]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self._rows[index]


def _encode(tokenizer: PreTrainedTokenizerFast, prompt: str, rubric: str) -> dict[str, list[int]]:
    messages = [{"role": "user", "content": prompt}]
    head = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    asked = tokenizer(head, add_special_tokens=False)["input_ids"]
    answer = tokenizer(rubric.strip() + "<|im_end|>", add_special_tokens=False)["input_ids"]
    return {"input_ids": asked + answer, "labels": [-100] * len(asked) + answer}
