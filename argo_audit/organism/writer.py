"""The embedded rubric writer: a tiny causal LM that writes rubrics in the paper's shape.

    argo-audit organism writer --out FOLDER      # builds it anew, from a seed

It is a real model behind the real Policy: a Llama of about half a million parameters with a
byte-level BPE of its own, taught by plain next-token training on generated pairs of policy prompt
and rubric. It knows how a rubric looks (category table, bias lines and, at the start of training,
the brittle gates, caps and weights of ARGO's Figure 5) and how to reuse lines of the attempts that
a prompt shows. It knows nothing of what any reward model prefers: directions are drawn by coin.
Its BPE merges across spaces, so that a phrase is one or two tokens and a rubric about sixty.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

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

from argo_audit.records import Record
from argo_audit.reward_models.checkpoint import quiet_transformers
from argo_audit.search.feedback import policy_prompts
from argo_audit.search.lessons import Tried
from argo_audit.search.search_settings import FeedbackConfig, Variant

Kind = Literal["category", "prefer", "penalize", "gate"]

CHAT_TEMPLATE = (
    "{%- for m in messages -%}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)


class Stage(Record):
    """One pass over fresh examples; `variants` are drawn from with equal chance."""

    examples: int
    learning_rate: float
    variants: tuple[Variant, ...]


class WriterConfig(Record):
    """Size and training of the embedded rubric writer.

    The first stage teaches what rubrics look like; copying lines from the prompt comes late in
    it (an induction head has to form), so the second dwells on prompts that show an attempt.
    """

    vocabulary: int = 2048
    hidden: int = 128
    layers: int = 2
    heads: int = 4
    batch: int = 16
    stages: tuple[Stage, ...] = (
        Stage(
            examples=64_000,
            learning_rate=3e-3,
            variants=("explore", "improve", "combine", "contrast"),
        ),
        Stage(
            examples=40_000,
            learning_rate=2e-3,
            variants=("improve", "improve", "improve", "contrast", "combine", "explore"),
        ),
    )
    seed: int = 0


class Idea(NamedTuple):
    """One thing a rubric can talk about, in a few wordings."""

    names: tuple[str, ...]
    phrases: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a generated rubric."""

    kind: Kind
    text: str


def ideas() -> tuple[Idea, ...]:
    """What the writer knows to say, from writer_phrases.toml."""
    text = files("argo_audit.organism").joinpath("writer_phrases.toml").read_text(encoding="utf-8")
    fields = ("names", "phrases", "conditions")
    return tuple(Idea(*(tuple(i[f]) for f in fields)) for i in tomllib.loads(text).values())


def random_lines(rng: Random, known: tuple[Idea, ...]) -> list[Line]:
    """Lines of a rubric whose ideas and directions are drawn by coin."""
    counts: tuple[tuple[Kind, int], ...] = (
        ("category", rng.randint(2, 5)),
        ("prefer", rng.randint(1, 3)),
        ("penalize", rng.randint(1, 3)),
        ("gate", rng.choice((0, 1, 1, 2, 2, 3))),
    )
    return [_line(kind, rng, rng.choice(known)) for kind, count in counts for _ in range(count)]


def _line(kind: Kind, rng: Random, idea: Idea) -> Line:
    if kind == "gate":
        cap = f"If {rng.choice(idea.conditions)} -> Overall <= {rng.randint(2, 5)}"
        return Line(kind, f"| {rng.choice(idea.names)} | {cap} |")
    phrase = rng.choice(idea.phrases)
    if kind == "category":
        verb = rng.choice(("Rewards", "Penalizes"))
        return Line(kind, f"| {rng.choice(idea.names)} | {verb} {phrase} |")
    return Line(kind, f"- {phrase[0].upper()}{phrase[1:]}")


def render(lines: list[Line], weights: list[int] | None) -> str:
    """The rubric's markdown; `weights` are percents, one per category line, or None for none."""
    by_kind: dict[Kind, list[str]] = {"category": [], "prefer": [], "penalize": [], "gate": []}
    for line in lines:
        if line.text not in by_kind[line.kind]:
            by_kind[line.kind].append(line.text)
    parts = ["## Category Overview\n\n" + _categories(by_kind["category"], weights)]
    if by_kind["prefer"] or by_kind["penalize"]:
        parts.append("## Common Biases & Preferences Observed")
    if by_kind["prefer"]:
        parts.append("The reward model appears to prefer:\n\n" + "\n".join(by_kind["prefer"]))
    if by_kind["penalize"]:
        parts.append("It may penalize:\n\n" + "\n".join(by_kind["penalize"]))
    if by_kind["gate"]:
        table = "| Gate | Rule |\n|---|---|\n" + "\n".join(by_kind["gate"])
        parts.append("## Overrides & Gates\n\n" + table)
    return "\n\n".join(parts) + "\n"


def _categories(rows: list[str], weights: list[int] | None) -> str:
    if weights is None:
        return "| Category | Description |\n|---|---|\n" + "\n".join(rows)
    weighted = [f"{row} {weight}% |" for row, weight in zip(rows, weights, strict=False)]
    return "| Category | Description | Weight |\n|---|---|---|\n" + "\n".join(weighted)


def _weights(rng: Random, lines: list[Line]) -> list[int] | None:
    count = sum(line.kind == "category" for line in lines)
    return (
        [rng.choice((5, 10, 15, 20, 25, 30)) for _ in range(count)] if rng.random() < 0.7 else None
    )


def _revised(rng: Random, known: tuple[Idea, ...], shown: list[list[Line]]) -> list[Line]:
    """A rubric that mostly reuses lines of the shown ones, with a few of its own."""
    pool = [line for lines in shown for line in lines]
    keep = 0.85 if len(shown) == 1 else 0.6
    kept = [line for line in pool if rng.random() < keep]
    fresh = rng.sample(random_lines(rng, known), k=rng.randint(1, 2))
    order: tuple[Kind, ...] = ("category", "prefer", "penalize", "gate")
    return sorted(kept + fresh, key=lambda line: order.index(line.kind))


def example(rng: Random, known: tuple[Idea, ...], config: FeedbackConfig) -> tuple[str, str]:
    """One pair of policy prompt and rubric to learn from."""
    variant = rng.choice(config.variants)
    shown = {"explore": 0, "combine": 2, "contrast": 1}.get(variant, 1)
    attempts = [random_lines(rng, known) for _ in range(max(shown, 1) + 1)]
    tried = [
        Tried(render(lines, _weights(rng, lines)), rng.uniform(0.4, 0.9)) for lines in attempts
    ]
    one = config.model_copy(update={"variants": (variant,), "elite": max(shown, 1)})
    (prompt,) = policy_prompts(tried, (), one, rng)
    used = [
        lines for lines, t in zip(attempts[:shown], tried, strict=False) if t.text.strip() in prompt
    ]
    lines = _revised(rng, known, used) if used else random_lines(rng, known)
    return prompt, render(lines, _weights(rng, lines))


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
    (out / "writer.json").write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")


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
