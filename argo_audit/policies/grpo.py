"""A rubric writer trained by RL: TRL's GRPOTrainer, handed the two things that ARGO changes.

    policy = GRPOPolicy("Qwen/Qwen2.5-1.5B-Instruct", 4, Path("run/policy"), PolicySettings())
    policy.train(next_prompts, policy_reward, steps=60)

TRL owns the loop. It is given prompts that change (ARGO's step 4) and rewards that cost a judge
(step 2). A dataset that reads shared state is one step stale, since the data loader reads ahead; so
the trainer below writes the step's prompts into the generation batch at the moment it is generated,
which keeps prompts, rewards and TRL's own logs consistent. That hook is a private method of TRL; a
test holds it to "what was paid at step n can be read in the prompt of step n + 1". The embedded
writer and a large model go through this same file, on one process or, under `accelerate launch`,
on many: then the main one asks and pays for all (see `processes`).

One step is one epoch of the data loader, so a checkpoint after a whole step goes on with a fresh
loader, its random states as they were: nothing is skipped, and on a CPU the continuation is the
uninterrupted run, bit for bit. vLLM keeps random states of its own, which no checkpoint holds.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging as transformers_logging
from trl import GRPOConfig, GRPOTrainer

from argo_audit.errors import InputError, brief
from argo_audit.policies.arguments import trainer_arguments
from argo_audit.policies.checkpoints import (
    Checkpoint,
    data_alone,
    newest,
    remove_checkpoints,
    seal,
)
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.policies.processes import TEAM, MainFailedError
from argo_audit.policies.prompt_window import Window
from argo_audit.records import Usage
from argo_audit.roles import NextPrompts, PolicyReward, Proposal


class GRPOPolicy:
    """The Policy role over any causal LM that transformers loads, from a folder or the hub.

    `prompt_variants` is how many prompts each step brings; the trained policy goes to `folder`,
    and checkpoints until it is trained. `used` is what this object has written so far: a call is
    one rubric, its tokens those of prompt and rubric.
    """

    def __init__(self, model: str, prompt_variants: int, folder: Path, settings: PolicySettings):
        self.name = model
        self.used = Usage()
        self._variants = prompt_variants
        self._folder = folder
        self._settings = settings
        self._from: Checkpoint | None = None

    def resume(self, done: int) -> int:
        """See roles.Policy: `train` goes on from the newest whole checkpoint, else from the start.

        A policy whose training was completed has nothing left to train.
        """
        self._from = newest(self._folder, done)
        return self._from.step if self._from else 0

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        """Run GRPO up to step `steps` and save the policy, without checkpoints when it is trained.

        Raises ValueError when `next_prompts` returns another number of prompts, and InputError
        when the rubrics of a step cannot be dealt to the processes or the model has no room.
        """
        whole = self._from.path if self._from else None
        remove_checkpoints(self._folder, keep=whole)
        if whole == self._folder:
            return
        task = _Task(self.name, self._variants, self._folder, self._settings, steps, whole)

        def pay(written: Sequence[_Rubric]) -> list[float]:
            read, wrote = sum(r.read for r in written), sum(r.wrote for r in written)
            self.used += Usage(calls=len(written), input_tokens=read, output_tokens=wrote)
            return policy_reward([rubric.proposal for rubric in written])

        arguments = task.arguments()
        with TEAM.work_on(task):
            _train(task, arguments, next_prompts, pay)


def follow() -> None:
    """What the processes beside the main one do: train what it says, until it is through."""
    while (task := TEAM.next_task()) is not None:
        try:
            _train(task, task.arguments(), _never, _never)
        except MainFailedError:
            continue


class _Rubric(NamedTuple):
    """What the policy wrote, and the tokens that it read and wrote for it."""

    proposal: Proposal
    read: int
    wrote: int


_Pay = Callable[[Sequence[_Rubric]], list[float]]


class _Task(NamedTuple):
    """All that a process needs to know to take part in training one policy."""

    model: str
    variants: int
    folder: Path
    settings: PolicySettings
    steps: int
    checkpoint: Path | None

    def arguments(self) -> GRPOConfig:
        return trainer_arguments(self.settings, self.variants, self.folder, self.steps, TEAM.size)


def _train(task: _Task, arguments: GRPOConfig, next_prompts: NextPrompts, pay: _Pay) -> None:
    """Train, save, seal; in every process alike, the main one asks and writes."""
    transformers_logging.disable_progress_bar()
    completed = True
    with warnings.catch_warnings():  # trl and peft use names that transformers has renamed
        warnings.simplefilter("ignore", FutureWarning)
        trainer = _trainer(task, arguments, next_prompts, pay)
        try:
            with data_alone(task.checkpoint):
                trainer.train(resume_from_checkpoint=task.checkpoint and str(task.checkpoint))
        except _StopError:
            completed = False
    trainer.save_model(str(task.folder))
    trainer.accelerator.wait_for_everyone()
    if TEAM.main and completed:
        seal(task.folder, task.steps)
        remove_checkpoints(task.folder)


def _trainer(
    task: _Task, arguments: GRPOConfig, next_prompts: NextPrompts, pay: _Pay
) -> "_ArgoTrainer":
    settings = task.settings
    tokenizer, model = _load(task)
    trainer = _ArgoTrainer(
        model=model,
        args=arguments,
        train_dataset=_placeholder(task.variants),
        processing_class=tokenizer,
        peft_config=_lora(settings.lora_rank),
        next_prompts=next_prompts,
        pay=pay,
        window=Window(tokenizer, _context(task, model) - settings.max_rubric_tokens),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Sealing(trainer.accelerator.wait_for_everyone, settings.updates_per_step))
    return trainer


def _load(task: _Task) -> tuple[Any, Any]:
    """Tokenizer and model; raises InputError when they are no chat model."""
    frozen_in_bf16 = task.settings.bf16 and task.settings.lora_rank > 0
    dtype = torch.bfloat16 if frozen_in_bf16 else torch.float32
    remedy = "name a folder or hub id of an instruction-tuned causal LM"
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            task.model, padding_side="left", trust_remote_code=False
        )
        model = AutoModelForCausalLM.from_pretrained(
            task.model, dtype=dtype, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise InputError(task.model, f"it cannot be loaded ({brief(error)})", remedy) from error
    if tokenizer.chat_template is None:
        raise InputError(task.model, "its tokenizer has no chat template", remedy)
    return tokenizer, model


def _context(task: _Task, model: Any) -> int:
    """Most tokens of prompt and rubric together."""
    text = model.config.get_text_config()
    limits = (task.settings.vllm_max_model_length, getattr(text, "max_position_embeddings", None))
    return min((limit for limit in limits if limit), default=sys.maxsize)


class _StopError(Exception):
    """The search is over before its last step."""


class _ArgoTrainer(GRPOTrainer):  # type: ignore[misc]  # trl ships no types
    """GRPOTrainer that asks for fresh prompts each time it generates."""

    def __init__(self, *, next_prompts: NextPrompts, pay: _Pay, window: Window, **given: Any):
        self._next_prompts, self._pay, self._window = next_prompts, pay, window
        super().__init__(reward_funcs=self._rubric_reward, **given)

    def create_model_card(self, *_: object, **__: object) -> None:
        """None: it would be written with each checkpoint, and takes longer than the rest."""

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """Process r generates rows r * len(inputs) and on of the step, grouped by prompt."""
        prompts = TEAM.ask(lambda: self._prompts(len(inputs) * TEAM.size))
        if not prompts:
            raise _StopError
        shown = [self._window.fit(prompt) for prompt in prompts]
        fresh = []
        for place, row in enumerate(inputs, start=TEAM.rank * len(inputs)):
            variant = place // self.num_generations
            prompt = [{"role": "user", "content": shown[variant].text}]
            fresh.append(
                {**row, "prompt": prompt, "variant": variant, "read": shown[variant].tokens}
            )
        scored: dict[str, Any] = super()._generate_and_score_completions(fresh)
        return scored

    def _prompts(self, rows: int) -> list[str]:
        prompts = list(self._next_prompts())
        if prompts and len(prompts) * self.num_generations != rows:
            raise ValueError(
                f"the policy is set to {rows // self.num_generations} prompt variants a step and "
                f"was handed {len(prompts)}"
            )
        return prompts

    def _rubric_reward(
        self,
        completions: Sequence[list[dict[str, Any]]],
        completion_ids: Sequence[Sequence[int]],
        variant: Sequence[int],
        read: Sequence[int],
        **_: object,
    ) -> list[float]:
        """The main process pays what all have written; each keeps what its own were paid."""
        written = [
            _Rubric(Proposal(v, turn[0]["content"] or "", self._finished(ids)), tokens, len(ids))
            for turn, ids, v, tokens in zip(completions, completion_ids, variant, read, strict=True)
        ]
        everyone = TEAM.gather(written)
        paid = TEAM.ask(lambda: self._pay(everyone))
        return paid[TEAM.rank * len(written) :][: len(written)]

    def _finished(self, ids: Sequence[int]) -> bool:
        """Whether the policy ended its text itself; padding, often the same token, is cut off."""
        return bool(ids) and ids[-1] in self.eos_token_ids


class _Sealing(TrainerCallback):  # type: ignore[misc]  # transformers is skipped by mypy
    """Declares a checkpoint whole once every process has written its part."""

    def __init__(self, wait_for_everyone: Callable[[], None], updates_per_step: int):
        self._wait, self._updates = wait_for_everyone, updates_per_step

    def on_save(self, args: Any, state: Any, control: Any, **_: object) -> None:
        self._wait()
        if TEAM.main:
            path = Path(args.output_dir, f"checkpoint-{state.global_step}")
            seal(path, state.global_step // self._updates)


def _never(*_: object) -> Any:
    raise AssertionError("only the main process is asked")


def _placeholder(prompts: int) -> Dataset:
    """TRL wants a dataset of prompts; each is replaced before it is used."""
    rows = [[{"role": "user", "content": f"prompt variant {i}"}] for i in range(prompts)]
    return Dataset.from_dict({"prompt": rows})


def _lora(rank: int) -> LoraConfig | None:
    if rank == 0:
        return None
    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
