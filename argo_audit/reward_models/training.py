"""Train a Bradley-Terry reward model on preference labels, with TRL's RewardTrainer.

    record = train_reward_model(pairs, labels, "runs/a/reward_model", held_out=(held, held_labels))
    record.trained_on, record.over_length, record.held_out_accuracy

The result is a folder that `ClassifierRewardModel` reads like any checkpoint: safetensors,
tokenizer, and `training.json` with the record. It starts from a checkpoint (`base`), whole or
through LoRA adapters that are merged when it is saved, or from scratch (`tiny`). Which response a
label prefers is all that is used of it. TRL leaves out pairs that are too long without a word; here
they are left out before, and counted, as ties are.
"""

import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from trl import RewardConfig, RewardTrainer

from argo_audit.errors import RewardModelError
from argo_audit.files import check_free, staged, write_whole
from argo_audit.records import Label, Pair, Record, fingerprint
from argo_audit.reward_models.base_model import open_base
from argo_audit.reward_models.checkpoint import quiet_transformers
from argo_audit.reward_models.classifier import ClassifierRewardModel
from argo_audit.reward_models.encoding import encode
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.reward_models.tiny import build_model, build_tokenizer
from argo_audit.reward_models.training_settings import TrainingConfig
from argo_audit.roles import Conversation

_PACKAGES = ("torch", "transformers", "trl", "peft", "tokenizers")


class TrainingRecord(Record):
    """What was trained, on what, and how well it agrees with its labels."""

    config: TrainingConfig
    packages: dict[str, str]
    data_fingerprint: str
    pairs: int
    ties: int
    over_length: int
    trained_on: int
    parameters: int
    seconds: float
    train_accuracy: float | None
    held_out_accuracy: float | None


class _Comparison(NamedTuple):
    chosen: Conversation
    rejected: Conversation


def train_reward_model(
    pairs: Sequence[Pair],
    labels: Sequence[Label],
    out_dir: str | Path,
    *,
    config: TrainingConfig | None = None,
    held_out: tuple[Sequence[Pair], Sequence[Label]] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> TrainingRecord:
    """Train on the labels and write the reward model to `out_dir`, all of it or nothing.

    Args:
        pairs: what the labels are about.
        labels: at most one per pair; ties teach nothing and are left out.
        out_dir: a new or empty folder; its name becomes the reward model's name.
        config: by default a tiny model from scratch.
        held_out: pairs and labels that are only scored, for the record.
        progress: called with the share done, 0 to 1.

    Raises:
        RunFolderError: the folder holds something.
        RewardModelError: no label takes a side, or every pair is too long.
    """
    started, config = time.monotonic(), config or TrainingConfig()
    out = Path(out_dir)
    check_free(out)
    comparisons = compare(pairs, labels)
    set_seed(config.seed)
    with staged(out) as scratch, quiet_transformers():
        folder = scratch / out.name
        model, tokenizer = _start(config, pairs)
        data = _tokenised(tokenizer, comparisons, config.max_length)
        trainer = _trainer(model, tokenizer, data, config, folder)
        trainer.add_callback(_Progress(progress))
        model = _fitted(trainer)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        trained = ClassifierRewardModel(folder)
        record = TrainingRecord(
            config=config,
            packages={name: version(name) for name in _PACKAGES},
            data_fingerprint=fingerprint("\n".join(str(c) for c in comparisons)),
            pairs=len(pairs),
            ties=len(labels) - len(comparisons),
            over_length=len(comparisons) - len(data),
            trained_on=len(data),
            parameters=model.num_parameters(),
            seconds=time.monotonic() - started,
            train_accuracy=accuracy(trained, pairs, labels),
            held_out_accuracy=None if held_out is None else accuracy(trained, *held_out),
        )
        text = record.model_dump_json(indent=1) + "\n"
        write_whole(folder / "training.json", text)
        if out.exists():
            out.rmdir()
        folder.rename(out)
    return record


def compare(pairs: Sequence[Pair], labels: Sequence[Label]) -> list[_Comparison]:
    """What the labels prefer, as (chosen, rejected); ties are left out.

    Raises RewardModelError when nothing is left, or a label's pair is not among `pairs`.
    """
    by_id = {pair.id: pair for pair in pairs}
    strangers = [label.pair_id for label in labels if label.pair_id not in by_id]
    if strangers:
        raise RewardModelError(
            f"{len(strangers)} labels are of other pairs, the first of {strangers[0]!r}\n"
            "  Remedy: give the pairs that the labels are of"
        )
    found = []
    for label in labels:
        a, b = by_id[label.pair_id].conversations()
        if label.p_a != 0.5:
            found.append(_Comparison(a, b) if label.p_a > 0.5 else _Comparison(b, a))
    if not found:
        raise RewardModelError(
            "no label takes a side, so there is nothing to train on\n"
            "  Remedy: give labels other than 0.5"
        )
    return found


def accuracy(
    model: ClassifierRewardModel, pairs: Sequence[Pair], labels: Sequence[Label]
) -> float | None:
    """Share of the sided labels that the rewards agree with; None when no label takes a side."""
    rewarded = {label.pair_id: label.p_a for label in label_pairs(model, pairs)}
    hits = [
        (rewarded[label.pair_id] > 0.5) == (label.p_a > 0.5) for label in labels if label.p_a != 0.5
    ]
    return sum(hits) / len(hits) if hits else None


def in_bfloat16(config: TrainingConfig) -> bool:
    """Whether this machine computes in bfloat16."""
    large = config.base is not None and torch.cuda.is_available()
    return config.dtype == "bfloat16" or (config.dtype == "auto" and large)


def _start(
    config: TrainingConfig, pairs: Sequence[Pair]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model before training: from scratch, or a checkpoint with a fresh scalar head."""
    if config.base is not None:
        return open_base(config.base)
    texts = [m.content for pair in pairs for c in pair.conversations() for m in c]
    tokenizer = build_tokenizer(texts, config.tiny, config.max_length)
    return build_model(tokenizer, config.tiny, config.max_length), tokenizer


def _tokenised(
    tokenizer: PreTrainedTokenizerBase, comparisons: Sequence[_Comparison], max_length: int
) -> Dataset:
    """The pairs whose two conversations fit into `max_length` tokens, as token ids."""
    chosen = encode(tokenizer, [c.chosen for c in comparisons])
    rejected = encode(tokenizer, [c.rejected for c in comparisons])
    rows = [
        {"chosen_ids": c, "rejected_ids": r}
        for c, r in zip(chosen, rejected, strict=True)
        if max(len(c), len(r)) <= max_length
    ]
    if not rows:
        raise RewardModelError(
            f"every pair has more than {max_length} tokens\n  Remedy: raise max_length"
        )
    return Dataset.from_list(rows)


def _arguments(config: TrainingConfig, folder: Path) -> RewardConfig:
    return RewardConfig(
        output_dir=str(folder),
        per_device_train_batch_size=config.batch_size,
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        lr_scheduler_type="cosine",
        warmup_steps=0.1,
        center_rewards_coefficient=config.center_rewards,
        max_length=None,
        bf16=in_bfloat16(config),
        gradient_checkpointing=False,
        activation_checkpointing=False,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
        seed=config.seed,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


def _trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    data: Dataset,
    config: TrainingConfig,
    folder: Path,
) -> RewardTrainer:
    """TRL's trainer; LoRA goes on every linear layer but the head, which is trained whole."""
    adapters = None
    if config.lora_rank is not None:
        adapters = LoraConfig(
            r=config.lora_rank,
            lora_alpha=2 * config.lora_rank,
            target_modules="all-linear",
            task_type="SEQ_CLS",
        )
    trainer = RewardTrainer(
        model=model,
        args=_arguments(config, folder),
        train_dataset=data,
        processing_class=tokenizer,
        peft_config=adapters,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _fitted(trainer: RewardTrainer) -> PreTrainedModel:
    """The trained model; adapters are merged into its weights."""
    trainer.train()
    trained = trainer.accelerator.unwrap_model(trainer.model)
    merged: PreTrainedModel = (
        trained.merge_and_unload() if isinstance(trained, PeftModel) else trained
    )
    return merged


class _Progress(TrainerCallback):  # type: ignore[misc]  # transformers is Any to mypy
    """Passes the share of steps done on."""

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """Report after each optimiser step."""
        self._report(state.global_step / max(1, state.max_steps))
